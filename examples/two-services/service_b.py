# SPDX-License-Identifier: Apache-2.0
"""The second of two services: see service_a.py."""
import os

from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "hello from service_b\n"


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ.get("PORT", "8082")))
