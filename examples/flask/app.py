# SPDX-License-Identifier: Apache-2.0
"""A Flask application under ddtrace. Runs unchanged on ddtrace 2.x and on the newest one:

    DD_SERVICE=python-app DD_ENV=testing DD_VERSION=1.0 DD_LOGS_INJECTION=true \\
    DD_AGENT_HOST=127.0.0.1 DD_TRACE_AGENT_PORT=9529 ddtrace-run python app.py

ddgate needs nothing else. DD_TRACE_AGENT_PORT is read by every ddtrace since 0.49; DATADOG_TRACE_AGENT_PORT only by 0.x.
"""
import logging
import os

from flask import Flask

# With DD_LOGS_INJECTION ddtrace puts these fields on every record; a handler of one's own has to print them.
logging.basicConfig(level=logging.INFO, format=(
    "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] "
    "[dd.service=%(dd.service)s dd.env=%(dd.env)s dd.version=%(dd.version)s "
    "dd.trace_id=%(dd.trace_id)s dd.span_id=%(dd.span_id)s] - %(message)s"))
log = logging.getLogger(__name__)

app = Flask(__name__)


@app.route("/")
def index():
    log.info("hello from the view")
    return "Hello, World!\n"


@app.route("/fail")
def fail():
    log.error("about to fail")
    raise ValueError("no such luck")


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8080")))
