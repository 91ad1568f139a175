# SPDX-License-Identifier: Apache-2.0
"""What a right translation of a Datadog span is, written a second time, in Python, from the mapping's rules and not from ddgate's
table. check() says everything that is wrong with one OTLP span.

Each tag of the recorded span has one or more legitimate renderings (alternatives): a list of attributes that must all be there. Its
own name counts only where the rules say so, or where another tag of the same span won the common name. In mode `both` the own name
must be there as well, in mode `datadog` only it. At the end every attribute of the OTLP span must have been explained by some rule.
"""
import ipaddress
import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
UNSET, OK, ERROR = 0, 1, 2
KINDS = {"internal": INTERNAL, "server": SERVER, "client": CLIENT, "producer": PRODUCER, "consumer": CONSUMER}
METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"}
CLIENT_TYPES = {"http", "sql", "db", "cassandra", "redis", "valkey", "memcached", "mongodb", "elasticsearch", "opensearch", "cache",
                "dns", "consul", "aerospike", "leveldb"}
DB_TYPES = CLIENT_TYPES - {"http", "dns", "consul", "cache"}
DB_SYSTEMS = {"postgres": "postgresql", "sql-server": "microsoft.sql_server", "mssql": "microsoft.sql_server", "oracle": "oracle.db",
              "mongo": "mongodb", "dynamodb": "aws.dynamodb", "db2": "ibm.db2", "h2": "h2database", "cosmosdb": "azure.cosmosdb"}
LANGUAGES = {"jvm": "java", "javascript": "nodejs", "js": "nodejs", ".net": "dotnet", "golang": "go", "py": "python"}
MESSAGING = {"sqs": "aws_sqs", "sns": "aws.sns", "amqp": "rabbitmq", "pubsub": "gcp_pubsub"}
I64 = range(-(1 << 63), 1 << 63)


@dataclass
class Chunk:
    """What the spans of one chunk know together; `request` are the headers with lower-case names, `payload` the spans of all chunks
    that came with it."""
    spans: list
    request: dict = field(default_factory=dict)
    host: str = ""
    payload: list = field(default_factory=list)

    def tags(self, *names):
        return [v for span in self.spans for name in names for v in [tag(span, name)] if v not in (None, "")]

    def first(self, *names):
        found = self.tags(*names)
        return found[0] if found else None

    def of_process(self, *names):
        """A fact about the sending process: this chunk's word, else that of the payload's other chunks."""
        return self.first(*names) or (Chunk(self.payload).first(*names) if self.payload else None)

    @property
    def priority(self):
        p = self.first("_sampling_priority_v1")
        return None if p is None else int(p)

    @property
    def rejected(self):
        return self.priority is not None and self.priority <= 0 and not self.tags("_dd.span_sampling.mechanism")

    def parent_of(self, span):
        wanted = str(span.get("parent_id") or 0)
        return next((s for s in self.spans if str(s["span_id"]) == wanted and s is not span), None) if wanted != "0" else None

    def enters_service(self, span):
        parent = self.parent_of(span)
        return parent is None or parent.get("service") != span.get("service")

    @property
    def root(self):
        return next((s for s in self.spans if self.parent_of(s) is None), self.spans[0])


def tag(span, name):
    metrics = span.get("metrics") or {}
    return metrics[name] if name in metrics else (span.get("meta") or {}).get(name)


def number(v):
    """A metric as OTLP has it: an integral value in the range of int64 is an integer."""
    return int(v) if float(v).is_integer() and int(v) in I64 else float(v)


def typed(key, span):
    return number(span["metrics"][key]) if key in (span.get("metrics") or {}) else span["meta"][key]


def as_int(v):
    try:
        f = float(v)
    except (TypeError, ValueError):
        return None
    return int(f) if f.is_integer() else None


class Redacted:
    """Equal to the URL without user information and with the values of sensitive parameters replaced, or to the URL itself where it
    has nothing to hide. ddgate may decide which parameters are sensitive; names must survive."""

    def __init__(self, url):
        self.url = url

    def __eq__(self, other):
        if not isinstance(other, str):
            return False
        try:
            want, got = urlsplit(self.url), urlsplit(other)
        except ValueError:
            return other == self.url
        if (want.scheme, want.hostname, want.path, want.fragment) != (got.scheme, got.hostname, got.path, got.fragment):
            return False
        if want.password and want.password in (got.netloc or ""):
            return False
        return same_query(want.query, got.query)

    def __hash__(self):
        return hash(self.url)

    def __repr__(self):
        return f"<{self.url}, redacted>"


def same_query(want, got):
    a, b = parse_qsl(want, keep_blank_values=True), parse_qsl(got, keep_blank_values=True)
    return [k for k, _ in a] == [k for k, _ in b] and all(x == y or y == "REDACTED" for (_, x), (_, y) in zip(a, b))


class RedactedQuery(Redacted):
    def __eq__(self, other):
        return isinstance(other, str) and same_query(self.url, other)

    __hash__ = Redacted.__hash__


class Sanitized:
    """Equal to a query text without its literals, or to the text itself where it has none."""

    def __init__(self, query):
        self.query = query

    @staticmethod
    def plain(text):
        text = re.sub(r"'(?:[^']|'')*'", "?", text)
        return re.sub(r"(?<![\w$])[-+]?\d+(?:\.\d+)?\b", "?", text)

    def __eq__(self, other):
        squeeze = lambda s: re.sub(r"\s+", "", s)  # noqa: E731
        return isinstance(other, str) and squeeze(self.plain(other)) == squeeze(self.plain(self.query)) and \
            not re.search(r"'[^'?]+'", other)

    def __hash__(self):
        return hash(self.query)

    def __repr__(self):
        return f"<{self.query}, sanitized>"


# ---- kind and name -------------------------------------------------------------------------------------------------------------

def kind_of(span, chunk):
    """The set of right kinds: one, but where the rules leave a choice."""
    given = str(tag(span, "span.kind") or "").lower()
    if given in KINDS:
        return {KINDS[given]}
    type_, name, resource = (span.get(k) or "" for k in ("type", "name", "resource"))
    enters = SERVER if chunk.enters_service(span) else INTERNAL
    # ddtrace 0.20 types its own flask.request as `http`, the type of clients: a web framework's request is a server's.
    if type_ == "http" and tag(span, "flask.endpoint"):
        return {enters}
    if type_ in ("web", "serverless", "lambda") or name.endswith(".server") or name == "servlet.request" \
            or (name.endswith(".request") and tag(span, "http.route")):
        return {enters}
    if type_ in CLIENT_TYPES or name.endswith(".client"):
        return {CLIENT}
    if type_ == "worker":
        return {CONSUMER}
    words = f"{name} {resource}".lower()
    if type_ == "queue":
        if re.search(r"produce|send|publish", words):
            return {PRODUCER}
        return {CONSUMER} if re.search(r"receive|consume|deliver|process|poll", words) else {PRODUCER, CONSUMER, INTERNAL, CLIENT}
    if type_ in ("rpc", "grpc"):
        for word, kind in (("server", SERVER), ("client", CLIENT)):
            if word in name.lower():
                return {kind}
        return {CLIENT} if tag(span, "out.host") or tag(span, "peer.hostname") else {INTERNAL, CLIENT, SERVER}
    if type_ == "llm" and tag(span, "out.host"):
        return {CLIENT}
    return {INTERNAL}


def is_query(span):
    return (span.get("type") or "") in DB_TYPES | {"sql"} or tag(span, "db.system") or tag(span, "db.type")


def names_of(span, kind):
    """The set of right names in span_name = otel."""
    resource, name = span.get("resource") or "", span.get("name") or ""
    method = str(tag(span, "http.method") or tag(span, "http.request.method") or "").upper()
    if method and kind in (SERVER, CLIENT):
        verb = method if method in METHODS else "HTTP"
        if kind == SERVER:
            route = tag(span, "http.route") or tag(span, "http.endpoint") or tag(span, "flask.url_rule")
        else:
            route = tag(span, "url.template")
        return {f"{verb} {route}" if route else verb}
    plain = resource or name
    if kind == CLIENT and (name in ("tcp.connect", "ipc.connect") or name.startswith("dns.")):
        return {name}  # the resource is whom it asks, of which there are many
    if is_query(span) or (span.get("type") or "") in ("queue", "rpc", "grpc", "graphql") or tag(span, "messaging.system") \
            or tag(span, "rpc.system") or tag(span, "graphql.operation.type"):
        return None  # its own rules (unit tests of the translator); here only: not empty
    return {plain}


# ---- tags ----------------------------------------------------------------------------------------------------------------------

def address(text):
    """host, host:port, [v6]:port -> (address, port or None)"""
    match = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text) or re.fullmatch(r"([^:/]+)(?::(\d+))?", text)
    if not match:
        return text, None
    return match[1], int(match[2]) if match[2] else None


def is_ip(text):
    try:
        ipaddress.ip_address(str(text).strip("[]"))
        return True
    except ValueError:
        return False


def url_targets(url, kind):
    parts = urlsplit(url)
    out = []
    if not parts.scheme or not parts.hostname:
        return [[("url.full", Redacted(url))], [("url.path", parts.path)]]
    server = [("server.address", parts.hostname)]
    try:
        port = parts.port
    except ValueError:
        port = None
    implied = {"http": 80, "https": 443, "ws": 80, "wss": 443}.get(parts.scheme)
    if kind != SERVER:
        port = port or implied  # required of clients
    elif port == implied:
        port = None
    if port:
        server.append(("server.port", port))
    if kind == SERVER:
        out += [("url.scheme", parts.scheme)] + [("url.path", parts.path or "/")]
        out += [("url.query", RedactedQuery(parts.query))] if parts.query else []
    else:
        out += [("url.full", Redacted(url))]
    return [out + server]


def host_targets(text):
    host, port = address(str(text))
    return [[("server.address", host)] + ([("server.port", port)] if port else [])]


def to_int(name):
    def rule(v, span, kind):
        n = as_int(v)
        return None if n is None else [[(name, n)]]
    return rule


def to_text(*names):
    return lambda v, span, kind: [[(name, str(v))] for name in names]


def method_rule(v, span, kind):
    verb = str(v).upper()
    return [[("http.request.method", verb)]] if verb in METHODS else \
        [[("http.request.method", "_OTHER"), ("http.request.method_original", str(v))]]


def port_rule(v, span, kind):
    n = as_int(v)
    return [[("server.port", n)]] if n is not None and kind != SERVER else None


def peer_port_rule(v, span, kind):
    """Of a server span it is the caller's."""
    n = as_int(v)
    return None if n is None else [[("network.peer.port" if kind == SERVER else "server.port", n)]]


def peer_host_rule(v, span, kind):
    return host_targets(v) if kind != SERVER else None


def db_system_rule(v, span, kind):
    return [[("db.system.name", DB_SYSTEMS.get(str(v).lower(), str(v).lower()))]]


def messaging_system_rule(v, span, kind):
    return [[("messaging.system", MESSAGING.get(str(v).lower(), str(v).lower()))]]


def array(name):
    return lambda v, span, kind: [[(name, [str(v)])]]


def query_rule(v, span, kind):
    return [[("db.query.text", Sanitized(str(v)))], [("db.query.summary", str(v))]]


RULES = {
    "http.method": method_rule,
    "http.status_code": to_int("http.response.status_code"),
    "http.url": lambda v, span, kind: url_targets(v, kind),
    "http.useragent": to_text("user_agent.original"),
    "http.client_ip": lambda v, span, kind: [[("client.address", v)]] if kind == SERVER else None,
    "network.client.ip": lambda v, span, kind: [[("client.address", v)]] if kind == SERVER else None,
    "http.host": lambda v, span, kind: host_targets(v),
    "http.hostname": lambda v, span, kind: host_targets(v),
    "http.server_name": lambda v, span, kind: host_targets(v),
    "http.version": to_text("network.protocol.version"),
    "http.query.string": lambda v, span, kind: [[("url.query", RedactedQuery(str(v)))]],
    "http.request.content_length": to_int("http.request.body.size"),
    "http.response.content_length": to_int("http.response.body.size"),
    "http.referer": array("http.request.header.referer"),
    "out.host": peer_host_rule, "peer.hostname": peer_host_rule, "net.peer.name": peer_host_rule, "db.hostname": peer_host_rule,
    "network.destination.name": peer_host_rule,
    "out.port": port_rule, "network.destination.port": port_rule, "net.peer.port": port_rule, "peer.port": peer_port_rule,
    "network.destination.ip": to_text("network.peer.address"), "peer.ipv4": to_text("network.peer.address"),
    "net.peer.ip": to_text("network.peer.address"), "out.ip": to_text("network.peer.address"),
    "db.type": db_system_rule, "db.system": db_system_rule, "db.vendor": db_system_rule,
    "db.instance": to_text("db.namespace"), "db.name": to_text("db.namespace"), "cassandra.keyspace": to_text("db.namespace"),
    "mongodb.db": to_text("db.namespace"), "redis.db": to_text("db.namespace"), "out.redis_db": to_text("db.namespace"),
    "db.redis.database_index": to_text("db.namespace"),
    "db.statement": query_rule, "sql.query": query_rule, "mongodb.query": query_rule, "cassandra.query": query_rule,
    "db.query.text": query_rule,
    "db.operation": to_text("db.operation.name"), "db.sql.table": to_text("db.collection.name"),
    "mongodb.collection": to_text("db.collection.name"), "cassandra.table": to_text("db.collection.name"),
    "db.row_count": to_int("db.response.returned_rows"), "db.pool.name": to_text("db.client.connection.pool.name"),
    "messaging.system": messaging_system_rule,
    "messaging.destination": to_text("messaging.destination.name"), "kafka.topic": to_text("messaging.destination.name"),
    "kafka.partition": to_text("messaging.destination.partition.id"),
    "messaging.kafka.partition": to_text("messaging.destination.partition.id"),
    "kafka.offset": to_int("messaging.kafka.offset"), "kafka.group": to_text("messaging.consumer.group.name"),
    "message.size": to_int("messaging.message.body.size"),
    "dns.hostname": to_text("dns.question.name"),
    "thread.id": to_int("thread.id"),
    "error.type": to_text("error.type"),
    "peer.service": to_text("service.peer.name", "peer.service"),
    "usr.id": to_text("user.id", "enduser.id"),
    "_dd.parent_id": to_text("datadog.parent_id"),
    "_dd.top_level": lambda v, span, kind: [[("datadog.top_level", bool(v))]],
    "_top_level": lambda v, span, kind: [[("datadog.top_level", bool(v))]],
    "_dd.measured": lambda v, span, kind: [[("datadog.measured", bool(v))]],
}

# Tags whose facts live elsewhere in OTLP; each has its own check below. In mode otel they may stand under their own name or not.
ELSEWHERE = {"_dd.p.tid", "_sampling_priority_v1", "_dd.p.dm", "_dd.origin", "span.kind", "env", "version", "language", "runtime-id",
             "process_id", "system.pid", "_dd.tags.process", "_dd.hostname", "_dd.tracer_hostname", "_dd.tracer_host", "_dd.base_service", "tracestate", "w3c.tracestate",
             "_dd.span_links", "events", "error.msg", "error.message", "error.stack", "error.stacktrace", "_dd.agent_psr",
             "_dd.rule_psr", "_dd.limit_psr", "_dd.integration", "component", "otel.status_code", "otel.status_description",
             "_dd.git.commit.sha", "_dd.git.repository_url", "git.commit.sha", "git.repository_url",
             "_dd.span_events.has_exception", "container_id", "manual.keep", "manual.drop"}
# Facts that ddgate adds; the value is checked where it is a rule's, here only that nobody else may add attributes.
DERIVED = {"operation.name", "resource.name", "span.type", "sampling.priority", "error.type", "db.system.name", "db.operation.name",
           "db.collection.name", "db.namespace", "db.query.text", "db.query.summary", "rpc.system.name", "rpc.method", "rpc.service",
           "messaging.system", "messaging.operation.type", "messaging.operation.name", "network.protocol.name", "http.route"}


class Checker:
    """One span against its recording. Complaints collect in `wrong`."""

    def __init__(self, span, dd, chunk, mode, highs=None, obfuscated=True):
        self.span, self.dd, self.chunk, self.mode = span, dd, chunk, mode
        self.highs = highs or {}
        self.obfuscated = obfuscated
        self.wrong = []
        self.explained = {}  # attribute -> values that some rule proposes
        self.meta, self.metrics = dd.get("meta") or {}, dd.get("metrics") or {}

    def say(self, what, got, want):
        if got != want:
            self.wrong.append(f"{what}: {got!r}, not {want!r}")

    def run(self):
        for step in (self.identity, self.times, self.kind, self.name, self.status, self.always, self.tags, self.exception,
                     self.native_events, self.links, self.sampling, self.resource, self.scope, self.struct, self.nothing_else):
            step()
        return self.wrong

    # ---- identity, time
    def identity(self):
        low = int(self.dd["trace_id"])
        want = {self.dd["trace_id_128_hex"]} | self.highs.get(self.dd["trace_id"], set())
        if self.span.trace_id not in want:
            self.wrong.append(f"trace id {self.span.trace_id}, not {want}")
        self.say("lower half of the trace id", int(self.span.trace_id[16:], 16), low)
        self.say("span id", int(self.span.span_id, 16), int(self.dd["span_id"]))
        parent = int(self.dd.get("parent_id") or 0)
        if parent == int(self.dd["span_id"]):
            parent = 0
        self.say("parent id", self.span.parent_id, f"{parent:016x}" if parent else "")

    def times(self):
        start, duration = int(self.dd["start"]), int(self.dd["duration"])
        self.say("start", self.span.start, start)
        self.say("end", self.span.end, start + max(0, duration))

    # ---- kind, name, status
    def kind(self):
        want = kind_of(self.dd, self.chunk)
        if self.span.kind not in want:
            self.wrong.append(f"kind {self.span.kind}, not {want}")

    def name(self):
        if not self.span.name:
            self.wrong.append("the span has no name")
        want = names_of(self.dd, self.span.kind)
        if want and self.mode != "datadog" and self.span.name not in want:
            self.wrong.append(f"name {self.span.name!r}, not {want}")

    def status(self):
        text = self.meta.get("error.message") or self.meta.get("error.msg") or self.meta.get("error.type") or ""
        code = ERROR if self.dd.get("error") else UNSET
        given = str(self.meta.get("otel.status_code", "")).lower()
        if given in ("ok", "error", "1", "2"):
            code = OK if given in ("ok", "1") else ERROR
            text = self.meta.get("otel.status_description", text)
        self.say("status", self.span.status, code)
        self.say("status message", self.span.message, text if code == ERROR else "")

    # ---- attributes
    def always(self):
        attrs = self.span.attrs
        self.say("operation.name", attrs.get("operation.name"), self.dd.get("name") or None)
        self.say("resource.name", attrs.get("resource.name") or None, self.dd.get("resource") or None)
        self.say("span.type", attrs.get("span.type") or None, self.dd.get("type") or None)
        if self.mode != "datadog" and self.chunk.priority is not None:
            self.say("sampling.priority", attrs.get("sampling.priority"), self.chunk.priority)
        origin = self.chunk.first("_dd.origin")
        if self.mode != "datadog" and origin:
            self.say("datadog.origin", attrs.get("datadog.origin"), origin)

    def tags(self):
        for key in list(self.meta) + list(self.metrics):
            own = typed(key, self.dd)
            self.explained.setdefault(key, []).append(own)
            alternatives = self.alternatives(key, own)
            for target, v in (pair for option in alternatives for pair in option):
                self.explained.setdefault(target, []).append(v)
        for key in list(self.meta) + list(self.metrics):
            self.one_tag(key, typed(key, self.dd))

    def alternatives(self, key, own):
        if self.mode == "datadog":
            return []
        if key.startswith("http.request.headers.") or key.startswith("http.response.headers."):
            _, side, _, header = key.split(".", 3)
            return [[(f"http.{side}.header.{header.lower()}", [str(own)])]]
        rule = RULES.get(key)
        return (rule(own, self.dd, self.span.kind) or []) if rule and own != "" else []

    def has(self, key, v):
        got = self.span.attrs.get(key)
        return key in self.span.attrs and type(got) is type_of(v, got) and v == got

    def one_tag(self, key, own):
        has_own = self.has(key, own) or (self.obfuscated and self.has(key, Sanitized(own)) if key in RULES and RULES[key] is query_rule
                                         else self.obfuscated and key == "http.url" and self.has(key, Redacted(own)))
        if key in ELSEWHERE or key.startswith("_dd.p."):
            native = (key == "events" and self.expected_events()) or (key == "_dd.span_links" and self.expected_links())
            if self.mode != "otel" and not has_own and not native:
                self.wrong.append(f"mode {self.mode}: tag {key} = {own!r} is {self.span.attrs.get(key)!r}")
            return
        alternatives = self.alternatives(key, own)
        if not alternatives:
            if not has_own:
                self.wrong.append(f"tag {key} = {own!r} is {self.span.attrs.get(key)!r}")
            return
        if self.mode == "both" and not has_own:
            self.wrong.append(f"mode both: tag {key} = {own!r} is {self.span.attrs.get(key)!r}")
        if any(all(self.has(k, v) for k, v in option) for option in alternatives):
            is_target = any(k == key for option in alternatives for k, _ in option)
            if self.mode == "otel" and key in self.span.attrs and not is_target:
                self.wrong.append(f"tag {key} was renamed and is there under its own name too")
            return
        if not self.lost_to_another(alternatives) or not has_own:
            found = {k: self.span.attrs.get(k) for option in alternatives for k, _ in option}
            self.wrong.append(f"tag {key} = {own!r}: want {alternatives}, found {found}")

    def lost_to_another(self, alternatives):
        """Whether what misses from the first alternative stands there with the value of another tag."""
        return all(self.has(k, v) or any(other == self.span.attrs.get(k) for other in self.explained.get(k, []))
                   for k, v in alternatives[0])

    # ---- events and links
    def exception(self):
        message = self.meta.get("error.message", self.meta.get("error.msg"))
        stack = self.meta.get("error.stack", self.meta.get("error.stacktrace"))
        kind = self.meta.get("error.type")
        if self.mode == "datadog" or not any((message, stack, kind)):
            return
        found = [e for e in self.span.events if e.name == "exception"]
        native = [e for e in self.expected_events() if e[0] == "exception"]
        if len(found) != max(1, len(native)):
            self.wrong.append(f"{len(found)} exception events")
            return
        event = found[-1]
        if not native:
            self.say("time of the exception event", event.time, self.span.end)
        for name, v in (("exception.type", kind), ("exception.message", message), ("exception.stacktrace", stack)):
            if v and not native:
                self.say(name, event.attrs.get(name), v)
        if self.mode == "otel" and not native:
            for key in ("error.message", "error.msg", "error.stack", "error.stacktrace"):
                if key in self.span.attrs:
                    self.wrong.append(f"{key} stands in the exception event and as an attribute")

    def expected_events(self):
        if self.dd.get("span_events"):
            return [(e["name"], round_ns(e["time_unix_nano"]), {k: native_value(v) for k, v in (e.get("attributes") or {}).items()})
                    for e in self.dd["span_events"]]
        events = parse_list(self.meta.get("events"))
        if events is None or not all(isinstance(e, dict) and "name" in e and "time_unix_nano" in e for e in events):
            return []
        return [(e["name"], round_ns(e["time_unix_nano"]), e.get("attributes") or {}) for e in events]

    def native_events(self):
        want = self.expected_events()
        got = [(e.name, e.time, e.attrs) for e in self.span.events]
        if len(got) > len(want) and got and got[-1][0] == "exception":
            got.pop()  # made of error.* tags; checked above
        self.say("events", sorted(got, key=repr), sorted(want, key=repr))
        if self.mode == "otel" and want and "events" in self.span.attrs:
            self.wrong.append("events stand as events and as the tag `events`")

    def expected_links(self):
        if self.dd.get("span_links"):
            return [native_link(x) for x in self.dd["span_links"]]
        links = parse_list(self.meta.get("_dd.span_links"))
        return [native_link(x) for x in links or []]

    def links(self):
        got = [(x.trace_id, x.span_id, x.tracestate, x.flags & 0xFF, x.attrs) for x in self.span.links]
        want = self.expected_links()
        self.say("links", sorted(got, key=repr), sorted(want, key=repr))
        for link in self.span.links:
            if link.flags >> 31:
                self.wrong.append(f"bit 31 of the link's flags: {link.flags:#x}")
        if self.mode == "otel" and want and "_dd.span_links" in self.span.attrs:
            self.wrong.append("links stand as links and as the tag `_dd.span_links`")

    # ---- sampling and propagation
    def sampling(self):
        if self.chunk.priority is not None:
            self.say("sampled flag", self.span.flags & 1, int(self.chunk.priority >= 1))
        self.say("flags other than sampled", self.span.flags & ~1, 0)
        state = dict(member.split("=", 1) for member in self.span.tracestate.split(",") if "=" in member)
        dd_state = dict(item.split(":", 1) for item in state.get("dd", "").split(";") if ":" in item)
        mechanism = self.chunk.first("_dd.p.dm")
        if mechanism is not None:
            self.say("tracestate dd=t.dm", dd_state.get("t.dm"), mechanism)
            got = self.span.attrs.get("datadog.sampling.mechanism")
            if self.mode != "datadog" and "_dd.p.dm" in self.meta and got not in (mechanism, abs(int(mechanism))):
                self.wrong.append(f"datadog.sampling.mechanism {got!r} for {mechanism}")
        if self.chunk.first("_dd.origin"):
            self.say("tracestate dd=o", dd_state.get("o"), self.chunk.first("_dd.origin"))
        for key, v in self.meta.items():
            if key.startswith("_dd.p.") and key not in ("_dd.p.tid", "_dd.p.dm") and dd_state.get("t." + key[6:]) != v \
                    and self.span.attrs.get(key) != v:
                self.wrong.append(f"{key} = {v} is neither in tracestate {self.span.tracestate!r} nor an attribute")
        for member in filter(None, (self.meta.get("tracestate") or "").split(",")):
            vendor, v = member.strip().split("=", 1)
            if vendor not in ("dd", "ot"):
                self.say(f"tracestate member {vendor}", state.get(vendor), v)
        self.rate(state)

    def rate(self, state):
        want = self.effective_rate()
        if want is None or self.mode == "datadog":
            return
        got = self.span.attrs.get("datadog.sampling.rate")
        if got is None or abs(float(got) - want) > 1e-9:
            self.wrong.append(f"datadog.sampling.rate {got!r}, not {want}")
        ot = dict(item.split(":", 1) for item in state.get("ot", "").split(";") if ":" in item)
        if "th" not in ot:
            self.wrong.append(f"tracestate {self.span.tracestate!r} has no ot=th for rate {want}")
            return
        threshold = int(ot["th"].ljust(14, "0"), 16)
        if abs(threshold / 2 ** 56 - (1 - want)) > 1e-3:
            self.wrong.append(f"ot=th:{ot['th']} for rate {want}")
        if "rv" in ot:
            low = int(self.dd["trace_id"])
            self.say("ot=rv", int(ot["rv"], 16), (~(low * 1111111111111111111) & (1 << 64) - 1) >> 8)

    def effective_rate(self):
        """Only for the span that carries it; nothing for a decision made by hand."""
        if self.meta.get("_dd.p.dm") == "-4" or self.chunk.first("_dd.p.dm") == "-4":
            return None
        found = [self.metrics.get("_dd.rule_psr"), self.metrics.get("_dd.agent_psr"), self.meta.get("_dd.p.ksr")]
        rate = next((float(r) for r in found if r is not None), None)
        if rate is None or not 0 < rate <= 1 or (self.chunk.priority or 0) < 1:
            return None
        limit = self.metrics.get("_dd.limit_psr")
        return rate * limit if limit is not None and limit <= 1 else rate

    # ---- resource and scope
    def resource(self):
        got, chunk, request = self.span.resource, self.chunk, self.chunk.request
        language = (self.meta.get("language") or chunk.first("language") or request.get("datadog-meta-lang") or "")
        language = LANGUAGES.get(language.lower(), language.lower())
        self.say("service.name", got.get("service.name"),
                 self.dd.get("service") or (f"unknown_service:{language}" if language else "unknown_service"))
        self.say("deployment.environment.name", got.get("deployment.environment.name"),
                 self.meta.get("env") or tag(chunk.root, "env") or chunk.first("env"))
        same_service = [s for s in chunk.spans if s.get("service") == self.dd.get("service")]
        version = self.meta.get("version") or next((tag(s, "version") for s in same_service if tag(s, "version")), None)
        self.say("service.version", got.get("service.version"), version)
        self.say("telemetry.sdk.language", got.get("telemetry.sdk.language"), language or None)
        self.say("telemetry.sdk.name", got.get("telemetry.sdk.name"), "datadog")
        tracer = request.get("datadog-meta-tracer-version")
        if got.get("telemetry.sdk.version") not in (tracer, (tracer or "").removeprefix("v") or None):
            self.wrong.append(f"telemetry.sdk.version {got.get('telemetry.sdk.version')!r} for {tracer!r}")
        for header, name in (("lang-version", "version"), ("lang-interpreter", "name"), ("lang-interpreter-vendor", "description")):
            self.say(f"process.runtime.{name}", got.get(f"process.runtime.{name}"), request.get(f"datadog-meta-{header}") or None)
        instance = self.meta.get("runtime-id") or chunk.of_process("runtime-id")
        self.say("service.instance.id", got.get("service.instance.id"), instance)
        pid = tag(self.dd, "process_id") or tag(self.dd, "system.pid") or chunk.of_process("process_id", "system.pid")
        self.say("process.pid", got.get("process.pid"), as_int(pid) if pid is not None else None)
        host = chunk.first("_dd.hostname", "_dd.tracer_hostname", "_dd.tracer_host") or chunk.host
        self.say("host.name", got.get("host.name"), host)
        self.say("datadog.base_service", got.get("datadog.base_service", self.span.attrs.get("datadog.base_service")),
                 self.meta.get("_dd.base_service") if self.mode != "datadog" else got.get("datadog.base_service"))
        if not self.span.resource_schema.startswith("https://opentelemetry.io/schemas/1."):
            self.wrong.append(f"schema_url of the resource: {self.span.resource_schema!r}")
        self.process_tags()

    def process_tags(self):
        text = self.chunk.first("_dd.tags.process") or self.chunk.request.get("x-datadog-process-tags")
        for pair in (text or "").split(","):
            key, _, v = pair.partition(":")
            if not key:
                continue
            names = [f"datadog.process.{key}"] + [k for k in self.span.resource if k.startswith("process.")]
            if not any(self.span.resource.get(name) == v for name in names):
                self.wrong.append(f"process tag {key} = {v!r} is not on the resource")

    def scope(self):
        name, version = self.span.scope
        part = self.meta.get("component") or self.meta.get("_dd.integration")
        allowed = {f"datadog.{p}" for p in (self.meta.get("component"), self.meta.get("_dd.integration")) if p} or {"datadog"}
        if name not in allowed:
            self.wrong.append(f"scope {name!r}, not {allowed}")
        tracer = self.chunk.request.get("datadog-meta-tracer-version") or ""
        if version not in (tracer, tracer.removeprefix("v")):
            self.wrong.append(f"scope version {version!r} for {tracer!r}")
        self.say("schema_url of the scope", self.span.scope_schema, self.span.resource_schema)
        if part and self.meta.get("component") and self.span.attrs.get("component") != part:
            self.wrong.append(f"component {self.span.attrs.get('component')!r}, not {part!r}")

    def struct(self):
        for key in self.dd.get("meta_struct") or {}:
            if key not in self.span.attrs:
                self.wrong.append(f"meta_struct {key} is not there")
            self.explained.setdefault(key, [])

    def nothing_else(self):
        for key in self.span.attrs:
            if key not in self.explained and key not in DERIVED and not key.startswith("datadog."):
                self.wrong.append(f"nobody asked for attribute {key} = {self.span.attrs[key]!r}")


def type_of(want, got):
    """The type that the attribute must have: matchers stand for text."""
    return type(got) if isinstance(want, (Redacted, Sanitized)) else type(want)


def round_ns(v):
    return v if isinstance(v, int) else int(v)


def parse_list(text):
    try:
        parsed = json.loads(text) if text else None
    except ValueError:
        return None
    return parsed if isinstance(parsed, list) else None


def native_value(v):
    kind = v.get("type")
    if kind == 4:
        return [native_value(item) for item in v["array_value"]["values"] or []]
    return v[("string_value", "bool_value", "int_value", "double_value")[kind]]


def native_link(link):
    """Go writes ids as integers, the others as hexadecimal text."""
    def half(v):
        return int(v, 16) if isinstance(v, str) else int(v or 0)
    trace = half(link.get("trace_id")) | half(link.get("trace_id_high")) << 64
    flags = int(link.get("flags") or 0) & 0xFF
    return (f"{trace:032x}", f"{half(link.get('span_id')):016x}", link.get("tracestate") or "", flags, dict(link.get("attributes") or {}))


def check(span, dd, chunk, mode="otel", highs=None, obfuscated=True):
    """Everything that is wrong with an OTLP span, as a list of sentences."""
    return span.malformed + Checker(span, dd, chunk, mode, highs, obfuscated).run()
