"""What routes make of requests in the whole gateway: where they go, how they change, and who else hears of them."""

from collections.abc import Callable
from typing import Any

import pytest
from whole_gateway import OK, WholeGateway, answer, status

from openprequal.interfaces import HookAnswer, IHookRequest, IHookResponse, IRequest
from openprequal.testing.memory_transport import Ended, RawConnection

SERVICES: dict[str, dict[str, Any]] = {"api": {}, "web": {}}


class Routed:
    """A gateway whose first backend serves ``api``, the second ``web``, after all that was said at the start."""

    def __init__(self, *routes: dict[str, Any], **settings: Any) -> None:
        self.routes = list(routes)
        self.whole = WholeGateway(["api", "web"], services=SERVICES, routes=self.routes, **settings)
        self._heard = [self.heard_in_all(0), self.heard_in_all(1)]

    def ask(self, request: bytes, client: RawConnection | None = None) -> RawConnection:
        """*client*, or a new one, after it has sent *request*."""
        client = client or self.whole.client()
        client.send(request)
        self.whole.wait(0)
        return client

    def get(self, target: str, host: str = "a.example") -> RawConnection:
        return self.ask(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    def heard_in_all(self, number: int) -> bytes:
        return b"".join(connection.received for connection in self.whole.backends[number].connections)

    def heard(self, number: int) -> bytes:
        """What that backend has been sent since the start."""
        return self.heard_in_all(number)[len(self._heard[number]) :]

    def answer(self, number: int, data: bytes = OK) -> None:
        self.whole.backends[number].connections[-1].send(data)
        self.whole.wait(0)

    def metric(self, name: str) -> list[str]:
        """The samples of that family."""
        page = self.whole.get("/metrics")
        self.whole.wait(0.5)
        return [line for line in page.received.decode().splitlines() if line.startswith(name)]

    @property
    def in_flight(self) -> int:
        return sum(row["in_flight"] for row in self.whole.rows)


API = {"name": "api", "path_prefix": "/api", "service": "api"}
WEB = {"name": "web", "service": "web"}


def test_each_route_leads_to_its_service() -> None:
    case = Routed(API, WEB)
    case.get("/api/x")
    case.get("/x")
    assert case.heard(0).startswith(b"GET /api/x HTTP/1.1\r\n")
    assert case.heard(1).startswith(b"GET /x HTTP/1.1\r\n")


def test_the_same_bytes_again_take_the_same_route() -> None:
    case = Routed(API, WEB)
    client = case.get("/api/x")
    for _ in range(3):
        case.answer(0)
        case.ask(b"GET /api/x HTTP/1.1\r\nHost: a.example\r\n\r\n", client)
    assert case.heard(0).count(b"GET /api/x ") == 4
    assert case.heard(1) == b""


def test_a_request_that_no_route_takes_is_answered_404_and_the_connection_goes_on() -> None:
    case = Routed(API)
    client = case.get("/secret")
    assert b'{"type": "about:blank", "title": "Not found", "status": 404}' in client.received
    case.ask(b"GET /api HTTP/1.1\r\nHost: a.example\r\n\r\n", client)
    assert case.heard(0).startswith(b"GET /api ")


def test_requests_are_counted_by_route_and_service() -> None:
    case = Routed(API, WEB)
    case.get("/api")
    case.answer(0)
    case.get("/api")
    case.answer(0, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    case.get("/x%2f../y")
    assert case.metric("openprequal_route_requests_total") == [
        'openprequal_route_requests_total{code="200",route="api",service="api"} 1.0',
        'openprequal_route_requests_total{code="404",route="api",service="api"} 1.0',
        'openprequal_route_requests_total{code="400",route="-",service="-"} 1.0',
    ]


@pytest.mark.parametrize(
    ("route", "target", "sent"),
    [
        ({"path_prefix": "/api", "strip_prefix": True}, "/api/x?q=/api", "/x?q=/api"),
        ({"path_prefix": "/api", "strip_prefix": True}, "/api", "/"),
        ({"path_prefix": "/api", "strip_prefix": True}, "/api?q", "/?q"),
        ({"path_prefix": "/api", "strip_prefix": True}, "//api//x//y/", "/x//y/"),
        ({"path_prefix": "/api", "strip_prefix": True}, "/api/%2e%2e/api/%61", "/a"),
        ({"path_prefix": "/a/b", "strip_prefix": True}, "/a/b/c/d", "/c/d"),
        ({"path_prefix": "/", "strip_prefix": True}, "/api/x", "/api/x"),
        ({"path_prefix": "/api", "rewrite": "/v2{rest}"}, "/api/x/y?z", "/v2/x/y?z"),
        ({"path_prefix": "/api", "rewrite": "/v2{rest}"}, "/api", "/v2"),
        ({"path_prefix": "/api", "rewrite": "{path}/index"}, "/api/x", "/api/x/index"),
        ({"path_pattern": "/u/{id}/{more...}", "rewrite": "/{more}/of/{id}"}, "/u/7/a/b%2Fc", "/a/b%2Fc/of/7"),
        ({"path": "/old", "rewrite": "/new"}, "/old?x", "/new?x"),
        # What is decided about is what is sent.
        ({"path_prefix": "/api"}, "/x/../api/%7Eme?q=/../%7e", "/api/~me?q=/../%7e"),
        ({"path_prefix": "/api"}, "/api//x/%2f", "/api//x/%2F"),
    ],
)
def test_the_backend_is_asked_for_what_the_route_makes_of_the_path(
    route: dict[str, Any], target: str, sent: str
) -> None:
    case = Routed({"name": "r", "service": "api", **route})
    case.get(target)
    assert case.heard(0).startswith(f"GET {sent} HTTP/1.1\r\n".encode())


def test_without_routes_nothing_of_the_path_changes() -> None:
    whole = WholeGateway(1)
    whole.get("/x/../%61/..%2f")
    assert b"\r\n\r\nGET /x/../%61/..%2f HTTP/1.1\r\n" in whole.backend.received


def test_fields_are_changed_in_both_directions() -> None:
    case = Routed(
        {
            **API,
            "request_headers": {
                "set": {"X-Who": "{client_ip} at {host}"},
                "add": {"X-More": "2"},
                "remove": ["cookie"],
            },
            "response_headers": {"set": {"Server": "us"}, "remove": ["X-Internal"]},
        }
    )
    client = case.ask(
        b"GET /api HTTP/1.1\r\nHost: a.example:80\r\nCookie: s\r\nx-who: me\r\nX-More: 1\r\nCOOKIE: t\r\n\r\n"
    )
    heard = case.heard(0)
    assert b"X-Who: 127.0.0.1 at a.example\r\n" in heard
    assert b"X-More: 1\r\n" in heard
    assert b"X-More: 2\r\n" in heard
    assert b"ookie" not in heard.lower()
    assert b"x-who: me" not in heard
    case.answer(0, b"HTTP/1.1 200 OK\r\nServer: x/1\r\nX-Internal: 7\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n")
    assert b"Server: us\r\n" in client.received
    assert b"X-Kept: 1\r\n" in client.received
    assert b"x/1" not in client.received
    assert b"X-Internal" not in client.received


def test_the_same_answer_on_another_route_is_not_changed() -> None:
    case = Routed({**API, "response_headers": {"set": {"X-Route": "api"}}}, {**WEB, "service": "api"})
    told = OK.replace(b"\r\n\r\n", b"\r\nDate: Mon, 23 Nov 2026 08:00:00 GMT\r\n\r\n")
    answers = []
    for target in ("/api", "/x", "/api"):
        client = case.get(target)
        case.answer(0, told)
        answers.append(b"X-Route: api" in client.received)
    assert answers == [True, False, True]


def test_a_route_says_which_host_its_backends_see() -> None:
    case = Routed({**API, "host_header": "backend"}, WEB)
    case.get("/api")
    case.get("/x")
    assert b"Host: 203.0.113.1:8001\r\n" in case.heard(0)
    assert b"Host: a.example\r\n" in case.heard(1)


@pytest.mark.parametrize(
    ("to", "target", "location"),
    [
        ("https://{host}{path}{query}", "/old/x?a=b", "https://a.example/old/x?a=b"),
        ("https://new.example/moved{rest}", "/old/x?a=b", "https://new.example/moved/x"),
        ("/new{rest}", "/old", "/new"),
        ("{path}/", "//evil.example/old/../../old", "/old/"),
        ("/{rest}", "/old//evil.example", "/evil.example"),
        ("/{rest}", "/old/\\evil.example", "/%5Cevil.example"),
        ("{path}{query}", "/old/é?<script>", "/old/%C3%A9?%3Cscript%3E"),
        ("https://{host}:8443{path}", "/old", "https://a.example:8443/old"),
    ],
)
def test_a_redirect_leads_where_the_route_says_and_nowhere_else(to: str, target: str, location: str) -> None:
    case = Routed({"name": "old", "path_prefix": "/old", "redirect": {"to": to, "status": 301}})
    client = case.get(target, "a.example:8000")
    assert status(client) == 301
    assert f"\r\nLocation: {location}\r\n".encode() in client.received
    assert client.received.endswith(b"Content-Length: 0\r\n\r\n")


def test_a_redirect_to_a_host_that_was_not_named_is_a_bad_request() -> None:
    case = Routed({"name": "r", "redirect": {"to": "https://{host}{path}"}})
    assert status(case.ask(b"GET / HTTP/1.0\r\n\r\n")) == 400


def test_a_fixed_answer_has_its_fields_and_no_content_for_head() -> None:
    down = {"status": 503, "body": "<h1>Back at 9</h1>", "content_type": "text/html"}
    case = Routed({"name": "down", "respond": down, "response_headers": {"set": {"Retry-After": "60"}}})
    client = case.ask(b"HEAD /x HTTP/1.1\r\nHost: a.example\r\n\r\nGET /y HTTP/1.1\r\nHost: a.example\r\n\r\n")
    head, _, rest = client.received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: 60\r\n" in head
    assert b"\r\nContent-Type: text/html\r\n" in head
    assert b"\r\nContent-Length: 18" in head
    assert rest.startswith(b"HTTP/1.1 503 ")
    assert rest.endswith(b"\r\n\r\n<h1>Back at 9</h1>")


def test_a_body_that_nobody_wants_is_read_so_that_the_connection_goes_on() -> None:
    case = Routed({"name": "r", "path": "/r", "redirect": {"to": "/x"}}, WEB)
    client = case.ask(b"POST /r HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nabc")
    assert client.received == b""
    case.ask(b"defGET /x HTTP/1.1\r\nHost: a.example\r\n\r\n", client)
    assert status(client) == 308
    assert b"Connection: close" not in client.received
    assert case.heard(1).startswith(b"GET /x ")


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /r HTTP/1.1\r\nHost: a.example\r\nContent-Length: 100000\r\n\r\nabc",
        b"POST /r HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n",
        b"POST /r HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + b"x" * 70000,
    ],
)
def test_a_body_that_is_long_or_waits_for_us_is_not_waited_for(request_head: bytes) -> None:
    case = Routed({"name": "r", "path": "/r", "redirect": {"to": "/x"}})
    client = case.ask(request_head)
    assert status(client) == 308
    assert b"Connection: close\r\n" in client.received


def test_a_body_that_stops_on_its_way_is_given_up() -> None:
    case = Routed({"name": "r", "path": "/r", "redirect": {"to": "/x"}}, stall_timeout_seconds=5)
    client = case.ask(b"POST /r HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nabc")
    case.whole.wait(6)
    assert status(client) == 408


def test_a_client_that_goes_before_its_fixed_answer_is_counted_once() -> None:
    case = Routed({"name": "r", "path": "/r", "redirect": {"to": "/x"}})
    client = case.ask(b"POST /r HTTP/1.1\r\nHost: a.example\r\nContent-Length: 6\r\n\r\nabc")
    client.close()
    case.whole.wait(0)
    assert case.metric("openprequal_route_requests_total{") == [
        'openprequal_route_requests_total{code="499",route="r",service="-"} 1.0'
    ]


def test_each_route_has_its_own_time_out() -> None:
    case = Routed({**API, "response_timeout_seconds": 2}, WEB)
    quick, slow = case.get("/api"), case.get("/x")
    case.whole.wait(3)
    assert status(quick) == 504
    assert slow.received == b""


def test_each_route_has_its_own_retries() -> None:
    whole = WholeGateway(
        2,
        load_balancer_class="round_robin",
        routes=[{"name": "patient", "path": "/patient", "retry_statuses": "503"}, {"name": "all"}],
    )
    busy = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    once, twice = whole.get("/x"), whole.get("/patient")
    for backend in whole.backends:
        backend.answer_all(busy)
    whole.wait(0)
    assert status(once) == 503
    assert twice.received == b""


def test_a_request_stays_in_the_service_that_was_drawn_for_it() -> None:
    case = Routed({"name": "all", "services": {"api": 1, "web": 1}})
    case.whole.backends[0].accepts = False
    case.whole.backends[0].connections[-1].close()
    case.whole.wait(0)
    statuses = []
    for _ in range(20):
        client = case.get("/x")
        case.whole.backends[1].answer_all()
        case.whole.wait(0)
        statuses.append(status(client))
    assert {200, 502} <= set(statuses) <= {200, 502, 503}  # 503: it was found to be down
    assert case.heard(1).count(b"GET /x ") == statuses.count(200)


def test_a_reload_swaps_all_routes_at_once_and_leaves_what_is_under_way_alone() -> None:
    case = Routed(API, WEB)
    under_way = case.get("/api/x")
    kept = case.ask(b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n")
    case.answer(1)
    gone = {"name": "gone", "path_prefix": "/api", "respond": {"status": 410}}
    assert case.whole.reload(services=SERVICES, routes=[gone, {**WEB, "service": "api"}])[0] == 200
    assert status(case.get("/api/x")) == 410
    before = case.heard(0)
    case.ask(b"GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n", kept)
    assert b"GET /x " in case.heard(0)[len(before) :]
    for backend in case.whole.backends[:1]:
        backend.answer_all()
    case.whole.wait(0)
    assert status(under_way) == 200


def test_a_reload_may_bring_a_route_and_its_service_together() -> None:
    case = Routed(API)
    services = {**SERVICES, "new": {}}
    assert case.whole.reload(services=services, routes=[{"name": "new", "service": "new"}])[0] == 200
    assert status(case.get("/x")) == 503


def test_a_reload_with_a_route_that_cannot_be_used_changes_nothing() -> None:
    case = Routed(API)
    code, document = case.whole.reload(services=SERVICES, routes=[{**API, "rewrite": "/{nothing}"}])
    assert code == 422
    assert "routes.api.rewrite: {nothing} stands for nothing here" in document["detail"]
    case.get("/api")
    assert case.heard(0).startswith(b"GET /api ")


def test_the_table_is_shown_in_the_order_of_precedence() -> None:
    old = {"name": "old", "hosts": ["a.example", "*.b.example"], "redirect": {"to": "/new"}, "methods": ["GET"]}
    case = Routed(WEB, API, old)
    rows = answer(case.whole.get("/_openprequal/routes"))[1]["routes"]
    assert [(row["route"], row["host"], row["path"]) for row in rows] == [
        ("old", "a.example", None),
        ("old", "*.b.example", None),
        ("api", None, "/api/*"),
        ("web", None, None),
    ]
    assert rows[0]["conditions"] == ["method GET"]
    assert (rows[0]["redirect"], rows[2]["services"]) == ("/new", {"api": 1.0})
    assert case.whole.reload(services=SERVICES, routes=[API])[0] == 200
    assert len(answer(case.whole.get("/_openprequal/routes"))[1]["routes"]) == 1


# ---- copies for another service -------------------------------------------------------------------------------------

MIRRORED = {"name": "all", "service": "api", "mirror": {"service": "web"}}
POST = b"POST /x?y HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello"


def test_a_copy_of_the_request_goes_to_the_mirror_and_its_answer_nowhere() -> None:
    case = Routed(MIRRORED)
    client = case.ask(POST)
    for number in (0, 1):
        assert case.heard(number).startswith(b"POST /x?y HTTP/1.1\r\nHost: a.example\r\n")
        assert case.heard(number).endswith(b"\r\n\r\nhello")
    case.answer(1, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nmirror")
    assert client.received == b""
    case.answer(0)
    assert client.received.endswith(b"\r\n\r\nhello")
    assert b"mirror" not in client.received
    assert case.in_flight == 0


def test_a_body_in_pieces_is_copied_when_it_is_whole() -> None:
    case = Routed(MIRRORED)
    client = case.ask(b"POST /x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert case.heard(1) == b""
    case.ask(b"3\r\ndef\r\n0\r\n\r\n", client)
    assert case.heard(1).endswith(b"\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "mishap",
    [
        lambda case: case.answer(1, b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
        lambda case: case.answer(1, b"what?\r\n\r\n"),
        lambda case: case.whole.backends[1].connections[-1].close(),
        lambda case: case.whole.wait(61),
    ],
    ids=["fails", "not HTTP", "breaks", "silent"],
)
def test_whatever_becomes_of_the_copy_the_client_does_not_notice(mishap: Callable[[Routed], None]) -> None:
    case = Routed(MIRRORED, response_timeout_seconds=60)
    client = case.ask(POST)
    case.answer(0)
    mishap(case)
    case.whole.wait(1)
    assert status(client) == 200
    assert client.ended is None or client.ended is Ended.FINISHED
    assert case.in_flight == 0


def test_neither_service_of_a_route_sees_the_cookie_of_the_others_sessions() -> None:
    case = Routed(MIRRORED, sticky="cookie")
    case.ask(b"GET /x HTTP/1.1\r\nHost: a.example\r\nCookie: openprequal-api=1; a=b; openprequal-web=2\r\n\r\n")
    assert b"\r\nCookie: a=b\r\n" in case.heard(0)
    assert b"\r\nCookie: a=b\r\n" in case.heard(1)


def test_a_client_that_goes_takes_no_copy_with_it() -> None:
    case = Routed(MIRRORED)
    case.get("/x").close()
    case.whole.wait(0)
    assert case.in_flight == 1
    case.answer(1)
    assert case.in_flight == 0


def test_what_is_too_large_to_be_kept_is_not_copied_but_counted() -> None:
    case = Routed(MIRRORED, retry_body_max_bytes=4)
    case.ask(POST)
    assert case.heard(0).endswith(b"hello")
    assert case.heard(1) == b""
    assert 'openprequal_mirrored_requests_total{result="too_large"} 1.0' in case.metric("openprequal_mirrored")


def test_a_mirror_that_does_not_answer_gets_no_more_than_so_many_copies() -> None:
    case = Routed(MIRRORED)
    for _ in range(300):
        case.get("/x")
    assert case.heard(1).count(b"GET /x ") == 256
    assert 'openprequal_mirrored_requests_total{result="dropped"} 44.0' in case.metric("openprequal_mirrored")


def test_a_tunnel_is_not_mirrored() -> None:
    case = Routed(MIRRORED)
    case.ask(b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert b"Upgrade: websocket" in case.heard(0)
    assert case.heard(1) == b""


def test_a_share_of_the_requests_is_copied() -> None:
    case = Routed({**MIRRORED, "mirror": {"service": "web", "share": 0.25}})
    for _ in range(200):
        client = case.get("/x")
        for backend in case.whole.backends:
            backend.answer_all()
        case.whole.wait(0)
        client.close()
    assert 20 < case.heard(1).count(b"GET /x ") < 85


def test_no_copy_outlives_the_gateway() -> None:
    case = Routed(MIRRORED)
    case.get("/x")
    case.answer(0)
    case.whole.end()
    assert case.whole.stopped
    assert case.whole.backends[1].connections[-1].ended is not None


# ---- hooks of a route -----------------------------------------------------------------------------------------------


def refuse(request: IHookRequest) -> None:
    raise HookAnswer(403, b"not you")


def sign(request: IRequest, response: IHookResponse) -> None:
    response.fields.append((b"X-Signed", request.target))


def test_a_routes_hooks_stand_in_the_way_of_its_requests_only() -> None:
    case = Routed({**API, "request_hook": f"{__name__}.refuse"}, {**WEB, "response_hook": f"{__name__}.sign"})
    assert status(case.get("/api")) == 403
    client = case.get("/x?y")
    case.answer(1)
    assert b"X-Signed: /x?y\r\n" in client.received
    assert case.heard(0) == b""


def test_hooks_see_the_request_as_the_route_has_changed_it() -> None:
    case = Routed(
        {
            **API,
            "strip_prefix": True,
            "response_hook": f"{__name__}.sign",
            "request_headers": {"set": {"X-A": "1"}},
        }
    )
    client = case.get("/api/x")
    assert case.heard(0).startswith(b"GET /x HTTP/1.1\r\n")
    assert case.heard(0).count(b"X-A: 1\r\n") == 1
    case.answer(0)
    assert b"X-Signed: /x\r\n" in client.received
