# SPDX-License-Identifier: Apache-2.0
"""What is installed: by `make install`, and by the Debian package, both of the build that is tested. Whole builds, and the package in roots of its
own, are test_live_compiled_packaging.py and `make fresh`."""
import fnmatch
import gzip
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from ddgate import BINARY, ROOT, SANITIZED
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

pytestmark = pytest.mark.skipif(SANITIZED, reason="nobody installs a build with a sanitizer")
BUILD = BINARY.parent
PAGES = ("man1/ddgate.1", "man5/ddgate.conf.5", "man7/ddgate-pipeline.7")


def output(*command, **more):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, **more).stdout


@pytest.fixture(scope="module", autouse=True)
def _built():
    output("cmake", "--build", BUILD, "--target", "packaging")


def install(root, prefix):
    output("cmake", "--install", BUILD, "--prefix", prefix, env={**os.environ, "DESTDIR": str(root)})
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def usr(tmp_path_factory):
    root = tmp_path_factory.mktemp("a root with blanks")
    install(root, "/usr")
    return root


def test_files_of_usr(usr):
    there = {str(p.relative_to(usr)) for p in usr.rglob("*") if p.is_file()}
    assert {"usr/bin/ddgate", "etc/ddgate/ddgate.conf", "etc/default/ddgate", "usr/lib/systemd/system/ddgate.service",
            "usr/lib/sysusers.d/ddgate.conf", "usr/lib/tmpfiles.d/ddgate.conf", "usr/share/bash-completion/completions/ddgate",
            "usr/share/zsh/vendor-completions/_ddgate", "usr/share/fish/vendor_completions.d/ddgate.fish",
            "usr/share/doc/ddgate/LICENSE", "usr/share/doc/ddgate/NOTICE", "usr/share/doc/ddgate/copyright",
            "usr/share/doc/ddgate/ddgate.spdx.json", *(f"usr/share/man/{p}.gz" for p in PAGES)} <= there
    for conf in (ROOT / "conf").glob("*.conf"):
        assert f"usr/share/doc/ddgate/examples/{conf.name}" in there
    for script in (ROOT / "conf" / "pipelines").glob("*.p"):
        assert f"usr/share/ddgate/pipelines/{script.name}" in there
    unit = (usr / "usr/lib/systemd/system/ddgate.service").read_text()
    assert "ExecStart=/usr/bin/ddgate -c /etc/ddgate/ddgate.conf\n" in unit and "@" not in re.sub("@(system-service|privileged|resources)", "", unit)
    assert (usr / "etc/default/ddgate").stat().st_mode & 0o777 == 0o600


def test_another_prefix_has_its_configuration_below_itself_and_what_the_user_wrote_stays(tmp_path):
    there = install(tmp_path, "/usr/local")
    assert "usr/local/bin/ddgate" in there and not any(name.startswith("etc/") for name in there)
    unit = (tmp_path / "usr/local/lib/systemd/system/ddgate.service").read_text()
    assert "ExecStart=/usr/local/bin/ddgate -c /usr/local/etc/ddgate/ddgate.conf\n" in unit
    assert "EnvironmentFile=-/usr/local/etc/default/ddgate\n" in unit
    mine = tmp_path / "usr/local/etc/ddgate/ddgate.conf"
    mine.write_text("# mine\n")
    install(tmp_path, "/usr/local")
    assert mine.read_text() == "# mine\n"


def test_the_default_configuration_is_right(usr, tmp_path):
    text = (usr / "etc/ddgate/ddgate.conf").read_text()
    for n, conf in enumerate((text, re.sub(r"(?m)^#(?=\w+ = \(|  \{|\);)", "", text))):
        conf = conf.replace("/var/lib/ddgate", str(tmp_path))
        path = tmp_path / f"{n}.conf"
        path.write_text(conf)
        done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "collector.example.com:4317" in done.stdout and "/var/log/nginx/*.log" in done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_manual_pages(usr, page):
    text = gzip.decompress((usr / f"usr/share/man/{page}.gz").read_bytes()).decode()
    done = subprocess.run(["groff", "-ww", "-Kutf8", "-Tutf8", "-man", "-rLL=78n", "-P-c"], input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    shown = re.sub(".\b", "", done.stdout).replace("‐\n", "")
    words = {"ddgate.1": ["ddgate health [-c FILE]", "--ignore-status", "WATCHDOG_USEC", "receivers.dogstatsd"],
             "ddgate.conf.5": ["max_memory", "(a size, 16MiB to 1TiB; default 96MiB)", "tls.client_ca", "OTEL_EXPORTER_OTLP_ENDPOINT",
                               'write "${env:NAME}" or "${file:/path}"'],
             "ddgate-pipeline.7": ["add_key(key[, value])", "slice_string(name, start, end)", '"\\\\d"', "%{LOGLEVEL:status}"]}
    for word in words[page.split("/")[1]]:
        assert word in shown, word


def test_every_option_and_function_has_its_place(usr):
    def page(name):
        return gzip.decompress((usr / f"usr/share/man/{name}.gz").read_bytes()).decode().replace("\\-", "-")
    options = re.findall(r"(?m)^\| `([\w.]+)` \| (?!gauge|counter)", (ROOT / "docs/reference/configuration.md").read_text())
    assert len(options) > 100
    assert not [o for o in options if f".B {o}\n" not in page("man5/ddgate.conf.5")]
    functions = re.findall(r"(?m)^FN\((\w+),", (ROOT / "translators/pipeline/functions.def").read_text())
    assert not [f for f in functions if f"\\fB{f}\\fR(" not in page("man7/ddgate-pipeline.7")]


def completed(usr, *words):
    """What bash offers for the last of these words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { echo "compopt $*"; }; _ddgate; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return output("bash", "-c", script, "bash", usr / "usr/share/bash-completion/completions/ddgate", *words).split()


def test_completion_of_bash(usr):
    assert completed(usr, "ddgate", "") == ["-c", "--config", "--help", "--version", "run", "check", "health", "explain", "test", "pipeline", "tap", "top"]
    assert completed(usr, "ddgate", "he") == ["health"]
    assert completed(usr, "ddgate", "check", "") == ["-c", "--config", "--help", "--version", "--connect"]
    assert completed(usr, "ddgate", "--help", "exporters.otlp") == ["exporters.otlp_grpc", "exporters.otlp_http"]
    assert completed(usr, "ddgate", "pipeline", "--in") == ["--input"]
    assert completed(usr, "ddgate", "tap", "--t") == ["--traces", "--tree"]
    assert completed(usr, "ddgate", "top", "--o") == ["--once"]
    assert completed(usr, "ddgate", "tap", "--color", "a") == ["auto", "always"]
    assert completed(usr, "ddgate", "pipeline", "--category", "") == ["logging", "metric", "tracing"]
    assert completed(usr, "ddgate", "check", "-c", "dd") == ["compopt", "-o", "default"]


@pytest.mark.parametrize("shell, file", [("zsh", "zsh/vendor-completions/_ddgate"), ("fish", "fish/vendor_completions.d/ddgate.fish")])
def test_completion_of_other_shells(usr, shell, file):
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    output(shell, "-n", usr / "usr/share" / file)
    if shell == "fish":
        offered = output("fish", "-c", f"source '{usr}/usr/share/{file}'; complete -C 'ddgate --help exporters.otlp'")
        assert [line.split("\t")[0] for line in offered.splitlines()] == ["exporters.otlp_grpc", "exporters.otlp_http"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_unit_is_hardened(usr):
    unit = usr / "usr/lib/systemd/system/ddgate.service"
    said = output("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    assert float(re.search(r"Overall exposure level for ddgate.service: ([\d.]+)", said)[1]) <= 2.0, said
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    wrong = [line for line in done.stderr.splitlines() if "ddgate.service" in line and "is not executable" not in line]
    assert not wrong, wrong


def test_the_bill_of_materials(usr):
    document = parse_file(str(usr / "usr/share/doc/ddgate/ddgate.spdx.json"))
    assert validate_full_spdx_document(document) == []
    packages = {p.name: p for p in document.packages}
    version = output(BINARY, "--version").split()[1]
    assert packages["ddgate"].version == version and str(packages["ddgate"].license_declared) == "Apache-2.0 AND MIT"
    grpc = next(line.split()[0] for line in output("ldd", BINARY).splitlines() if "libgrpc.so" in line)
    if shutil.which("dpkg-query"):
        assert grpc and any(re.fullmatch(r"libgrpc\d+(t64)?", name) for name in packages), sorted(packages)
        some = next(name for name in packages if name.startswith("libmicrohttpd"))
        assert packages[some].version == output("dpkg-query", "-W", "-f", "${Version}", some)
    linked = {r.related_spdx_element_id for r in document.relationships if r.spdx_element_id == "SPDXRef-ddgate"}
    assert linked == {p.spdx_id for p in document.packages} - {"SPDXRef-ddgate"}


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    if not shutil.which("dpkg-shlibdeps"):
        pytest.skip("no Debian tools here")
    folder = tmp_path_factory.mktemp("deb")
    output("cpack", "-B", folder, cwd=BUILD)
    return next(folder.glob("*.deb"))


def test_the_package_says_what_it_needs(deb):
    fields = output("dpkg-deb", "-f", deb)
    depends = re.search(r"(?m)^Depends: (.*)$", fields)[1]
    for name in ("adduser", "libgrpc", "libmicrohttpd", "libpcre2-8-0", "libconfig", "libc6"):
        assert name in depends
    assert re.search(r"(?m)^Version: \d+\.\d+\.\d+$", fields) and re.search(r"(?m)^Recommends: .*ca-certificates", fields)


def test_the_package_has_the_files_that_make_install_has(deb, usr, tmp_path):
    output("dpkg-deb", "-x", deb, tmp_path)
    there = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert there == {str(p.relative_to(usr)) for p in usr.rglob("*") if p.is_file()}
    assert (tmp_path / "usr/lib/systemd/system/ddgate.service").read_text() == (usr / "usr/lib/systemd/system/ddgate.service").read_text()
    owners = {line.split()[1] for line in output("dpkg-deb", "-c", deb).splitlines()}
    assert owners == {"root/root"}


def test_the_package_keeps_what_the_user_wrote_and_its_scripts_are_right(deb, tmp_path):
    output("dpkg-deb", "-e", deb, tmp_path)
    assert (tmp_path / "conffiles").read_text().splitlines() == ["/etc/ddgate/ddgate.conf", "/etc/default/ddgate"]
    for script in ("postinst", "prerm", "postrm"):
        output("sh", "-n", tmp_path / script)
        assert (tmp_path / script).stat().st_mode & 0o777 == 0o755


def test_the_context_of_the_image_has_what_the_build_reads(tmp_path):
    """What .dockerignore leaves out is not there in the image's first stage: make finds a rule for everything all the same."""
    left_out = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] not in "#*"]
    assert "tests" in left_out and not [line for line in left_out if "/" in line], "names at the top are all that is understood here"
    for name in output("git", "ls-files", "-z", cwd=ROOT).split("\0"):
        if name and not any(fnmatch.fnmatch(name.split("/", 1)[0], pattern) for pattern in left_out):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    output("cmake", "--preset", "package", cwd=tmp_path)
    planned = subprocess.run(["cmake", "--build", "--preset", "package", "--", "-n", "-k"], cwd=tmp_path, capture_output=True, text=True, check=False)
    missing = re.findall(r"No rule to make target '([^']+)'", planned.stderr)  # what the build itself makes is named without a folder
    assert "str.c.o" in planned.stdout and not [name for name in missing if name.startswith("/")], missing


def test_the_version_is_one(deb):
    version = output(BINARY, "--version").split()[1]
    assert output("dpkg-deb", "-f", deb, "Version").strip() == version
    changelog = (ROOT / "packaging/debian/changelog").read_text()
    assert changelog.startswith(f"ddgate ({version}) "), "packaging/debian/changelog"
    assert pathlib.Path(deb).name.startswith(f"ddgate_{version}_")
