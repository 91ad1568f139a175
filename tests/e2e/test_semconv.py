# SPDX-License-Identifier: Apache-2.0
"""The attribute names that the translator writes are those of the release of OpenTelemetry's semantic conventions that it names, and
none of them is deprecated there. The release's Python package is the independent witness."""
import ast
import importlib
import pathlib
import pkgutil
import re

import pytest
from opentelemetry.semconv import attributes, schemas
from opentelemetry.semconv._incubating import attributes as incubating
from opentelemetry.semconv._incubating.attributes import db_attributes, messaging_attributes, network_attributes, rpc_attributes, telemetry_attributes

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRANSLATOR = ROOT / "translators/ddtrace"
# Names of the conventions that end in a name of the user's: http.request.header.<name>.
TEMPLATES = ("http.request.header.", "http.response.header.")
# dd_tags.def has no column for it: names that the conventions do not have, or not for spans of Datadog's kind.
OURS = {"aws.ecs.cluster.name"}


def constants(package):
    """(name, documentation) of every attribute of a package."""
    for module in pkgutil.iter_modules(package.__path__):
        source = pathlib.Path(importlib.import_module(f"{package.__name__}.{module.name}").__file__).read_text()
        body = ast.parse(source).body
        for i, node in enumerate(body):
            value = getattr(node, "value", None)
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                following = body[i + 1] if i + 1 < len(body) else None
                text = following.value.value if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant) else ""
                yield value.value, text


def release():
    """The names in force, and those that are deprecated but for having become stable, which is no fault."""
    known, deprecated = {name for name, _ in constants(attributes)}, set()
    for name, text in constants(incubating):
        if text.strip().startswith("Deprecated") and "in favor of stable" not in text:
            deprecated.add(name)
        else:
            known.add(name)
    return known, deprecated - known


KNOWN, DEPRECATED = release()


def rows(file, pattern):
    return re.findall(pattern, (TRANSLATOR / file).read_text(), re.M)


ATTRIBUTES = rows("dd_attrs.def", r'^ATTR\(\w+,\s*"([^"]+)",\s*\w+,\s*(\w+)\)') + rows("dd_resource.def", r'^RES\(\w+,\s*"([^"]+)",\s*(\w+)')


def test_the_tables_were_found():
    assert len(ATTRIBUTES) > 100 and len(KNOWN) > 500 and "peer.service" in DEPRECATED


def test_the_release_is_the_newest_that_the_package_has():
    version = re.search(r'DD_SEMCONV_VERSION "([\d.]+)"', (TRANSLATOR / "dd_semconv.h").read_text())[1]
    assert f"https://opentelemetry.io/schemas/{version}" == list(schemas.Schemas)[-1].value


@pytest.mark.parametrize("name,standing", ATTRIBUTES)
def test_name(name, standing):
    if name.startswith(TEMPLATES):
        name = re.match("|".join(TEMPLATES), name)[0].rstrip(".")
    if standing == "SEMCONV":
        assert name in KNOWN, "deprecated" if name in DEPRECATED else "unknown"
    elif standing == "MOVED":
        assert name in DEPRECATED
    else:
        assert standing == "DATADOG" and name not in KNOWN and name not in DEPRECATED


def test_names_of_tag_lists():
    for tag, name in rows("../tags/dd_tags.def", r'^TAG\(\w+,\s*"([^"]+)",\s*"([^"]+)"'):
        if not name.startswith("datadog."):
            assert (name in KNOWN) != (name in OURS), f"{tag}: {name}"


def test_no_old_name_is_written_by_mistake():
    """A tag whose own name is a deprecated attribute must lead to another one, or be kept knowingly."""
    for tag, to, when in rows("dd_attrs.def", r'^TAG\(\w+,\s*"([^"]+)",\s*(\w+),\s*(\w+)'):
        if tag in DEPRECATED:
            assert to != "NONE" or when in ("KEEP", "SPAN"), tag


@pytest.mark.parametrize("file,pattern,values,ours", [
    ("dd_semconv_db.c", r'^    {GW_LIT\("[^"]+"\), GW_LIT\("([^"]+)"\)},', db_attributes.DbSystemNameValues, {"aerospike", "leveldb", "snowflake", "valkey", "vertica"}),
    ("dd_semconv_messaging.c", r'^        {GW_LIT\("[^"]+"\), GW_LIT\("([^"]+)"\)},(?: /\*.*)?$', messaging_attributes.MessagingSystemValues, {"amqp", "aws.kinesis", "nats"}),
    ("dd_semconv_messaging.c", r'^        {GW_LIT\("[^"]+"\), GW_LIT\("([^"]+)"\)}, +{', messaging_attributes.MessagingOperationTypeValues, set()),
    ("dd_semconv_network.c", r'^        {GW_LIT\("ip_\w+"\), GW_LIT\("([^"]+)"\)}', network_attributes.NetworkTransportValues, set()),
    ("dd_semconv_rpc.c", r'{GW_LIT\("[^"]+"\), GW_LIT\("([^"]+)"\)}', rpc_attributes.RpcSystemNameValues, set()),
    ("dd_scan.c", r'{GW_LIT\("[^"]+"\), GW_LIT\("([^"]+)"\)}', telemetry_attributes.TelemetrySdkLanguageValues, set()),
])
def test_well_known_values(file, pattern, values, ours):
    """What we normalise to is a value that the release lists; systems that it does not list keep their own name."""
    written = set(rows(file, pattern))
    assert written and written - {v.value for v in values} == ours
