"""The admin API as its callers see it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory_admin import ELSEWHERE, HOST, JSON, TOKEN, InMemoryAdmin, parse
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.protocols.haproxy._wrapper import HAProxyWrappingFactory

from openprequal.admin.body import MAX_BYTES
from openprequal.errors import RegistrationRefused
from openprequal.values import Backend, LoadReport, LoadState

QUICK_START = {"url": "http://localhost:8001", "port": 8001}
LOCAL = Backend(url="http://localhost:8001")


@pytest.fixture
def admin() -> InMemoryAdmin:
    return InMemoryAdmin()


def test_the_quick_start_registers_a_backend(admin: InMemoryAdmin) -> None:
    answer = admin.post(b"/register", QUICK_START)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["url"] == "http://localhost:8001"
    assert answer.json["service"] == "default"
    assert answer.json["lease_seconds"] is None
    assert list(admin.registry.backends()) == [LOCAL]


def test_a_heartbeat_is_told_how_long_its_lease_is(admin: InMemoryAdmin) -> None:
    answer = admin.post(b"/register", {**QUICK_START, "heartbeat_seconds": 30})
    assert answer.json["lease_seconds"] == 60


def test_everything_a_registration_may_say_arrives(admin: InMemoryAdmin) -> None:
    admin.post(
        b"/register",
        {
            "url": "HTTPS://B.Test",
            "service": "search",
            "weight": 2,
            "health_path": "/up",
            "probe_path": "/probe?x=1",
            "probe_port": 9000,
            "priority": 1,
            "zone": "east",
            "heartbeat_seconds": 0.5,
            "load": {"rif": 3, "latency": 0.012, "state": "draining"},
        },
    )
    backend = Backend(
        url="https://b.test:443",
        service="search",
        weight=2.0,
        health_path="/up",
        probe_path="/probe?x=1",
        probe_port=9000,
        priority=1,
        zone="east",
        heartbeat_seconds=0.5,
    )
    assert list(admin.registry.backends()) == [backend]
    assert admin.reports == [(backend, LoadReport(3.0, 0.012, LoadState.DRAINING))]


def test_a_registration_without_a_load_report_reports_nothing(admin: InMemoryAdmin) -> None:
    admin.post(b"/register", QUICK_START)
    assert admin.reports == []


def test_a_latency_may_be_unknown(admin: InMemoryAdmin) -> None:
    admin.post(b"/register", {**QUICK_START, "load": {"rif": 0, "latency": None}})
    assert [report for _, report in admin.reports] == [LoadReport(0.0, None, LoadState.READY)]


def test_unregistering_removes_the_backend(admin: InMemoryAdmin) -> None:
    admin.post(b"/register", QUICK_START)
    answer = admin.post(b"/unregister", QUICK_START)
    assert answer.status == 200
    assert answer.json["unregistered"] is True
    assert list(admin.registry.backends()) == []


def test_unregistering_who_is_not_there_is_a_404(admin: InMemoryAdmin) -> None:
    admin.post(b"/register", QUICK_START)
    answer = admin.post(b"/unregister", {**QUICK_START, "service": "search"})
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(admin.registry.backends()) == [LOCAL]


def test_one_over_the_cap_is_a_503_that_names_the_setting() -> None:
    admin = InMemoryAdmin(max_backends=0)
    answer = admin.post(b"/register", QUICK_START)
    assert answer.status == 503
    assert "max_backends" in str(answer.json["detail"])


def test_the_gateway_itself_is_refused() -> None:
    admin = InMemoryAdmin(objection="this is the gateway itself")
    answer = admin.post(b"/register", QUICK_START)
    assert (answer.status, answer.json["field"]) == (400, "url")
    assert "the gateway itself" in str(answer.json["detail"])
    assert list(admin.registry.backends()) == []


def test_a_refusal_is_a_problem_document_that_names_the_field(admin: InMemoryAdmin) -> None:
    answer = admin.post(b"/register", {"url": "ftp://a.test"})
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "url: must start with http://, https:// or unix:///, not 'ftp://a.test'",
        "field": "url",
    }


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", [HOST], 415),
        (b"{}", [HOST, (b"Content-Type", b"text/plain")], 415),
        (b"{}", [HOST, (b"Content-Type", b"application/jsonp")], 415),
        (b"{}", [HOST, (b"Content-Type", b"application/json; charset=latin-1")], 415),
        (b"{}", [HOST, JSON, JSON], 415),
        (b"{}", [HOST, JSON, (b"Content-Encoding", b"gzip")], 415),
        (b" " * MAX_BYTES + b"{}", [HOST, JSON], 413),
        (b"", [HOST, JSON], 400),
        (b"{", [HOST, JSON], 400),
        (b"\xff", [HOST, JSON], 400),
        (b"\xef\xbb\xbf{}", [HOST, JSON], 400),
        ('{"url": "http://a.test"}'.encode("utf-16"), [HOST, JSON], 400),
        (b"[" * 60000, [HOST, JSON], 400),
        (b'{"weight": ' + b"9" * 5000 + b', "url": "http://a.test"}', [HOST, JSON], 400),
        (b'{"weight": ' + b"9" * 400 + b', "url": "http://a.test"}', [HOST, JSON], 400),
        (b'{"weight": NaN, "url": "http://a.test"}', [HOST, JSON], 400),
        (b'{"weight": 1e999, "url": "http://a.test"}', [HOST, JSON], 400),
        (b'{"url": "http://a.test", "url": "http://b.test"}', [HOST, JSON], 400),
        (b'{"url": "http://a.test", "load": {"rif": 1, "rif": 2}}', [HOST, JSON], 400),
        (b"null", [HOST, JSON], 400),
        (b"[]", [HOST, JSON], 400),
        (b'"http://a.test"', [HOST, JSON], 400),
    ],
)
@pytest.mark.parametrize("path", [b"/register", b"/unregister"])
def test_a_body_that_is_not_taken_changes_nothing(
    admin: InMemoryAdmin, path: bytes, body: bytes, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    admin.post(b"/register", QUICK_START)
    answer = admin.call(b"POST", path, body, headers)
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert list(admin.registry.backends()) == [LOCAL]


@pytest.mark.parametrize("content_type", [b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"'])
def test_json_may_say_that_it_is_utf_8(admin: InMemoryAdmin, content_type: bytes) -> None:
    answer = admin.post(b"/register", QUICK_START, headers=[HOST, (b"Content-Type", content_type)])
    assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        (b"GET", b"/register", "POST"),
        (b"PUT", b"/unregister", "POST"),
        (b"POST", b"/backends", "GET, HEAD"),
        (b"DELETE", b"/metrics", "GET, HEAD"),
        (b"OPTIONS", b"/healthz", "GET, HEAD"),
    ],
)
def test_another_method_is_a_405_that_says_which_are_allowed(
    admin: InMemoryAdmin, method: bytes, path: bytes, allow: str
) -> None:
    answer = admin.call(method, path)
    assert answer is not None
    assert (answer.status, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("path", [b"/", b"/register/", b"/nothing", b"/%72egister/x"])
def test_another_path_is_a_404(admin: InMemoryAdmin, path: bytes) -> None:
    answer = admin.post(path, QUICK_START)
    assert answer.status == 404
    assert list(admin.registry.backends()) == []
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", [b"/backends", b"/metrics", b"/healthz", b"/readyz"])
def test_head_tells_the_length_and_sends_no_content(admin: InMemoryAdmin, path: bytes) -> None:
    answer = admin.call(b"HEAD", path)
    assert answer is not None
    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(admin.get(path).body))
    assert answer.body == b""


def test_the_backends_are_shown_as_they_were_handed_in() -> None:
    rows: list[dict[str, object]] = [{"url": "http://a.test:1", "rif": 3}, {"url": "http://b.test:1", "rif": None}]
    answer = InMemoryAdmin(rows=rows).get(b"/backends")
    assert answer.json == {"backends": rows}


def test_a_number_that_json_does_not_have_is_shown_as_null() -> None:
    answer = InMemoryAdmin(rows=[{"latency": float("inf"), "seen": [float("nan"), 1.5]}]).get(b"/backends")
    assert answer.json == {"backends": [{"latency": None, "seen": [None, 1.5]}]}


def test_the_metrics_page_is_asked_for_with_the_accept_field(admin: InMemoryAdmin) -> None:
    answer = admin.get(b"/metrics", headers=[HOST, (b"Accept", b"text/plain")])
    assert answer.headers["content-type"] == "text/plain; version=0.0.4"
    assert answer.body == b"up 1\n"
    assert admin.accepted == [b"text/plain"]


def test_it_is_healthy_as_long_as_it_runs() -> None:
    assert InMemoryAdmin(unready="no backend").get(b"/healthz").json == {"status": "ok"}


def test_it_is_ready_when_told_so(admin: InMemoryAdmin) -> None:
    assert admin.get(b"/readyz").status == 200


def test_it_is_not_ready_for_the_reason_told() -> None:
    answer = InMemoryAdmin(unready="no backend may be picked").get(b"/readyz")
    assert (answer.status, answer.json["detail"]) == (503, "no backend may be picked")


@pytest.mark.parametrize("path", [b"/healthz", b"/readyz"])
def test_health_is_open_to_all(admin: InMemoryAdmin, path: bytes) -> None:
    assert admin.get(path, peer=ELSEWHERE, headers=[(b"Host", b"gateway.test")]).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *((b"POST", b"/register"), (b"POST", b"/unregister"), (b"GET", b"/backends"), (b"GET", b"/metrics")),
        (b"POST", b"/_openprequal/reload"),
    ],
)
@pytest.mark.parametrize("peer", [ELSEWHERE, UNIXAddress(b"/run/gateway.sock")])
def test_everything_else_needs_the_token_from_elsewhere(
    admin: InMemoryAdmin, method: bytes, path: bytes, peer: object
) -> None:
    admin.post(b"/register", QUICK_START)
    body = json.dumps(QUICK_START).encode()
    refused = admin.call(method, path, body, peer=peer)
    assert refused is not None
    assert refused.status == 403
    assert list(admin.registry.backends()) == [LOCAL]
    bearer = (b"Authorization", b"Bearer " + TOKEN.encode())
    admitted = admin.call(method, path, body, [HOST, JSON, bearer], peer)
    assert admitted is not None
    # Here the settings came from a program.
    assert admitted.status == (404 if path.endswith(b"reload") else 200)


def test_who_may_not_call_learns_nothing_about_his_body(admin: InMemoryAdmin) -> None:
    assert admin.post(b"/register", {"url": 1}, peer=ELSEWHERE).status == 403


def test_a_loopback_address_told_by_the_proxy_protocol_is_not_believed(admin: InMemoryAdmin) -> None:
    site = admin.connect().protocol.factory
    transport = StringTransportWithDisconnection(peerAddress=ELSEWHERE)
    transport.protocol = HAProxyWrappingFactory(site).buildProtocol(ELSEWHERE)
    transport.protocol.makeConnection(transport)
    transport.protocol.dataReceived(
        b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 8000\r\nGET /backends HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    answer = parse(transport.value())
    assert answer is not None
    assert answer.status == 403


@pytest.mark.parametrize("host", [b"a..b", b"x" * 70, b"[::1", b"\xff", b"", b"a b"])
def test_no_host_makes_it_stumble(admin: InMemoryAdmin, host: bytes) -> None:
    assert admin.get(b"/healthz", headers=[(b"Host", host)]).status in (200, 400)


def test_a_register_hook_refuses_with_its_own_status_and_reason() -> None:
    def hook(backend: Backend) -> None:
        raise RegistrationRefused("not on Sundays", status=409)

    admin = InMemoryAdmin(register_hook=hook)
    answer = admin.post(b"/register", QUICK_START)
    assert (answer.status, answer.json["detail"]) == (409, "not on Sundays")
    assert list(admin.registry.backends()) == []


def test_a_register_hook_that_raises_is_a_500_without_internals() -> None:
    def hook(backend: Backend) -> None:
        raise ValueError("the password is 1234")

    admin = InMemoryAdmin(register_hook=hook)
    answer = admin.post(b"/register", QUICK_START)
    assert answer.status == 500
    assert b"1234" not in answer.body
    assert list(admin.registry.backends()) == []
    assert len(admin.hook_failures) == 1


def test_nothing_is_registered_before_the_hook_has_answered() -> None:
    verdict: Deferred[None] = Deferred()
    admin = InMemoryAdmin(register_hook=lambda backend: verdict)
    assert admin.call(b"POST", b"/register", json.dumps(QUICK_START).encode()) is None
    assert list(admin.registry.backends()) == []
    verdict.callback(None)
    assert list(admin.registry.backends()) == [LOCAL]


def test_a_caller_that_hangs_up_meanwhile_registers_nothing() -> None:
    verdict: Deferred[None] = Deferred()
    admin = InMemoryAdmin(register_hook=lambda backend: verdict)
    transport = admin.connect()
    body = json.dumps(QUICK_START).encode()
    transport.protocol.dataReceived(
        b"POST /register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        % (len(body), body)
    )
    transport.loseConnection()
    assert list(admin.registry.backends()) == []
    assert admin.hook_failures == []


def test_the_unregister_hook_is_told_all_about_who_left() -> None:
    told: list[Backend] = []
    admin = InMemoryAdmin(unregister_hook=told.append)
    admin.post(b"/register", {**QUICK_START, "weight": 3})
    admin.post(b"/unregister", QUICK_START)
    assert told == [Backend(url=LOCAL.url, weight=3.0)]


def test_an_unregister_hook_that_raises_keeps_nobody() -> None:
    def hook(backend: Backend) -> None:
        raise ValueError

    admin = InMemoryAdmin(unregister_hook=hook)
    admin.post(b"/register", QUICK_START)
    assert admin.post(b"/unregister", QUICK_START).status == 200
    assert list(admin.registry.backends()) == []
    assert len(admin.hook_failures) == 1


def test_an_error_nobody_expected_is_a_500_without_internals(admin: InMemoryAdmin) -> None:
    admin.rows = [{"secret": object()}]
    answer = admin.get(b"/backends")
    assert answer.status == 500
    assert answer.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(
    ["url", "port", "service", "weight", "health_path", "probe_path", "probe_port", "heartbeat_seconds", "load", "x"]
)
URLS = st.sampled_from(["http://a.test", "http://localhost:8001", "https://[::1]:1", "http://a.test/x", "a.test"])
BODIES = JSON_VALUES | st.dictionaries(MEMBERS, JSON_VALUES | URLS, max_size=5)


@given(BODIES, st.booleans())
def test_no_json_is_worse_than_a_400(document: object, ascii_only: bool) -> None:
    admin = InMemoryAdmin()
    body = json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    answer = admin.call(b"POST", b"/register", body)
    assert answer is not None
    assert answer.status in (200, 400)
    assert len(admin.registry.backends()) == (1 if answer.status == 200 else 0)


@given(st.binary(max_size=200))
def test_no_bytes_are_worse_than_a_400(body: bytes) -> None:
    admin = InMemoryAdmin()
    answer = admin.call(b"POST", b"/register", body)
    assert answer is not None
    assert answer.status == 400
    assert list(admin.registry.backends()) == []


@given(
    st.text(st.characters(categories=["Cs", "L", "N"]), max_size=4),
    st.text(st.characters(categories=["Cs"]), min_size=1),
)
def test_half_characters_are_refused_wherever_they_stand(name: str, half: str) -> None:
    for document in ({name + half: 1}, {"url": half}, {"url": "http://a.test", "service": half}):
        answer = InMemoryAdmin().post(b"/register", document)
        assert answer.status == 400


def test_settings_that_a_program_gave_cannot_be_read_again(admin: InMemoryAdmin) -> None:
    answer = admin.post(b"/_openprequal/reload", None)
    assert answer.status == 404
    assert "came from a program" in str(answer.json["detail"])
