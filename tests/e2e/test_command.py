# SPDX-License-Identifier: Apache-2.0
"""The command itself: help, version, check, mistakes with their place, secrets that stay secret, and the first start without a file."""
import os
import re
import subprocess

import pytest
from ddgate import BINARY, ROOT, Ddgate, free_port
from payloads import span, v04


def run(*args, env=None, cwd=None):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
                          env={**os.environ, **(env or {})}, cwd=cwd)


def test_version():
    done = run("--version")
    assert done.returncode == 0 and re.match(r"ddgate \d+\.\d+\.\d+", done.stdout)


def test_help():
    done = run("--help")
    assert done.returncode == 0 and not done.stderr
    assert all(word in done.stdout for word in ("check", "-c", "--version"))


def test_an_unknown_argument_is_a_mistake():
    done = run("--colour")
    assert done.returncode == 2 and "--colour" in done.stderr and not done.stdout


def test_check_says_all_mistakes_at_once_with_their_lines(tmp_path):
    conf = tmp_path / "bad.conf"
    conf.write_text('receivers = ( { type = "ddtrace"; lissten = [ "127.0.0.1:0" ]; } );\n'
                    "exporters = (\n"
                    '  { type = "otlp_grpc"; endpoint = "collector:4317"; },\n'
                    '  { type = "stdout"; format = "prety"; }\n'
                    ");\n")
    done = run("check", "-c", str(conf))
    assert done.returncode == 2
    places = dict(re.findall(r"bad\.conf:(\d+): (.*)", done.stderr))
    assert set(places) == {"1", "3", "4"}, done.stderr
    assert "lissten" in places["1"] and 'did you mean "listen"?' in places["1"]
    assert "http://" in places["3"] and "pretty" in places["4"]


def test_check_of_a_right_file_opens_nothing(tmp_path):
    port = free_port()
    conf = tmp_path / "good.conf"
    conf.write_text(f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; socket = "{tmp_path}/s"; }} );\n'
                    'exporters = ( { type = "stdout"; } );\n')
    done = run("check", "-c", str(conf))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("conf", sorted((ROOT / "conf").glob("*.conf")), ids=lambda p: p.name)
def test_the_examples_in_conf_are_right(tmp_path, conf):
    variables = {name: "x" for name in re.findall(r"\$\{env:(\w+)\}", conf.read_text())}
    variables["DDGATE_PROFILES"] = str(tmp_path)  # a directory that must exist
    done = run("check", "-c", str(conf), env=variables)
    assert done.returncode == 0, done.stderr


def test_there_are_examples():
    assert list((ROOT / "conf").glob("*.conf"))


def test_a_file_that_is_not_there():
    done = run("-c", "/nonexistent/ddgate.conf")
    assert done.returncode == 2 and "/nonexistent/ddgate.conf" in done.stderr


def test_a_taken_address_ends_the_start(tmp_path):
    first = Ddgate(tmp_path / "first")
    first.wait_listening()
    second = Ddgate(tmp_path / "second", port=first.port)
    assert second.process.wait(30) == 2 and str(first.port) in second.stderr
    first.stop()


def test_secrets_are_not_printed(tmp_path):
    secret = "s3cr3t-of-mine"
    (tmp_path / "key").write_text(secret + "\n")
    conf = tmp_path / "c.conf"
    conf.write_text('exporters = ( { type = "otlp_grpc"; endpoint = "http://127.0.0.1:1"; retry = { initial = "10ms"; };\n'
                    f'  headers = {{ x-key = "${{file:{tmp_path}/key}}"; x-other = "${{env:OTHER}}"; }}; }} );\n'
                    f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:0" ]; }} );\n')
    done = run("check", "-c", str(conf), env={"OTHER": secret})
    assert done.returncode == 0 and secret not in done.stdout + done.stderr


def test_a_missing_variable_is_a_mistake_with_its_name(tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text('exporters = ( { type = "otlp_grpc"; endpoint = "${env:DDGATE_NO_SUCH_VARIABLE}"; } );\n')
    done = run("check", "-c", str(conf))
    assert done.returncode == 2 and "DDGATE_NO_SUCH_VARIABLE" in done.stderr and "c.conf:1" in done.stderr


def test_started_alone_it_says_how_to_point_an_application_at_it(tmp_path):
    """`ddgate` without a file: the default ports (taken ones are a warning), traces on standard output, hints on standard error."""
    gate = Ddgate(tmp_path, args=[])
    try:
        gate.wait_stderr("DD_TRACE_AGENT_PORT=")
        assert "DD_AGENT_HOST=" in gate.stderr and gate.stdout == ""
        gate.port = int(re.search(r"DD_TRACE_AGENT_PORT=(\d+)", gate.stderr)[1])
        assert gate.port in (8126, 9529)
        s = span(name="flask.request", resource="GET /hello", type="web", service="my-shop")
        assert gate.put("/v0.4/traces", v04([s])).status == 200
        text = gate.wait_stdout(lambda out: "GET /hello" in out, "the trace")
        assert "my-shop" in text and "\x1b" not in text, "no colour where there is no terminal"
    finally:
        gate.stop()


def test_an_endpoint_variable_makes_it_a_gateway(tmp_path, sink):
    """OTEL_EXPORTER_OTLP_* fill what no file says."""
    gate = Ddgate(tmp_path, args=[], env={"OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                                          "OTEL_EXPORTER_OTLP_HEADERS": "x-from=variable"})
    try:
        gate.wait_stderr("DD_TRACE_AGENT_PORT=")
        gate.port = int(re.search(r"DD_TRACE_AGENT_PORT=(\d+)", gate.stderr)[1])
        s = span()
        assert gate.put("/v0.4/traces", v04([s])).status == 200
        sink.wait_spans(1)
        assert sink.requests[0].metadata["x-from"] == "variable"
    finally:
        gate.stop()
    assert gate.stdout == ""


@pytest.mark.parametrize("args, hint", [
    (["chek", "-c", "x.conf"], "did you mean check?"), (["chekc"], "did you mean check?"), (["rnu"], "did you mean run?"),
    (["--hlep"], "did you mean --help?"), (["help"], "did you mean --help?"), (["version"], "did you mean --version?"),
    (["ddgate.conf"], "ddgate -c ddgate.conf"), (["/etc/ddgate/x"], "ddgate -c /etc/ddgate/x"), (["check", "my.conf"], "ddgate check -c my.conf"),
    (["-c", "a.conf", "-c", "b.conf"], "here are two: a.conf and b.conf"), (["-c", "a.conf", "--config=b.conf"], "@include"),
    (["--help", "recievers"], "did you mean receivers"), (["--help", "exporters.otlp_grcp"], "did you mean otlp_grpc"),
    (["check", "run"], "there is one command"), (["-c", ""], "wants a file"), (["-c"], "wants a file")])
def test_a_mistake_in_the_command_says_what_was_meant(args, hint):
    done = run(*args)
    assert done.returncode == 2 and hint in done.stderr and not done.stdout, done.stderr


@pytest.mark.parametrize("args, words", [
    (["--help", "check"], ["ddgate check [--connect] -c FILE", "binds nothing"]), (["check", "--help"], ["ddgate check [--connect] -c FILE"]),
    (["--help", "run"], ["SIGHUP"]), (["--help", "pipeline"], ["--script"]), (["--help", "log"], ["log.level", "log.format"]),
    (["--help", "receivers"], ["receivers = (", "ddtrace", "syslog", "file"]),
    (["--help", "exporters"], ["exporters = (", "otlp_grpc", "otlp_http", "sls", "stdout"])])
def test_help_on_a_topic(args, words):
    done = run(*args)
    assert done.returncode == 0 and not done.stderr and not [word for word in words if word not in done.stdout], done.stdout


def check_text(text, *args):
    return subprocess.run([BINARY, "check", "-c", "-", *args], input=text, capture_output=True, text=True, check=False, timeout=60)


def test_a_configuration_on_standard_input():
    done = check_text('log = { level = "warn"; };\n')
    assert done.returncode == 0, done.stderr
    done = check_text('\nlog = { level = "wraning"; };\n')
    assert done.returncode == 2 and 'standard input:2: log.level: "wraning" is not one of' in done.stderr and 'did you mean "warning"?' in done.stderr
    done = check_text('receivers = ( { type = "stdin"; } );\n')
    assert done.returncode == 2 and "which -c - has read" in done.stderr


def test_a_configuration_in_a_pipe_that_has_nothing_yet():
    """As -c <(command) has."""
    readable, writable = os.pipe()
    with subprocess.Popen([BINARY, "check", "-c", f"/dev/fd/{readable}"], pass_fds=[readable], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        os.close(readable)
        os.write(writable, b'log = { level = "wraning"; };\n')
        os.close(writable)
        _, said = done.communicate(timeout=60)
    assert done.returncode == 2 and b"log.level" in said, said


@pytest.mark.parametrize("text, kind", [("\ufefflog = { };\n", "byte order mark"), ('{ "log": { "level": "info" } }', "is JSON"),
                                        ("receivers:\n  - type: ddtrace\n", "is YAML"), ('[log]\nlevel = "info"\n', "is TOML")])
def test_a_file_of_another_kind(text, kind):
    done = check_text(text)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and kind in done.stderr, done.stderr


def test_a_syntax_error_has_a_column_and_a_mark(tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text('log = { level = "info"; };\nexporters = ( { type = stdout; } );\n')
    done = run("check", "-c", str(conf))
    assert done.returncode == 2
    assert done.stderr == (f"{conf}:2:24: syntax error: text stands in quotes: \"…\"\n"
                           "  exporters = ( { type = stdout; } );\n"
                           "                         ^\n")
    (tmp_path / "part.conf").write_text('\n\nadmin = { listen = 127.0.0.1; };\n')
    conf.write_text('@include "part.conf"\n')
    done = run("check", "-c", str(conf))
    assert done.returncode == 2 and "part.conf:3:20: syntax error: " in done.stderr, done.stderr


@pytest.mark.parametrize("conf", ['exporters = ( { type = "sls"; endpoint = "https://h"; project = "${env:DDGATE_NONE}"; instance = "${env:DDGATE_NONE}";'
                                  ' access_key_id = "${env:DDGATE_NONE}"; access_key_secret = "${env:DDGATE_NONE}"; } );',
                                  'exporters = ( { type = "otlp_http"; endpoint = "${env:DDGATE_NONE}"; timeout = "${env:DDGATE_NONE}"; } );',
                                  'receivers = ( { type = "tcp"; listen = [ "${env:DDGATE_NONE}" ]; } );',
                                  'receivers = ( { type = "ddtrace"; listen = "${env:DDGATE_NONE}"; socket = ""; } );'])
def test_a_missing_variable_is_said_once(conf):
    done = check_text(conf)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "DDGATE_NONE is not set" in done.stderr, done.stderr


TAKEN = [  # what cannot work together, the place of the mistake, its words
    ('receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:7001" ]; socket = ""; }, { type = "ddtrace"; listen = [ "127.0.0.1:7001" ]; socket = ""; } );',
     "receivers[1].listen", "receivers[0], of the same type, listens there already"),
    ('receivers = ( { type = "tcp"; listen = [ "127.0.0.1:7001" ]; }, { type = "ddtrace"; listen = [ "127.0.0.1:7001" ]; } );',
     "receivers[1].listen", "127.0.0.1:7001 is wanted by receivers[0] (tcp) too"),
    ('receivers = ( { type = "tcp"; listen = [ "127.0.0.1:7001" ]; }, { type = "tcp"; listen = [ "127.0.0.1:7001" ]; } );',
     "receivers[1].listen", "receivers[0], of the same type, listens there already"),
    ('receivers = ( { type = "tcp"; listen = [ "0.0.0.0:7001" ]; }, { type = "syslog"; tcp = [ "127.0.0.1:7001" ]; } );',
     "receivers[1].tcp", "is wanted by receivers[0] (tcp) too"),
    ('receivers = ( { type = "unix"; socket = "/tmp/x.sock"; }, { type = "ddtrace"; listen = [ "127.0.0.1:0" ]; socket = "/tmp/x.sock"; } );',
     "receivers[1].socket", "/tmp/x.sock is wanted by receivers[0] (unix) too"),
    ('admin = { listen = "127.0.0.1:8126"; };', "admin.listen", "is wanted by receivers[0] (ddtrace) too"),
    ('receivers = ( { type = "ddtrace"; socket = "/nonexistent/apm.socket"; } );', "receivers[0].socket", "its folder does not exist"),
    ('receivers = ( { type = "unix"; socket = "/nonexistent/x"; } );', "receivers[0].socket", "its folder does not exist"),
    ('receivers = ( { type = "ddtrace"; listen = [ "192.0.2.1:8126" ]; } );', "receivers[0].listen", "this machine does not have the address"),
    ('storage = { directory = "/nonexistent/a/b"; };', "storage.directory", "cannot be made"),
    ('receivers = ( { type = "file"; path = "/a"; offsets = "/dev/null/x/y"; } );', "receivers[0].offsets", "cannot be written"),
    ('receivers = ( { type = "file"; path = "/a"; offsets = "/dev/null"; } );', "receivers[0].offsets", "is no regular file"),
    ('receivers = ( { type = "file"; path = "/a"; offsets = "/tmp/o"; }, { type = "file"; path = "/b"; offsets = "/tmp/o"; } );',
     "receivers[1].offsets", "another receiver keeps its offsets there too"),
    ('receivers = ( { type = "file"; path = "/a"; }, { type = "file"; path = "/a"; exclude = "/b"; } );', "receivers[1].offsets", "another receiver keeps"),
    ('receivers = ( { type = "ddtrace"; socket = "/dev/null"; } );', "receivers[0].socket", "is there, and is no socket"),
    ('admin = { listen = "/dev/null"; };', "admin.listen", "is there, and is no socket"),
    # where root has every right, and no file can be made
    ('storage = { directory = "/sys/queue"; };', "storage.directory", "cannot be made"),
    ('storage = { directory = "/proc/sys"; };', "storage.directory", "cannot be written"),
    ('receivers = ( { type = "file"; path = "/a"; offsets = "/sys/kernel/o"; } );', "receivers[0].offsets", "cannot be written"),
    ('receivers = ( { type = "ddtrace"; socket = "/sys/kernel/x"; } );', "receivers[0].socket", "/sys/kernel/x: "),
    ('exporters = ( { type = "stdout"; dead_letter = { directory = "/sys/kernel"; }; } );', "exporters[0].dead_letter.directory", "write there"),
    ('exporters = ( { type = "stdout"; dead_letter = { directory = "/nonexistent"; }; } );', "exporters[0].dead_letter.directory", "No such file"),
]


@pytest.mark.parametrize("conf, place, words", TAKEN)
def test_check_fails_on_what_will_not_work(conf, place, words):
    done = check_text(conf)
    assert done.returncode == 2 and not done.stdout
    assert [line for line in done.stderr.splitlines() if f"{place}: " in line and words in line and "warning" not in line], done.stderr


def test_a_folder_may_be_written_with_a_slash_at_its_end(tmp_path):
    """A start makes it."""
    done = check_text(f'storage = {{ directory = "{tmp_path}/queue/"; }};')
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("components, place", [
    ('receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:0" ]; socket = ""; tls = { cert = "/dev/zero"; key = "/dev/zero"; }; } );', "receivers[0].tls.cert"),
    ('exporters = ( { type = "otlp_grpc"; endpoint = "https://127.0.0.1:1"; tls = { ca = "/dev/zero"; }; } );', "exporters[0].tls.ca")])
def test_a_device_in_the_place_of_a_certificate_is_a_mistake(components, place):
    """One that can be read without end."""
    done = check_text(components)
    assert done.returncode == 2 and place in done.stderr, done.stderr


def test_offsets_may_be_kept_in_a_folder_that_a_start_makes(tmp_path):
    """Of any depth; check makes none of it."""
    done = check_text(f'receivers = ( {{ type = "file"; path = "/a"; offsets = "{tmp_path}/a/b/c"; }} );')
    assert done.returncode == 0 and not list(tmp_path.iterdir()), done.stderr


FILES = [  # what names a file, and the option
    ('exporters = ( { type = "otlp_grpc"; endpoint = "https://127.0.0.1:1"; tls = { ca = "@"; }; } );', "exporters[0].tls.ca"),
    ('exporters = ( { type = "otlp_http"; endpoint = "https://127.0.0.1:1"; tls = { cert = "@"; key = "@"; }; } );', "exporters[0].tls.cert"),
    ('receivers = ( { type = "tcp"; listen = [ "127.0.0.1:0" ]; tls = { cert = "@"; key = "@"; }; } );', "receivers[0].tls.cert"),
    ('receivers = ( { type = "tcp"; listen = [ "127.0.0.1:0" ]; pipeline = "@"; } );', "receivers[0].pipeline"),
    ('receivers = ( { type = "file"; path = "/a"; offsets = "@"; } );', "receivers[0].offsets")]


@pytest.mark.parametrize("conf, place", FILES)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_pipe_that_nobody_writes_into_is_not_waited_for(tmp_path, conf, place, command):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "c.conf").write_text(conf.replace("@", str(tmp_path / "pipe")))
    done = subprocess.run([BINARY, command, "-c", tmp_path / "c.conf"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and place in done.stderr, done.stderr


@pytest.mark.parametrize("conf, place", FILES[:4])
def test_a_huge_file_is_not_read_to_its_end(tmp_path, conf, place):
    with open(tmp_path / "huge", "wb") as f:
        f.truncate(1 << 40)  # takes no room
    done = check_text(conf.replace("@", str(tmp_path / "huge")))
    assert done.returncode == 2 and place in done.stderr, done.stderr


@pytest.mark.parametrize("option", ['auth = { token = "@"; }', 'tls = { cert = "@"; key = "@"; }', 'tls = { client_ca = "@"; }'])
@pytest.mark.parametrize("value", ["${env:DDGATE_NOT_THERE:-}", "${file:/dev/null}"])
def test_a_secret_that_comes_out_empty_opens_no_door(option, value):
    """A listener that asks for nothing is nobody's wish, where a variable or a file for what it asks is named."""
    conf = f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:0" ]; socket = ""; {option.replace("@", value)}; }} );'
    done = check_text(conf)
    assert done.returncode == 2 and "is empty after its" in done.stderr, done.stderr


def test_no_token_may_be_written():
    done = check_text('receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:0" ]; socket = ""; auth = { token = ""; }; } );')
    assert done.returncode == 0, done.stderr


def test_what_may_share_does():
    done = check_text('receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:7001" ]; }, { type = "http"; listen = [ "127.0.0.1:7001" ]; },\n'
                      '  { type = "udp"; listen = [ "127.0.0.1:7001" ]; }, { type = "ddtrace"; listen = [ "127.0.0.1:0" ]; },\n'
                      '  { type = "tcp"; listen = [ "127.0.0.1:0" ]; } );\n')
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.path.isdir("/var/run/datadog"), reason="the folder of the default socket is there")
@pytest.mark.parametrize("args", [["check"], []])
def test_the_default_socket_must_have_its_folder_where_it_is_written(tmp_path, args):
    conf = tmp_path / "c.conf"
    conf.write_text('receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:0" ]; socket = "/var/run/datadog/apm.socket"; } );\n')
    done = run(*args, "-c", str(conf))
    assert done.returncode == 2 and "c.conf:1: receivers[0].socket: /var/run/datadog/apm.socket: its folder does not exist" in done.stderr


@pytest.fixture
def pipes(tmp_path):
    (tmp_path / "nginx.p").write_text('grok(_, "%{WORD:x}")\n')
    return tmp_path


@pytest.mark.parametrize("option, hint", [('source = "ngnix"', 'did you mean "nginx"?'), ('pipeline = "ngnix"', 'did you mean "nginx"?'),
                                          ('source = "something_else"', "has no script for"), ('pipeline = "none_such.p"', "there is no such file"),
                                          ('pipeline = "/nonexistent/x.p"', "No such file")])
def test_check_fails_on_a_name_without_a_script(pipes, option, hint):
    done = check_text(f'pipelines = {{ directory = "{pipes}"; }};\nreceivers = ( {{ type = "tcp"; listen = [ "127.0.0.1:7001" ]; {option}; }} );')
    assert done.returncode == 2 and f"receivers[0].{option.split()[0]}: " in done.stderr and hint in done.stderr, done.stderr


@pytest.mark.parametrize("option", ['source = "nginx"', 'source = "nginx.p"', 'pipeline = "nginx"', 'source = "other"; parse = "auto"', ""])
def test_check_takes_a_name_with_a_script(pipes, option):
    done = check_text(f'pipelines = {{ directory = "{pipes}"; }};\nreceivers = ( {{ type = "tcp"; listen = [ "127.0.0.1:7001" ]; {option}{";" if option else ""} }} );')
    assert done.returncode == 0, done.stderr
    assert ("script nginx" in done.stdout) == ("nginx" in option), done.stdout


def test_check_fails_on_a_script_that_does_not_load(pipes):
    (pipes / "bad.p").write_text("grok(_, \n")
    for conf in (f'pipelines = {{ directory = "{pipes}"; }};', f'receivers = ( {{ type = "stdin"; pipeline = "{pipes}/bad.p"; }} );'):
        path = pipes / "c.conf"
        path.write_text(conf)
        done = run("check", "-c", str(path))
        assert done.returncode == 2 and "bad.p:2:1" in done.stderr, done.stderr


def test_check_prints_what_would_run(pipes):
    path = pipes / "c.conf"
    path.write_text('max_memory = "128MiB";\n'
                    f'pipelines = {{ directory = "{pipes}"; }};\n'
                    'receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:8126" ]; socket = ""; auth = { token = "${env:DDGATE_TOKEN}"; }; },\n'
                    '  { type = "tcp"; listen = [ "127.0.0.1:5170" ]; source = "nginx"; } );\n'
                    'exporters = ( { type = "otlp_http"; endpoint = "http://127.0.0.1:4318/x"; headers = { x-key = "${env:DDGATE_TOKEN}"; };\n'
                    '  retry = { max = "90s"; }; logs_endpoint = "https://l.example.com/?api_key=hush-hush"; } );\n')
    done = run("check", "-c", str(path), env={"DDGATE_TOKEN": "0123456789-a-secret", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})
    out = done.stdout
    assert done.returncode == 0 and out.startswith(f"{path}: ok\n") and not done.stderr
    for line in ("  receivers[0]: ddtrace: 127.0.0.1:8126\n", "  receivers[1]: tcp: 127.0.0.1:5170; script nginx.p of pipelines.directory\n",
                 "  exporters[0]: otlp_http: http://127.0.0.1:4318/x, logs to https://l.example.com/?api_key=***, compression gzip\n",
                 "  admin: 127.0.0.1:8127\n"):
        assert line in out, out
    values = {line.split(" = ")[0].strip(): (line.split(" = ", 1)[1].rsplit("  ", 1)) for line in out.splitlines() if " = " in line}
    assert values["max_memory"][1] == f"{path}:1" and values["retry.max"][0].strip() == '"90s"', values
    assert values["auth.token"][0].strip() == '"***"' and values["auth.token"][1] == f"{path}:3, ${{env:DDGATE_TOKEN}}"
    assert values["compression"][1] == "environment variable OTEL_EXPORTER_OTLP_COMPRESSION"
    assert "secret" not in out and "hush" not in out


def test_start_says_each_listener_and_each_exporter(tmp_path):
    ports = [free_port() for _ in range(8)]
    conf = tmp_path / "c.conf"
    conf.write_text(f'receivers = ( {{ type = "ddtrace"; socket = ""; listen = [ {", ".join(f"{chr(34)}127.0.0.1:{p}{chr(34)}" for p in ports)} ]; }},\n'
                    '  { type = "tcp"; listen = [ "127.0.0.1:0" ]; }, { type = "udp"; listen = [ "127.0.0.1:0" ]; } );\n'
                    f'exporters = ( {", ".join(f"{{ type = {chr(34)}otlp_grpc{chr(34)}; name = {chr(34)}e{n}{chr(34)}; endpoint = {chr(34)}http://127.0.0.1:{n + 1}{chr(34)}; }}" for n in range(8))} );\n'
                    'admin = { listen = "127.0.0.1:0"; };\n')
    gate = Ddgate(tmp_path, args=["-c", str(conf)])
    gate.wait_listening()
    gate.stop()
    for port in ports:
        assert f'receiver=ddtrace "listening on 127.0.0.1:{port}"' in gate.stderr
    assert re.search(r'receiver=tcp "listening on 127\.0\.0\.1:\d+"', gate.stderr) and re.search(r'receiver=udp "listening on \S+, datagrams"', gate.stderr)
    for n in range(8):
        assert f'exporter=e{n} "sends to http://127.0.0.1:{n + 1}, compression none"' in gate.stderr
    assert "suppressed" not in gate.stderr
