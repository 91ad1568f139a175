# SPDX-License-Identifier: Apache-2.0
"""Lines that real loggers of Python, Java and Go print, read from a file without a script: an ERROR is an ERROR, with its time."""
import shutil
import subprocess
import sys
import time

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
GO = """
package main
import ("log/slog"; "os")
func main() {
    slog.New(slog.NewTextHandler(os.Stdout, nil)).Error("boom", "order", 7)
    slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("boom", "order", 7)
}
"""


def printed(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).splitlines()


def errors(directory, lines, records):
    """Every record says boom, as an ERROR of these minutes."""
    found = zero(directory, {"lines": lines, "timezone": time.strftime("%z")[:3] + ":" + time.strftime("%z")[3:], "expect": {"records": [{}] * records}})
    assert len(found) == records
    for r in found:
        assert (r.body, r.severity) == ("boom", 17), r
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


@pytest.mark.skipif(not shutil.which("go"), reason="no go")
def test_go_slog(tmp_path):
    (tmp_path / "main.go").write_text(GO, encoding="utf-8")
    errors(tmp_path, printed(["go", "run", str(tmp_path / "main.go")]), 2)
