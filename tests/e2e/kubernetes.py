# SPDX-License-Identifier: Apache-2.0
"""Manifests: what Kubernetes' own schemas say of them, and ddgate of the configuration in them."""
import os
import subprocess

import kubernetes_validate
import yaml
from ddgate import BINARY

RELEASES = ("1.28", "1.31", "1.34")
CUSTOM = {"PodMonitor"}  # not Kubernetes' own


def documents(text):
    return [d for d in yaml.safe_load_all(text) if d]


def by_kind(text):
    return {d["kind"]: d for d in documents(text)}


def assert_valid(text):
    for document in documents(text):
        for release in RELEASES:
            if document["kind"] not in CUSTOM:
                kubernetes_validate.validate(document, release, strict=True)


def check(text, tmp_path):
    """What `ddgate check` prints of the configuration in a ConfigMap; folders of the node are below tmp_path."""
    conf = by_kind(text)["ConfigMap"]["data"]["ddgate.conf"]
    for folder in ("/var/run/datadog", "/var/lib/ddgate"):
        (tmp_path / folder[1:]).mkdir(parents=True, exist_ok=True)
        conf = conf.replace(folder, f"{tmp_path}{folder}")
    path = tmp_path / "ddgate.conf"
    path.write_text(conf)
    variables = {"NODE_NAME": "node-1", "SLS_AK_ID": "id", "SLS_AK_SECRET": "secret"}
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False, env={**os.environ, **variables})
    assert done.returncode == 0, f"{done.stderr}\n{conf}"
    return done.stdout
