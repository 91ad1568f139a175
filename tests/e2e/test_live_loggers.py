# SPDX-License-Identifier: Apache-2.0
"""Lines that real loggers of Python, Java, Go and Node print, read from a file without a script: an ERROR is an ERROR, with its time. Those of Ruby and PHP,
logback and log4j are in test_live_servers.py."""
import shutil
import subprocess
import sys
import time

import clients
import pytest

from test_bug_logs import zero

PYTHON = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format=sys.argv[1])
logging.getLogger("shop.cart").error("boom")
"""
JAVA = """
import java.util.logging.*;
public class Main {
    public static void main(String[] args) {
        Locale();
        Logger.getLogger("shop.cart").severe("boom");
    }
    static void Locale() { java.util.Locale.setDefault(java.util.Locale.US); }
}
"""
LOGGERS = clients.LISTS / "loggers"


def printed(command, **how):
    done = subprocess.run(command, capture_output=True, text=True, timeout=clients.START, check=False, **how)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).splitlines()


def errors(directory, lines, records):
    """Every record says boom, as an ERROR of these minutes."""
    found = zero(directory, {"lines": lines, "timezone": time.strftime("%z")[:3] + ":" + time.strftime("%z")[3:], "expect": {"records": [{}] * records}})
    assert len(found) == records
    for r in found:
        assert (r.body.split()[0].split("\t")[0], r.severity) == ("boom", 17), r
        assert abs(r.time / 1e9 - time.time()) < 600, r
    return found


@pytest.mark.parametrize("form", [
    "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] - %(message)s", "%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    "%(asctime)s:%(levelname)s:%(name)s:%(message)s", "%(asctime)s %(levelname)-8s %(name)-12s %(message)s"])
def test_python(tmp_path, form):
    (tmp_path / "main.py").write_text(PYTHON, encoding="utf-8")
    assert errors(tmp_path, printed([sys.executable, str(tmp_path / "main.py"), form]), 1)[0].scope == "shop.cart"


@pytest.mark.skipif(not shutil.which("java"), reason="no java")
def test_java_util_logging(tmp_path):
    (tmp_path / "Main.java").write_text(JAVA, encoding="utf-8")
    assert errors(tmp_path, printed(["java", str(tmp_path / "Main.java")]), 1)[0].attributes["code.function.name"] == "main"


def scopes(records):
    return {r.scope for r in records} - {""}


@pytest.mark.skipif(not shutil.which("go"), reason="no go")
def test_go(tmp_path):
    """slog, log, logrus, zap and zerolog."""
    code = shutil.copytree(LOGGERS / "go", tmp_path / "code")
    printed(["go", "build", "-o", str(tmp_path / "program"), "."], cwd=code)  # says what it downloads
    found = errors(tmp_path, printed([str(tmp_path / "program")]), 8)
    assert scopes(found) == {"shop.cart"} and sum(r.attributes.get("order") in (7, "7") for r in found) == 6
    assert {"code.file.path": "main.go", "code.line.number": 20}.items() <= found[2].attributes.items()


def test_node(tmp_path):
    """winston, pino, bunyan and log4js."""
    modules = clients.node_modules("loggers/node")
    found = errors(tmp_path, printed(["node", str(LOGGERS / "node" / "main.js")], env={**clients.os.environ, "NODE_PATH": str(modules)}), 5)
    assert [r.scope for r in found].count("shop.cart") == 3


def test_loguru_structlog_and_json(tmp_path):
    python = clients.python_environment("loggers/python") / "python"
    found = errors(tmp_path, printed([str(python), str(LOGGERS / "main.py")]), 6)
    assert scopes(found) == {"__main__", "shop.cart"}
