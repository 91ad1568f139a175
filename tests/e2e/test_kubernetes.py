# SPDX-License-Identifier: Apache-2.0
"""The manifests that are checked in. What else the chart can make needs helm: test_live_compiled_packaging.py."""
import re

import kubernetes
from ddgate import ROOT

PLAIN = (ROOT / "packaging/kubernetes/ddgate.yaml").read_text()
SIDECAR = (ROOT / "examples/kubernetes/sidecar.yaml").read_text()


def mebibytes(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)B?", text).groups()
    return int(number) * (1024 if unit == "Gi" else 1)


def container(kind, text=PLAIN, name="ddgate"):
    pod = kubernetes.by_kind(text)[kind]["spec"]["template"]["spec"]
    return next(c for c in pod["containers"] if c["name"] == name)


def test_kubernetes_takes_them():
    kubernetes.assert_valid(PLAIN)
    kubernetes.assert_valid(SIDECAR)


def test_ddgate_takes_their_configurations(tmp_path):
    said = kubernetes.check(PLAIN, tmp_path)
    for words in (":8126", ":9529", ":8125", ":4317", ":4318", "/var/log/pods/*/*/*.log", "apm.socket"):
        assert words in said, said
    kubernetes.check(SIDECAR, tmp_path)


def test_the_node_is_reached_as_tracers_look():
    ports = {(p["containerPort"], p["protocol"]): p.get("hostPort") for p in container("DaemonSet")["ports"]}
    assert ports == {(8126, "TCP"): 8126, (8125, "UDP"): 8125, (9529, "TCP"): None, (4317, "TCP"): None, (4318, "TCP"): None, (8127, "TCP"): None}
    service = {(p["port"], p["protocol"]) for p in kubernetes.by_kind(PLAIN)["Service"]["spec"]["ports"]}
    assert service == {(9529, "TCP"), (8126, "TCP"), (4317, "TCP"), (4318, "TCP"), (8125, "UDP")}
    mounts = {m["mountPath"]: m.get("readOnly", False) for m in container("DaemonSet")["volumeMounts"]}
    assert mounts["/var/run/datadog"] is False and mounts["/var/log/pods"] is True and mounts["/var/lib/ddgate"] is False


def test_prometheus_reaches_the_metrics_and_others_do_not():
    rules = kubernetes.by_kind(PLAIN)["NetworkPolicy"]["spec"]["ingress"]
    who = {p["port"]: rule["from"] for rule in rules for p in rule["ports"]}
    assert set(who) == {8126, 9529, 4317, 4318, 8125, 8127}
    assert who[8127][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "prometheus"} and who[8126] == [{"namespaceSelector": {}}]


def test_it_can_do_nothing_that_it_need_not():
    pod = kubernetes.by_kind(PLAIN)["DaemonSet"]["spec"]["template"]["spec"]
    context = container("DaemonSet")["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]} and context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
    assert pod["automountServiceAccountToken"] is False


def test_limits_have_room():
    for kind, text in (("DaemonSet", PLAIN), ("Deployment", SIDECAR)):
        conf = kubernetes.by_kind(text)["ConfigMap"]["data"]["ddgate.conf"]
        most = mebibytes(re.search(r'max_memory = "(\w+)"', conf)[1])
        assert mebibytes(container(kind, text)["resources"]["limits"]["memory"]) >= most + 54, "the process itself, at most 150 MB with 96 MiB"
    conf = kubernetes.by_kind(PLAIN)["ConfigMap"]["data"]["ddgate.conf"]
    grace = kubernetes.by_kind(PLAIN)["DaemonSet"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > int(re.search(r'shutdown_timeout = "(\d+)s"', conf)[1])


def test_probes_ask_what_is_there():
    probes = {name: container("DaemonSet")[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {p["path"] for p in probes.values()} == {"/healthz", "/info"}
    assert probes["livenessProbe"]["port"] == "admin" and probes["readinessProbe"]["port"] == "traces"
