"""Which fields go on, which are replaced and which are added, in either direction."""

from ipaddress import ip_network

import pytest

from openprequal.errors import LoopDetected
from openprequal.forwarding.failures import connect_failed, nothing_picked
from openprequal.forwarding.request_head import RequestRules, render_request_head, takes_upgrade
from openprequal.forwarding.retry import may_repeat_on_fresh_connection
from openprequal.forwarding.route import Timeouts
from openprequal.http1.request import parse_request_head
from openprequal.testing.network import MemoryNetwork


def sent(*fields: bytes, line: bytes = b"GET /x HTTP/1.1", client: str = "192.0.2.1", **rules: object) -> list[bytes]:
    """The lines of the head that goes to the backend."""
    given: dict[str, object] = {"pseudonym": b"us", "request_ids": lambda: b"", **rules}
    head = parse_request_head(b"\r\n".join([line, b"Host: a.test", *fields]), client)
    made = RequestRules(**given)  # type: ignore[arg-type]
    return render_request_head(head, made, head.target, head.head_fields).split(b"\r\n")[:-1]


ADDED = [b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: http", b"X-Forwarded-Host: a.test", b"Via: 1.1 us"]


def test_end_to_end_fields_keep_order_case_and_duplicates() -> None:
    fields = [b"Cookie: a", b"x-a: 1", b"X-A: 2", b"Accept-Encoding: gzip", b"cookie: b"]
    assert sent(*fields) == [b"GET /x HTTP/1.1", b"Host: a.test", *fields, *ADDED]


@pytest.mark.parametrize(
    "fields",
    [
        [b"Connection: keep-alive", b"Keep-Alive: timeout=5"],
        [b"Connection: X-A , x-b", b"X-A: 1", b"X-B: 2"],
        [b"Proxy-Connection: keep-alive"],
        [b"Proxy-Authorization: Basic x"],
        [b"TE: gzip"],
        [b"Upgrade: websocket"],
        [b"OpenPrequal-Load: rif=0"],
        [b"OpenPrequal-Hint: 0123456789abcdef"],
        [b"X-Prequal-RIF: 0"],
        [b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Host: evil", b"X-Forwarded-Proto: https", b"Forwarded: for=1"],
        [b"Connection: HTTP2-Settings", b"HTTP2-Settings: AAA"],
    ],
)
def test_these_fields_end_here(fields: list[bytes]) -> None:
    assert sent(*fields) == [b"GET /x HTTP/1.1", b"Host: a.test", *ADDED]


@pytest.mark.parametrize("name", [b"Host", b"Authorization", b"Cookie", b"Content-Length", b"Via", b"X-Forwarded-For"])
def test_connection_cannot_remove_what_the_next_hop_relies_on(name: bytes) -> None:
    fields = [] if name in (b"Host", b"Via", b"X-Forwarded-For") else [name + b": 0"]
    lines = sent(b"Connection: " + name, *fields)
    assert any(line.startswith(name + b": ") for line in lines)


def test_a_body_is_framed_anew() -> None:
    assert b"Content-Length: 7" in sent(b"Content-Length: 007")
    assert b"Content-Length: 0" in sent(b"Content-Length: 0", line=b"POST / HTTP/1.1")
    assert b"Transfer-Encoding: chunked" in sent(b"transfer-encoding:  CHUNKED")
    assert not [line for line in sent() if b"Content-Length" in line]


def test_te_trailers_is_the_next_hops_business_too() -> None:
    assert {b"TE: trailers", b"Connection: TE"} <= set(sent(b"Connection: TE", b"TE: trailers, gzip"))


def test_what_a_trusted_proxy_says_is_kept_and_added_to() -> None:
    lines = sent(
        b"X-Forwarded-For: 203.0.113.9",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: www.test",
        trusted_proxies=(ip_network("192.0.2.0/24"),),
    )
    assert lines[2:5] == [
        b"X-Forwarded-For: 203.0.113.9, 192.0.2.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: www.test",
    ]


def test_another_proxys_word_is_replaced() -> None:
    lines = sent(b"X-Forwarded-For: 203.0.113.9", trusted_proxies=(ip_network("198.51.100.0/24"),))
    assert b"X-Forwarded-For: 192.0.2.1" in lines


@pytest.mark.parametrize(("client", "node"), [("192.0.2.1", b"192.0.2.1"), ("2001:db8::1", b'"[2001:db8::1]"')])
def test_forwarded_is_sent_where_wanted(client: str, node: bytes) -> None:
    assert b"Forwarded: for=" + node + b';proto=http;host="a.test"' in sent(client=client, forwarded=True)


def test_via_is_appended_to() -> None:
    assert sent(b"Via: 1.0 first", b"via: 1.1 second (x)")[-1] == b"Via: 1.0 first, 1.1 second (x), 1.1 us"


@pytest.mark.parametrize("via", [b"1.1 us", b"1.1 other, 1.0 US (x)", b"HTTP/1.1 us"])
def test_our_own_name_in_via_is_a_loop(via: bytes) -> None:
    with pytest.raises(LoopDetected):
        sent(b"Via: " + via)


def test_a_similar_name_in_via_is_no_loop() -> None:
    sent(b"Via: 1.1 us2, 1.1 not-us, us")


@pytest.mark.parametrize(
    ("upgrade", "taken"),
    [(b"websocket", True), (b"WebSocket/13", True), (b"h2c", False), (b"foo, TLS/1.0", False), (b" , ", False)],
)
def test_which_upgrades_are_taken(upgrade: bytes, taken: bool) -> None:
    assert takes_upgrade(upgrade) is taken


@pytest.mark.parametrize(
    ("method", "reused", "answered", "body_at_hand", "may"),
    [
        (b"GET", True, False, True, True),
        (b"PUT", True, False, True, True),
        (b"POST", True, False, True, False),
        (b"PATCH", True, False, True, False),
        (b"get", True, False, True, False),
        (b"GET", False, False, True, False),
        (b"GET", True, True, True, False),
        (b"PUT", True, False, False, False),
    ],
)
def test_when_a_request_may_be_repeated(
    method: bytes, reused: bool, answered: bool, body_at_hand: bool, may: bool
) -> None:
    assert may_repeat_on_fresh_connection(method, reused=reused, answered=answered, body_at_hand=body_at_hand) is may


def test_failures_become_statuses() -> None:
    refused = ConnectionRefusedError()
    assert nothing_picked(service="s", saturated=False, last_failure=None).status == 503
    assert nothing_picked(service="s", saturated=True, last_failure=None).status == 503
    assert nothing_picked(service="s", saturated=True, last_failure=connect_failed(refused)).status == 502
    assert connect_failed(refused).status == 502


def deadlines(network: MemoryNetwork) -> list[bytes]:
    return [line for line in network.backend().received.lower().split(b"\r\n") if line.startswith(b"x-left-ms:")]


@pytest.mark.parametrize(
    ("told", "total_s", "left"),
    [
        (None, None, b"60000"),
        (None, 5.0, b"5000"),
        (b"1500", 5.0, b"1500"),
        (b"9000", 5.0, b"5000"),
        (b"soon", 5.0, b"5000"),
        (b"-1", 5.0, b"5000"),
        (b"9" * 400, 5.0, b"5000"),
    ],
)
def test_the_time_that_is_left_is_told_where_that_is_set(
    told: bytes | None, total_s: float | None, left: bytes
) -> None:
    network = MemoryNetwork(timeouts=Timeouts(total_s=total_s), deadline_field=b"X-Left-Ms")
    line = b"" if told is None else b"x-left-MS: " + told + b"\r\n"
    network.client().send(b"GET /x HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n")
    assert deadlines(network) == [b"x-left-ms: " + left]


def test_after_a_failed_connect_less_is_left() -> None:
    network = MemoryNetwork(2, timeouts=Timeouts(total_s=5.0, connect_s=2.0), deadline_field=b"X-Left-Ms")
    network.backend(0).hang()
    network.client().send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    network.wait(2)
    assert b"X-Left-Ms: 3000\r\n" in network.backend(1).received


# ---- the response ---------------------------------------------------------------------------------------------------


def answered(*fields: bytes, request: bytes = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n") -> list[bytes]:
    """The fields a client gets of a backend's."""
    network = MemoryNetwork()
    client = network.client()
    client.send(request)
    network.backend().answer(b"\r\n".join([b"HTTP/1.1 200 OK", *fields, b"Content-Length: 0", b"", b""]))
    return client.received.split(b"\r\n")[1:-2]


OURS = [b"Content-Length: 0", b"Date: Thu, 01 Jan 1970 00:00:00 GMT", b"Via: 1.1 gateway.test"]


def test_the_backends_fields_keep_order_case_and_duplicates() -> None:
    fields = [b"Set-Cookie: a", b"server: x", b"Set-Cookie: b", b"content-encoding: br", b"Via: 1.1 inner"]
    assert answered(*fields) == [*fields, *OURS]


def test_the_backends_date_is_kept() -> None:
    assert answered(b"date: then") == [b"date: then", OURS[0], OURS[2]]


@pytest.mark.parametrize(
    "fields",
    [
        [b"Connection: keep-alive", b"Keep-Alive: timeout=5"],
        [b"Connection: X-A", b"X-A: 1"],
        [b"Upgrade: h2c"],
        [b"Proxy-Authenticate: Basic"],
        [b"OpenPrequal-Load: rif=7"],
        [b"Endpoint-Load-Metrics: x"],
    ],
)
def test_these_fields_of_a_response_end_here(fields: list[bytes]) -> None:
    assert answered(*fields) == OURS


@pytest.mark.parametrize("line", [b"OpenPrequal-Load: rif=7", b"openprequal-load:rif=7", b"X-Prequal-Rif: 7"])
def test_a_load_report_is_heard_however_it_is_written(line: bytes) -> None:
    network = MemoryNetwork()
    for _ in range(2):
        client = network.client()
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        network.backend().answer(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + line + b"\r\n\r\n")
        report = network.members[0].report
        assert report is not None
        assert report.rif == 7.0
        network.members[0].report = None


def test_each_load_report_counts_though_the_rest_of_the_head_is_the_same() -> None:
    network = MemoryNetwork()
    client = network.client()
    for rif in (1, 2, 3):
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        network.backend().answer(b"HTTP/1.1 204 X\r\nDate: then\r\nOpenPrequal-Load: rif=%d\r\n\r\n" % rif)
        report = network.members[0].report
        assert report is not None
        assert report.rif == rif


def test_a_report_from_a_cache_counts_for_nothing() -> None:
    network = MemoryNetwork()
    network.client().send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
    network.backend().answer(b"HTTP/1.1 200 OK\r\nAge: 5\r\nOpenPrequal-Load: rif=7\r\nContent-Length: 0\r\n\r\n")
    assert network.members[0].report is None


def test_the_same_head_in_answer_to_another_method_is_framed_for_that() -> None:
    network = MemoryNetwork()
    client = network.client()
    head = b"HTTP/1.1 200 OK\r\nDate: then\r\nContent-Length: 2\r\n\r\n"
    for method, content in ((b"GET", b"ok"), (b"HEAD", b""), (b"GET", b"ok"), (b"HEAD", b"")):
        client.news()
        client.send(method + b" /x HTTP/1.1\r\nHost: a\r\n\r\n")
        network.backend().answer(head + content)
        assert client.news().partition(b"\r\n\r\n")[2] == content
        assert network.in_flight == 0
    assert network.backend().dialled == 1


def test_a_date_of_ours_is_of_now() -> None:
    network = MemoryNetwork()
    client = network.client()
    for second in (0, 1):
        client.news()
        client.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        network.backend().answer(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert b"Date: Thu, 01 Jan 1970 00:00:0%d GMT\r\n" % second in client.news()
        network.clock.advance(1)
