"""Compression and CORS from the settings, and sticky sessions: on all routes, on some, and while the gateway runs."""

from pathlib import Path
from typing import Any

import pytest
from decompressing import decompressed
from whole_gateway import OK, WholeGateway, status

from openprequal.testing.memory_transport import RawConnection

ORIGIN = b"https://app.test"
TEXT = b"A line of text, of which there are many.\n" * 100
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(TEXT), TEXT)
CORS = {"allow_origins": ["https://app.test"]}
ROUTES = [{"name": "plain", "path_prefix": "/plain", "compress": False, "cors": "no"}, {"name": "rest"}]


def asked(gateway: WholeGateway, path: bytes = b"/x", *fields: bytes, method: bytes = b"GET") -> RawConnection:
    """A new client that has asked for *path*."""
    client = gateway.client()
    client.send(b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: localhost", *fields, b"", b""]))
    gateway.wait(0)
    return client


def answered(gateway: WholeGateway, path: bytes = b"/x", *fields: bytes, answer: bytes = PAGE) -> bytes:
    """What a new client that asks for *path* gets, once the backends have answered."""
    client = asked(gateway, path, *fields)
    for backend in gateway.backends:
        backend.answer_all(answer)
    gateway.wait(0)
    return client.received


def fields_of(received: bytes) -> bytes:
    return received.partition(b"\r\n\r\n")[0]


def test_nothing_is_compressed_unless_that_is_wanted() -> None:
    assert answered(WholeGateway(), b"/x", b"Accept-Encoding: gzip").endswith(TEXT)


def test_compress_counts_for_everything() -> None:
    received = answered(WholeGateway(compress=True), b"/x", b"Accept-Encoding: gzip, br")
    assert b"\r\nContent-Encoding: br\r\n" in received
    assert decompressed(b"br", received.partition(b"\r\n\r\n")[2]) == TEXT


def test_a_route_may_say_otherwise() -> None:
    gateway = WholeGateway(compress=True, routes=ROUTES)
    assert answered(gateway, b"/plain/x", b"Accept-Encoding: gzip").endswith(TEXT)
    assert b"Content-Encoding: gzip" in answered(gateway, b"/x", b"Accept-Encoding: gzip")


def test_one_route_may_compress_where_the_others_do_not() -> None:
    gateway = WholeGateway(routes=[{"name": "small", "path_prefix": "/small", "compress": True}, {"name": "rest"}])
    assert b"Content-Encoding: gzip" in answered(gateway, b"/small", b"Accept-Encoding: gzip")
    assert b"Content-Encoding" not in answered(gateway, b"/x", b"Accept-Encoding: gzip")


def test_the_table_says_how() -> None:
    gateway = WholeGateway(compress=True, compression={"codings": ["gzip"], "min_bytes": 10_000})
    assert answered(gateway, b"/x", b"Accept-Encoding: gzip, br").endswith(TEXT)
    assert gateway.reload(compress=True, compression={"codings": ["gzip"]})[0] == 200
    assert b"Content-Encoding: gzip" in answered(gateway, b"/x", b"Accept-Encoding: gzip, br")


@pytest.mark.parametrize("settings", [{}, {"routes": ROUTES}])
def test_the_default_table_of_cors_counts_for_everything(settings: dict[str, Any]) -> None:
    gateway = WholeGateway(cors={"default": CORS}, **settings)
    assert b"\r\nAccess-Control-Allow-Origin: " + ORIGIN in answered(gateway, b"/x", b"Origin: " + ORIGIN)
    preflight = asked(gateway, b"/x", b"Origin: " + ORIGIN, b"Access-Control-Request-Method: PUT", method=b"OPTIONS")
    assert status(preflight) == 204
    assert b"\r\nAccess-Control-Allow-Origin: " + ORIGIN in preflight.received


def test_a_route_may_want_none_of_it() -> None:
    gateway = WholeGateway(cors={"default": CORS}, routes=ROUTES)
    assert b"Access-Control" not in answered(gateway, b"/plain", b"Origin: " + ORIGIN)


def test_a_route_may_have_a_table_of_its_own() -> None:
    gateway = WholeGateway(
        cors={"open": {"allow_origins": ["*"]}},
        routes=[{"name": "open", "path": "/open", "cors": "open"}, {"name": "rest"}],
    )
    assert b"\r\nAccess-Control-Allow-Origin: *\r\n" in answered(gateway, b"/open", b"Origin: " + ORIGIN)
    assert b"Access-Control" not in answered(gateway, b"/x", b"Origin: " + ORIGIN)


def test_what_the_gateway_answers_by_itself_says_it_too() -> None:
    gateway = WholeGateway(
        cors={"default": CORS}, routes=[{"name": "here", "path": "/here", "respond": {"body": "hi"}}]
    )
    received = asked(gateway, b"/here", b"Origin: " + ORIGIN).received
    assert b"\r\nAccess-Control-Allow-Origin: " + ORIGIN in received
    assert received.endswith(b"\r\n\r\nhi")


def test_so_does_the_answer_where_no_route_is() -> None:
    gateway = WholeGateway(cors={"default": CORS}, routes=[{"name": "here", "path": "/here"}])
    missing = asked(gateway, b"/elsewhere", b"Origin: " + ORIGIN)
    assert status(missing) == 404
    assert b"\r\nAccess-Control-Allow-Origin: " + ORIGIN in missing.received


def test_preflights_come_before_the_hooks() -> None:
    gateway = WholeGateway(cors={"default": CORS}, custom_request_hook="test_response_settings.refusing")
    preflight = asked(gateway, b"/x", b"Origin: " + ORIGIN, b"Access-Control-Request-Method: PUT", method=b"OPTIONS")
    assert status(preflight) == 204
    refused = asked(gateway, b"/x", b"Origin: " + ORIGIN)
    assert status(refused) == 500
    assert b"\r\nAccess-Control-Allow-Origin: " + ORIGIN in refused.received


def refusing(request: object) -> None:
    """A hook that lets nobody through."""
    raise RuntimeError("no")


def test_sessions_by_cookie_stay_with_their_backend() -> None:
    gateway = WholeGateway(3, sticky="cookie", load_balancer_class="RoundRobin")
    cookie = fields_of(answered(gateway, answer=OK)).partition(b"Set-Cookie: openprequal=")[2].partition(b";")[0]
    before = [row["picks"] for row in gateway.rows]
    for _ in range(4):
        assert b"Set-Cookie" not in answered(gateway, b"/x", b"Cookie: openprequal=" + cookie, answer=OK)
    assert sorted(now - was for was, now in zip(before, [row["picks"] for row in gateway.rows], strict=True)) == [
        0,
        0,
        4,
    ]


def test_sessions_by_client_need_no_cookie() -> None:
    gateway = WholeGateway(3, sticky="client", load_balancer_class="RoundRobin")
    for _ in range(4):
        assert b"Set-Cookie" not in answered(gateway, answer=OK)
    assert sorted(row["picks"] for row in gateway.rows) == [0, 0, 4]


def test_what_becomes_of_sessions_is_counted() -> None:
    gateway = WholeGateway(1, sticky="client")
    for _ in range(3):
        answered(gateway, answer=OK)
    metrics = asked(gateway, b"/metrics").received
    for session, count in ((b"new", 1), (b"kept", 2), (b"moved", 0)):
        line = b'openprequal_sticky_requests_total{service="default",session="%b"} %d.0\n' % (session, count)
        assert line in metrics


def test_each_service_has_its_own_cookie() -> None:
    gateway = WholeGateway(
        ["default", "shop"],
        sticky="cookie",
        services={"shop": {}},
        routes=[{"name": "shop", "path_prefix": "/shop", "service": "shop"}, {"name": "rest"}],
    )
    assert b"Set-Cookie: openprequal-shop=" in answered(gateway, b"/shop", answer=OK)
    assert b"Set-Cookie: openprequal=" in answered(gateway, b"/x", answer=OK)


def test_a_draining_backend_keeps_its_sessions() -> None:
    gateway = WholeGateway(2, sticky="client", load_balancer_class="RoundRobin")
    draining = b"HTTP/1.1 200 OK\r\nOpenPrequal-Load: rif=0, state=draining\r\nContent-Length: 0\r\n\r\n"
    answered(gateway, answer=draining)
    assert sorted(row["condition"] for row in gateway.rows) == ["draining", "up"]
    for _ in range(3):
        answered(gateway, answer=draining)
    assert sorted(row["picks"] for row in gateway.rows) == [0, 4]


def test_whether_sessions_are_sticky_cannot_change_while_the_gateway_runs() -> None:
    gateway = WholeGateway()
    code, problem = gateway.reload(services={"default": {"sticky": "client"}})
    assert code == 409
    assert "services.default.sticky" in problem["detail"]


@pytest.mark.parametrize("cors", [{}, {"default": CORS}])
def test_the_operators_pages_are_for_every_error_of_ours(cors: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "4xx.json").write_text('{"page": "{{ status }}"}')
    users = tmp_path.parent / f"{tmp_path.name}.users"
    users.write_text("")
    gateway = WholeGateway(
        error_pages=str(tmp_path),
        cors=cors,
        checks={"staff": {"kind": "basic", "users_file": str(users)}},
        routes=[
            {"name": "staff", "path": "/staff", "checks": ["staff"]},
            {"name": "few", "path": "/few", "rate_limits": [{"by": "all", "per_second": 0.01, "burst": 1}]},
        ],
    )
    asked(gateway, b"/few")
    for path, code in ((b"/staff", 401), (b"/few", 429), (b"/elsewhere", 404)):
        assert asked(gateway, path).received.endswith(b'{"page": "%d"}' % code)


def test_a_page_of_another_origin_may_read_why_it_was_refused(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("")
    gateway = WholeGateway(
        cors={"default": CORS}, checks={"staff": {"kind": "basic", "users_file": str(users)}}, default_checks=["staff"]
    )
    refused = asked(gateway, b"/x", b"Origin: " + ORIGIN).received
    assert refused.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nWWW-Authenticate: Basic" in refused
    assert b"\r\nAccess-Control-Allow-Origin: " + ORIGIN in refused
    assert refused.count(b"\r\nCache-Control: ") == 1
