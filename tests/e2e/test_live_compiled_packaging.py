# SPDX-License-Identifier: Apache-2.0
"""Packages of whole builds, in roots of their own: reproducible, clean for lintian, through install, upgrade, removal and purge; the image, made
without a daemon; everything that the chart can make, by helm. Takes minutes; `make live` runs it. Most of it is root's work."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import clients
import kubernetes
import pytest
from ddgate import ROOT

ROOTLY = pytest.mark.skipif(os.getuid() != 0 or not shutil.which("debootstrap"), reason="needs root and debootstrap")
SUITE = "bookworm"


def output(*command, **more):
    done = subprocess.run([str(c) for c in command], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def built(directory, source=ROOT):
    """A clone in `directory` of what is checked out in `source`, packed there."""
    output("git", "clone", "-q", source, directory)
    output(directory / ".ci/package", env={k: v for k, v in os.environ.items() if k != "SOURCE_DATE_EPOCH"})
    return next((directory / "build-package").glob("*.deb"))


@pytest.fixture(scope="module")
def deb(tmp_path_factory):
    return built(tmp_path_factory.mktemp("one") / "ddgate")


def test_two_builds_of_a_commit_are_equal(deb, tmp_path):
    other = built(tmp_path / "a much longer name of a folder" / "source", deb.parent.parent)
    mine, its = deb.parent, other.parent
    for name in ("packaging/ddgate.spdx.json", "packaging/manual/ddgate.1.gz", "ddgate"):
        assert (mine / name).read_bytes() == (its / name).read_bytes(), name
    assert deb.name == other.name and deb.read_bytes() == other.read_bytes()


def test_lintian_finds_no_errors(deb):
    if not shutil.which("lintian"):
        pytest.skip("no lintian here")
    said = subprocess.run(["lintian", "--allow-root", deb], capture_output=True, text=True, check=False).stdout
    assert not re.search(r"(?m)^[EW]:", said), said


# --- roots ---

INSIDE = """root=$0; ip link set lo up 2>/dev/null || true
mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
cd /; exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive bash -euc "$@" """


def inside(root, script, apart=False):
    return output("unshare", "--mount", "--pid", "--fork", "--kill-child", *(["--net"] if apart else []), "bash", "-c", INSIDE, root, script)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A minimal root, which tests copy."""
    root = tmp_path_factory.mktemp("root") / SUITE
    output(ROOT / ".ci/root", SUITE, root)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def machine(base, tmp_path):
    root = tmp_path / "machine"
    output("cp", "-a", base, root)
    yield root
    shutil.rmtree(root)


# A span of a backend that is away is in the queue at the end; the next start delivers it, to standard output.
SEND = r"""
body='[[{"trace_id":7,"span_id":9,"parent_id":0,"service":"shop","name":"web.request","resource":"GET /kept","type":"web","start":1700000000000000000,"duration":1000000,"error":0}]]'
start() { setpriv --reuid ddgate --regid ddgate --clear-groups ddgate -c "$1" >/tmp/out 2>/tmp/err & pid=$!
          until grep -q "is running" /tmp/err; do kill -0 $pid || { cat /tmp/err; exit 1; }; sleep 0.1; done; }
stop() { kill $pid; wait $pid; }
send() { exec 3<>/dev/tcp/127.0.0.1/8126
         printf 'PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %s\r\nConnection: close\r\n\r\n%s' "${#body}" "$body" >&3; cat <&3; }
"""
APT = "apt-get install -y -qq --no-install-recommends --allow-downgrades -o Dpkg::Options::=--force-confold "
AWAY = ('exporters = ( { type = "otlp_http"; name = "stdout"; endpoint = "http://127.0.0.1:9"; } );\n'
        'storage = { directory = "/var/lib/ddgate"; };\nshutdown_timeout = "100ms";\n')


def newer(deb, folder):
    """The same package with a higher version, and another default configuration."""
    output("dpkg-deb", "-R", deb, folder / "tree")
    control = folder / "tree/DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 0.9.0", control.read_text()))
    with open(folder / "tree/etc/ddgate/ddgate.conf", "a", encoding="utf-8") as conf:
        conf.write("# a newer default\n")
    output("dpkg-deb", "--root-owner-group", "-b", folder / "tree", folder / "newer.deb")
    return folder / "newer.deb"


@ROOTLY
def test_install_upgrade_remove_purge(deb, machine, tmp_path):
    shutil.copy(deb, machine / "tmp/ddgate.deb")
    shutil.copy(newer(deb, tmp_path), machine / "tmp/newer.deb")
    inside(machine, APT + "/tmp/ddgate.deb")
    assert inside(machine, "stat -c '%U %G %a' /var/lib/ddgate") == "ddgate ddgate 700\n"
    # as it comes: what arrives is printed
    assert "GET /kept" in inside(machine, SEND + "start /etc/ddgate/ddgate.conf; send; until grep -q 'GET /kept' /tmp/out; do sleep 0.1; done; "
                                 "ddgate health; stop; cat /tmp/out", apart=True)
    (machine / "tmp/away.conf").write_text(AWAY)
    said = inside(machine, SEND + "start /tmp/away.conf; send; stop; cat /tmp/err", apart=True)
    assert "200 OK" in said and "1 accepted items wait on the disk" in said
    (machine / "etc/ddgate/ddgate.conf").write_text((machine / "etc/ddgate/ddgate.conf").read_text() + "# mine\n")
    inside(machine, APT + "/tmp/newer.deb")
    assert (machine / "etc/ddgate/ddgate.conf").read_text().endswith("# mine\n") and (machine / "etc/ddgate/ddgate.conf.dpkg-dist").exists()
    inside(machine, "apt-get remove -y -qq ddgate")
    assert not (machine / "usr/bin/ddgate").exists() and (machine / "etc/ddgate/ddgate.conf").exists()
    assert any((machine / "var/lib/ddgate").rglob("*")), "a removal keeps the queue"
    inside(machine, APT + "/tmp/ddgate.deb")
    kept = 'exporters = ( { type = "stdout"; } );\\nstorage = { directory = "/var/lib/ddgate"; };\\n'
    assert "GET /kept" in inside(machine, SEND + f"printf '{kept}' >/tmp/kept.conf; start /tmp/kept.conf; until grep -q 'GET /kept' /tmp/out; do sleep 0.1; done; "
                                 "stop; cat /tmp/out", apart=True)
    inside(machine, "apt-get purge -y -qq ddgate")
    assert not (machine / "var/lib/ddgate").exists() and not (machine / "etc/ddgate").exists() and not (machine / "etc/default/ddgate").exists()
    inside(machine, APT + "/tmp/ddgate.deb && ddgate --version && apt-get purge -y -qq ddgate")


@ROOTLY
@pytest.mark.skipif(not shutil.which("skopeo") or not shutil.which("umoci"), reason="needs skopeo and umoci")
def test_the_image(deb, tmp_path):
    archive = tmp_path / "ddgate.oci.tar"
    output(ROOT / "packaging/oci", deb, SUITE, archive)
    config = json.loads(output("skopeo", "inspect", "--config", f"oci-archive:{archive}"))["config"]
    assert config["User"] == "8126:8126" and config["Entrypoint"] == ["/usr/bin/ddgate"] and "8126/tcp" in config["ExposedPorts"]
    output("skopeo", "--insecure-policy", "copy", f"oci-archive:{archive}", f"oci:{tmp_path}/layout:ddgate")
    output("umoci", "unpack", "--image", f"{tmp_path}/layout:ddgate", tmp_path / "bundle")
    root = tmp_path / "bundle/rootfs"
    mirrors = output("apt-get", "indextargets", "--format", "$(SITE)").split()
    for file in (root / "etc").rglob("*"):
        if file.is_file() and not file.is_symlink():
            text = file.read_bytes()
            assert not [m for m in mirrors if m.encode() in text], f"{file} names a mirror of this machine"
    assert_serves(root)
    shutil.rmtree(tmp_path / "bundle")


def assert_serves(root):
    """The image's command, as its user, takes a trace and prints it."""
    said = inside(root, SEND.replace("--reuid ddgate --regid ddgate", "--reuid 8126 --regid 8126") +
                  "start /etc/ddgate/ddgate.conf; ddgate health -c /etc/ddgate/ddgate.conf; send; "
                  "until grep -q 'GET /kept' /tmp/out; do sleep 0.1; done; stop; cat /tmp/out", apart=True)
    assert said.startswith("ok\n") and "200 OK" in said and "GET /kept" in said


@ROOTLY
@pytest.mark.skipif(not shutil.which("buildah"), reason="needs buildah")
def test_the_dockerfile(deb, base, tmp_path):
    """By buildah, without a daemon. The image that it begins with is a minimal root of our own, under the name that the Dockerfile has for
    it: no registry is asked. The program in it is that of the package, but for the build id: a hash with the debugging symbols, which hold what
    the machine's headers say."""
    source = deb.parent.parent

    def buildah(*arguments, **more):
        return output("buildah", "--root", tmp_path / "images", "--runroot", tmp_path / "run", *arguments, **more).strip()
    output("tar", "-C", base, "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-cf", tmp_path / "base.tar", ".")
    first = buildah("from", "scratch")
    buildah("add", "-q", first, tmp_path / "base.tar", "/")
    buildah("config", "--env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", first)
    buildah("commit", "-q", "--rm", first, f"docker.io/library/debian:{SUITE}-slim")
    epoch = output("git", "-C", source, "log", "-1", "--format=%ct").strip()
    output("git", "clone", "-q", source, tmp_path / "context")
    buildah("bud", "--isolation", "chroot", "--network", "host", "--pull-never", "-f", "packaging/Dockerfile", "--build-arg", f"DEBIAN={SUITE}",
            "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", "-t", "ddgate:test", ".", cwd=tmp_path / "context")
    config = json.loads(buildah("inspect", "--type", "image", "ddgate:test"))["OCIv1"]["config"]
    assert config["User"] == "8126:8126" and config["Entrypoint"] == ["/usr/bin/ddgate"] and "9529/tcp" in config["ExposedPorts"]
    container = buildah("from", "--pull-never", "ddgate:test")
    root = pathlib.Path(buildah("mount", container))
    output("dpkg-deb", "-x", deb, tmp_path / "package")
    for name, program in (("image", root / "usr/bin/ddgate"), ("deb", tmp_path / "package/usr/bin/ddgate")):
        output("objcopy", "-R", ".note.gnu.build-id", program, tmp_path / name)
    assert (tmp_path / "image").read_bytes() == (tmp_path / "deb").read_bytes()
    assert not shutil.which("cc", path=str(root / "usr/bin"))
    assert_serves(root)
    buildah("rm", "-a")
    for folder in ("images", "run"):
        shutil.rmtree(tmp_path / folder)


def test_the_dockerfile_builds_what_oci_builds():
    """What can be compared without building is compared."""
    docker, oci = (ROOT / "packaging/Dockerfile").read_text(), (ROOT / "packaging/oci").read_text()
    for words in ("8126:8126", "/usr/bin/ddgate", "container.conf", "ca-certificates tzdata", "/run/datadog"):
        assert words in docker and words in oci, words
    assert "HEALTHCHECK" in docker and '"/usr/bin/ddgate", "health"' in docker


# --- the chart ---

@pytest.fixture(scope="module")
def helm():
    listed = clients.LISTS / "helm-3.18.6.txt"

    def make(directory):
        subprocess.run(["go", "install", listed.read_text().strip()], check=True, stdin=subprocess.DEVNULL,
                       env={**os.environ, "GOBIN": str(directory), "GOFLAGS": "-mod=mod"})
    program = clients.environment("helm", [listed], make) / "helm"
    return lambda *arguments: output(program, *arguments, env={**os.environ, "HELM": str(program)})


def test_the_plain_manifest_is_the_charts(helm, tmp_path):
    helm("lint", ROOT / "packaging/kubernetes/ddgate")
    program = clients.environment("helm", [clients.LISTS / "helm-3.18.6.txt"], None) / "helm"
    output(ROOT / "packaging/kubernetes/plain", tmp_path / "plain.yaml", env={**os.environ, "HELM": str(program)})
    assert (tmp_path / "plain.yaml").read_text() == (ROOT / "packaging/kubernetes/ddgate.yaml").read_text(), "packaging/kubernetes/plain"


@pytest.mark.parametrize("values", [
    [], ["logs.enabled=false"], ["logs.enabled=false", "storage.type=none", "socket=false", "hostPort=false", "networkPolicy.enabled=false"],
    ["storage.type=pvc", "storage.claim.storageClassName=fast"], ["workload=StatefulSet", "storage.type=pvc", "replicas=3"],
    ["exporter.type=sls", "exporter.endpoint=https://p.cn-hangzhou.log.aliyuncs.com:10010", "exporter.sls.project=p", "exporter.sls.instance=i"],
    ["exporter.headers.x-key=${env:SLS_AK_ID}", "podMonitor.enabled=true", "podMonitor.labels.release=prometheus", "service.enabled=false"],
    ['receivers[0]=\\{ type = "syslog"; udp = [ ":5514" ]; tcp = [ ]; \\}', "logs.docker=true"],
], ids=lambda v: v[0] if v else "defaults")
def test_what_the_chart_makes(helm, tmp_path, values):
    text = helm("template", "gate", ROOT / "packaging/kubernetes/ddgate", "-n", "monitoring", *(w for v in values for w in ("--set", v)))
    kubernetes.assert_valid(text)
    said = kubernetes.check(text, tmp_path)
    kinds = kubernetes.by_kind(text)
    assert ("PodMonitor" in kinds) == any("podMonitor" in v for v in values)
    workload = kinds.get("DaemonSet") or kinds["StatefulSet"]
    pod = workload["spec"]["template"]["spec"]
    own = next(c for c in pod["containers"] if c["name"] == "ddgate")
    if "logs.enabled=false" in values or "StatefulSet" in kinds:
        assert own["securityContext"]["runAsNonRoot"] and "/var/log/pods" not in said
    if "StatefulSet" in kinds:
        assert "hostPID" not in pod and not any("hostPort" in p for p in own["ports"]) and workload["spec"]["volumeClaimTemplates"]
        assert not any("hostPath" in v for v in pod["volumes"])
    if "exporter.type=sls" in values:
        keys = {e["name"]: e["valueFrom"]["secretKeyRef"] for e in own["env"] if "secretKeyRef" in e.get("valueFrom", {})}
        assert keys["SLS_AK_SECRET"] == {"name": "ddgate-sls", "key": "access_key_secret"} and "p.cn-hangzhou" in said


@pytest.mark.parametrize("values, words", [(["workload=Deployment"], "workload is DaemonSet or StatefulSet"),
                                           (["workload=StatefulSet"], "storage.type hostPath is for a DaemonSet"),
                                           (["exporter.type=sls"], "exporter.sls.project is missing")])
def test_what_the_chart_refuses(helm, values, words):
    with pytest.raises(AssertionError, match=words):
        helm("template", "gate", ROOT / "packaging/kubernetes/ddgate", *(w for v in values for w in ("--set", v)))
