# SPDX-License-Identifier: Apache-2.0
"""Web pages that send OTLP: what a browser asks before it lets a script of another origin send, and what it lets the script see."""
import json
import subprocess

import pytest
from ddgate import BINARY, conf_text, free_port, grpc
from test_otlp_in import as_json, make_otlp, traces  # pylint: disable=unused-import

SHOP = "https://shop.example"
JSON = {"Content-Type": "application/json"}


def preflight(gate, origin, path="/v1/traces", **more):
    """As Chromium sends it for fetch(…, {method: "POST", headers: {"Content-Type": "application/json"}}), or sendBeacon."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type",
             "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site", "Accept": "*/*", **more}
    return gate.request("OPTIONS", path, b"", {name: value for name, value in asked.items() if value})


def lets(answer, origin, headers=("content-type",), method="POST"):
    """Whether a browser goes on after this answer to a preflight (Fetch, 4.9 "CORS-preflight fetch"), as of sendBeacon: with credentials."""
    allowed = {h.strip().lower() for h in answer.headers.get("access-control-allow-headers", "").split(",")}
    methods = {m.strip() for m in answer.headers.get("access-control-allow-methods", "").split(",")}
    return (answer.headers.get("access-control-allow-origin") == origin and answer.headers.get("access-control-allow-credentials") == "true" and 200 <= answer.status < 300 and
            (method in methods or method in ("GET", "HEAD", "POST")) and set(headers) <= allowed)


def cors_headers(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_an_allowed_page_sends(make_otlp, sink):
    gate = make_otlp([grpc(sink)], cors={"allowed_origins": ["https://other.example", SHOP]})
    asked = preflight(gate, SHOP)
    assert (asked.status, asked.body) == (204, b"") and lets(asked, SHOP)
    assert cors_headers(asked) == {"access-control-allow-origin": SHOP, "access-control-allow-methods": "POST", "access-control-max-age": "7200",
                                   "access-control-allow-headers": "Authorization, Content-Encoding, Content-Type",
                                   "access-control-allow-credentials": "true"}
    assert asked.headers["vary"] == "Origin"
    connection = gate.connection()
    for _ in range(2):  # the connection is kept
        answer = gate.request("POST", "/v1/traces", as_json(traces(1)), {**JSON, "Origin": SHOP, "Sec-Fetch-Site": "cross-site"}, connection=connection)
        assert answer.status == 200 and answer.headers["vary"] == "Origin"
        assert cors_headers(answer) == {"access-control-allow-origin": SHOP, "access-control-allow-credentials": "true", "access-control-expose-headers": "Retry-After"}
    sink.wait_spans(2)
    assert gate.request("OPTIONS", "/v1/traces", b"", {"Origin": SHOP}).status == 405  # no preflight


def test_other_pages_do_not(make_otlp, sink):
    gate = make_otlp([grpc(sink)], cors={"allowed_origins": [SHOP, "https://*.shop.example"]})
    for origin in ("https://evil.example", "http://shop.example", "https://shop.example:8443", "https://evilshop.example", "null"):
        asked = preflight(gate, origin)
        assert asked.status == 403 and not cors_headers(asked) and not lets(asked, origin) and asked.headers["vary"] == "Origin"
        sent = gate.request("POST", "/v1/traces", as_json(traces(1)), {**JSON, "Origin": origin, "Sec-Fetch-Site": "cross-site"})
        assert sent.status == 403 and not cors_headers(sent)
    gate.wait_stderr("to /v1/traces is answered 403: cross-site requests are refused: https://evil.example is not in cors.allowed_origins")
    assert lets(preflight(gate, "https://a.b.shop.example"), "https://a.b.shop.example")
    assert preflight(gate, SHOP, "/v1/nothing").status == 404
    # who is no browser sends as ever
    answer = gate.request("POST", "/v1/traces", as_json(traces(1)), JSON)
    assert answer.status == 200 and not cors_headers(answer) and answer.headers["vary"] == "Origin"
    sink.wait_spans(1)


def test_off_unless_asked_for(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    asked = preflight(gate, SHOP)
    assert asked.status == 403 and not cors_headers(asked) and "vary" not in asked.headers
    sent = gate.request("POST", "/v1/traces", as_json(traces(1)), {**JSON, "Origin": SHOP, "Sec-Fetch-Site": "cross-site"})
    assert sent.status == 403 and not cors_headers(sent)


def test_every_page(make_otlp, sink):
    gate = make_otlp([grpc(sink)], cors={"allowed_origins": ["*"], "allowed_headers": ["*"]})
    asked = preflight(gate, "null")
    assert asked.status == 204 and asked.headers["access-control-allow-origin"] == asked.headers["access-control-allow-headers"] == "*"
    assert "vary" not in asked.headers and "access-control-allow-credentials" not in asked.headers
    sent = gate.request("POST", "/v1/traces", as_json(traces(1)), {**JSON, "Origin": "null", "Sec-Fetch-Site": "cross-site"})
    assert sent.status == 200 and sent.headers["access-control-allow-origin"] == "*"


def test_a_script_sees_errors(make_otlp, sink):
    """Without the header on them, a script could not tell 401 from a gateway that is away."""
    gate = make_otlp([grpc(sink)], auth={"token": "a-secret-token-of-a-page"}, cors={"allowed_origins": [SHOP]}, max_body="64KiB")
    assert preflight(gate, SHOP).status == 204  # which bears no token
    page = {**JSON, "Origin": SHOP, "Sec-Fetch-Site": "cross-site"}
    good = {**page, "Authorization": "Bearer a-secret-token-of-a-page"}
    for headers, body, status in ((page, b"{}", 401), (good, b"{", 400), (good, b" " * 70_000, 413), ({**good, "Content-Encoding": "br"}, b"x", 415)):
        answer = gate.request("POST", "/v1/traces", body, headers)
        assert answer.status == status and answer.headers["access-control-allow-origin"] == SHOP, answer
    assert json.loads(gate.request("POST", "/v1/traces", b"{}", good).body) == {}


def test_addresses_have_their_limits(make_otlp, sink):
    gate = make_otlp([grpc(sink)], cors={"allowed_origins": [SHOP]}, peer={"requests": 1, "burst": 3, "local": True})
    assert {preflight(gate, SHOP).status for _ in range(6)} == {204, 429}


@pytest.mark.parametrize("cors, said", [
    ({"allowed_origins": ["shop.example"]}, 'cors.allowed_origins: "shop.example": write scheme://host'),
    ({"allowed_origins": [SHOP + "/"]}, "without a path"),
    ({"allowed_origins": ["null"]}, "sandboxed frames"),
    ({"allowed_origins": [SHOP], "allowed_headers": ["a b"]}, 'cors.allowed_headers: "a b" is not the name of a header'),
    ({"origins": [SHOP]}, "cors.origins"),
])
def test_mistakes(tmp_path, cors, said):
    path = tmp_path / "cors.conf"
    path.write_text(conf_text({"receivers": ({"type": "otlp", "grpc": [], "http": [f"127.0.0.1:{free_port()}"], "cors": cors},),
                               "exporters": ({"type": "blackhole"},)}))
    checked = subprocess.run([str(BINARY), "check", "-c", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 2 and said in checked.stderr and "cors.conf:" in checked.stderr
