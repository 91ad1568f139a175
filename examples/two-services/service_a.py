# SPDX-License-Identifier: Apache-2.0
"""The first of two services: its view calls service_b. The header that ddtrace sends along makes both one trace.

    DD_SERVICE=service_a DD_ENV=testing DD_AGENT_HOST=127.0.0.1 DD_TRACE_AGENT_PORT=9529 ddtrace-run python service_a.py
    DD_SERVICE=service_b DD_ENV=testing DD_AGENT_HOST=127.0.0.1 DD_TRACE_AGENT_PORT=9529 ddtrace-run python service_b.py
    curl http://127.0.0.1:8081/
"""
import os

import requests
from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    answer = requests.get(os.environ.get("SERVICE_B", "http://127.0.0.1:8082/"), timeout=10)
    return f"service_a got: {answer.text}"


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8081")))
