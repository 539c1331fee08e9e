"""The gateway as a resource: in a stock Site, on a virtual clock, with backends in memory."""

import gc
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from decompressing import decompressed, unchunked
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import ITransport
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.web.resource import IResource, Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from witnessing import Remembering
from zope.interface import implementer

from openprequal.filters.codings import coders
from openprequal.filters.compression import CompressionRules, Places
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.response_filters import compressing
from openprequal.forwarding.route import Route, Timeouts
from openprequal.frontend.limits import Limits
from openprequal.frontend.proxy_resource import ProxyResource
from openprequal.frontend.site_client import PIECE
from openprequal.http1.request import RequestHead
from openprequal.testing.memory_transport import Ended, MemoryTransport, RawConnection
from openprequal.testing.network import CLIENT_HOST, EXPIRE_EVERY_S, GATEWAY, PSEUDONYM, MemoryNetwork

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
OLD_GET = b"GET /x HTTP/1.0\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: %d\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
PEER = IPv4Address("TCP", CLIENT_HOST, 40000)
LARGE = b"x" * (3 * PIECE + 1)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    """Failures that were logged, those of Deferreds too; whoever expects some takes them out."""
    failures: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            failures.append(event["log_failure"].getErrorMessage())

    globalLogPublisher.addObserver(observe)
    yield failures
    gc.collect()
    globalLogPublisher.removeObserver(observe)
    assert failures == []


class StockSite:
    """A stock Site with nothing in it but the gateway."""

    def __init__(
        self,
        admin: IResource | None = None,
        limits: Limits | None = None,
        root: Callable[[Resource], Resource] = lambda proxy: proxy,
        own_clock: Clock | None = None,
        **network: Any,
    ) -> None:
        """:param own_clock: of the resource alone, for what is to happen between its turns."""
        self.network = MemoryNetwork(**network)
        self.clock = self.network.clock
        self.refused: list[int] = []
        self.resource = ProxyResource(
            self.network.exchange,
            admin,
            limits or Limits(),
            clock=own_clock or self.clock,
            date=HttpDate(self.clock.seconds),
            refused=self.refused.append,
            witnesses=network.get("witnesses", ()),
        )
        self.site = Site(root(self.resource), parsePOSTFormSubmission=False, reactor=self.clock)
        self.backend = self.network.backend()

    def client(self, peer: IPv4Address | IPv6Address = PEER) -> RawConnection:
        protocol: Any = self.site.buildProtocol(peer)
        transport = MemoryTransport(self.clock, protocol, GATEWAY, peer)
        protocol.makeConnection(transport)
        return RawConnection(self.clock, transport)

    def wait(self, seconds: float) -> None:
        for _ in range(int(seconds / EXPIRE_EVERY_S)):
            self.clock.advance(EXPIRE_EVERY_S)
            self.resource.expire()
            self.clock.advance(0)

    def is_at_rest(self) -> bool:
        return not self.resource.connections and not self.resource.busy and not self.network.in_flight


def head(message: bytes) -> list[bytes]:
    return message.partition(b"\r\n\r\n")[0].split(b"\r\n")


def content(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


# ---- what passes ----------------------------------------------------------------------------------------------------


def test_a_request_is_proxied_and_settles_once() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    assert head(site.backend.received)[0] == b"GET /x HTTP/1.1"
    assert site.resource.busy == 1
    site.backend.answer(OK)
    assert content(client.received) == b"hello"
    assert site.network.settled == {("GET", "200"): 1}
    assert site.is_at_rest()


def test_what_became_of_each_request_is_told() -> None:
    witness = Remembering()
    site = StockSite(witnesses=(witness,))
    client = site.client()
    client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
    site.backend.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    client.send(b"TRACE /t HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")
    client.send(b"GET /y HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    told = [(each.request.method, each.status, each.request_bytes, each.response_bytes > 0) for each in witness.over]
    assert told == [(b"POST", 200, 5, True), (b"TRACE", 200, 0, True), (b"GET", 400, 0, True)]
    assert witness.begun == witness.over


def test_the_connection_goes_on_to_the_next_request() -> None:
    site = StockSite()
    client = site.client()
    for _ in range(2):
        client.send(GET)
        site.backend.answer(OK)
    assert client.received.count(b"hello") == 2
    assert site.backend.dialled == 1


def test_pipelined_requests_are_answered_in_order() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET + GET.replace(b"/x", b"/y"))
    site.backend.answer(OK.replace(b"hello", b"first"))
    site.backend.answer(OK.replace(b"hello", b"other"))
    assert client.received.index(b"first") < client.received.index(b"other")


def test_target_and_method_pass_byte_for_byte() -> None:
    site = StockSite()
    site.client().send(b"BREW //a/../%2F;b?q=%20& HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert head(site.backend.received)[0] == b"BREW //a/../%2F;b?q=%20& HTTP/1.1"


@pytest.mark.parametrize("peer", [PEER, IPv6Address("TCP", f"::ffff:{CLIENT_HOST}", 40000)])
def test_the_client_is_named_to_the_backend(peer: IPv4Address | IPv6Address) -> None:
    site = StockSite()
    site.client(peer).send(GET)
    assert b"X-Forwarded-For: " + CLIENT_HOST.encode() in head(site.backend.received)


def test_the_backends_server_and_date_stay_and_nothing_is_added() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(OK.replace(b"\r\n\r\n", b"\r\nServer: mine/1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"))
    fields = head(client.received)
    assert [field for field in fields if field.startswith(b"Server:")] == [b"Server: mine/1"]
    assert [field for field in fields if field.startswith(b"Date:")] == [b"Date: Thu, 01 Jan 1970 00:00:00 GMT"]
    assert not [field for field in fields if field.startswith(b"Content-Type:")]


def test_no_server_is_invented() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(OK)
    assert not [field for field in head(client.received) if field.startswith(b"Server:")]


def test_a_field_that_comes_twice_passes_twice() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"))
    assert [field for field in head(client.received) if field.startswith(b"Set-Cookie")] == [
        b"Set-Cookie: a=1",
        b"Set-Cookie: b=2",
    ]


def test_a_status_of_any_number_and_phrase_passes() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(b"HTTP/1.1 299 As You Like It\r\nContent-Length: 0\r\n\r\n")
    assert head(client.received)[0] == b"HTTP/1.1 299 As You Like It"


def test_the_answer_to_head_keeps_its_length_and_has_no_content() -> None:
    site = StockSite()
    client = site.client()
    client.send(b"HEAD" + GET[3:])
    site.backend.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert b"Content-Length: 5" in head(client.received)
    assert content(client.received) == b""
    assert site.is_at_rest()


def test_the_problem_in_answer_to_head_has_no_content() -> None:
    site = StockSite()
    site.backend.refuse()
    client = site.client()
    client.send(b"HEAD" + GET[3:])
    assert head(client.received)[0] == b"HTTP/1.1 502 Bad Gateway"
    assert content(client.received) == b""


def test_a_response_of_unknown_length_is_chunked() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert content(client.received) == b"5\r\nhello\r\n"
    site.backend.connection.close()
    assert content(client.received) == b"5\r\nhello\r\n0\r\n\r\n"


def test_1xx_and_trailers_are_dropped() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    site.backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert head(client.received)[0] == b"HTTP/1.1 200 OK"
    assert content(client.received) == b"5\r\nhello\r\n0\r\n\r\n"


def test_an_upgrade_is_stripped() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert b"websocket" not in site.backend.received
    site.backend.answer(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert head(client.received)[0] == b"HTTP/1.1 502 Bad Gateway"


def test_a_client_that_wants_to_close_is_closed_however_it_says_so() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET[:-2] + b"Connection: x\r\nConnection: close\r\n\r\n")
    site.backend.answer(OK)
    assert b"Connection: close" in head(client.received)
    assert client.ended is Ended.FINISHED


# ---- bodies ---------------------------------------------------------------------------------------------------------


def test_a_request_waits_for_its_whole_body() -> None:
    site = StockSite()
    client = site.client()
    client.send(POST % 5 + b"hel")
    assert site.backend.dialled == 0
    client.send(b"lo")
    assert content(site.backend.received) == b"hello"


def test_a_chunked_request_is_chunked_anew() -> None:
    site = StockSite()
    site.client().send(
        b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
    )
    assert content(site.backend.received) == b"5\r\nhello\r\n0\r\n\r\n"


def test_a_form_reaches_the_backend_as_it_was_sent() -> None:
    site = StockSite()
    form = b"a=1&b=%20"
    fields = b"Content-Type: application/x-www-form-urlencoded\r\n"
    site.client().send((POST % len(form))[:-2] + fields + b"\r\n" + form)
    assert content(site.backend.received) == form


def test_a_large_body_arrives_whole() -> None:
    site = StockSite()
    client = site.client()
    client.send(POST % len(LARGE))
    client.send(LARGE)
    site.clock.pump([0] * 10)
    assert content(site.backend.received) == LARGE
    site.backend.answer(OK)
    assert content(client.received) == b"hello"
    assert site.is_at_rest()


def spool(site: StockSite) -> BytesIO:
    """The file that the Site puts the next body in."""
    body = BytesIO()
    site.site.getContentFile = lambda length: body  # type: ignore[attr-defined]
    return body


def test_while_a_backend_is_being_connected_to_one_piece_of_a_body_waits() -> None:
    site = StockSite()
    site.backend.hang()
    body = spool(site)
    client = site.client()
    client.send(POST % len(LARGE))
    client.send(LARGE)
    site.clock.pump([0] * 10)
    assert body.tell() == PIECE


def test_a_backend_that_does_not_read_is_not_sent_the_rest_of_a_body() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(OK)
    site.backend.connection.stop_reading()
    body = spool(site)
    client.send(POST % len(LARGE))
    client.send(LARGE)
    site.clock.pump([0] * 10)
    assert body.tell() < len(LARGE)
    site.backend.connection.read_on()
    site.clock.pump([0] * 10)
    assert site.backend.received.endswith(LARGE)


def test_an_early_response_ends_the_request_whose_body_is_still_being_sent() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(OK)
    site.backend.connection.stop_reading()
    client.send(POST % len(LARGE))
    client.send(LARGE)
    site.backend.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    assert b"HTTP/1.1 403 Forbidden" in client.received
    site.clock.pump([0] * 10)
    assert site.is_at_rest()


def test_a_request_that_is_over_is_not_sent_any_more_of() -> None:
    clock = Clock()
    site = StockSite(own_clock=clock)
    client = site.client()
    client.send(POST % len(LARGE))
    client.send(LARGE)
    assert clock.getDelayedCalls()
    site.backend.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    assert site.is_at_rest()
    assert not clock.getDelayedCalls()


def test_a_request_that_is_answered_at_once_is_not_read_any_more_of() -> None:
    clock = Clock()
    site = StockSite(own_clock=clock)
    client = site.client()
    client.send((POST % len(LARGE))[:-2] + b"Via: 1.1 " + PSEUDONYM + b"\r\n\r\n")
    client.send(LARGE)
    assert client.received.startswith(b"HTTP/1.1 508")
    assert not clock.getDelayedCalls()


def test_a_client_that_does_not_read_pauses_the_backend() -> None:
    site = StockSite()
    client = site.client()
    client.stop_reading()
    client.send(GET)
    site.backend.answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(LARGE)))
    for _ in range(2):
        site.backend.answer(LARGE)
    site.clock.pump([0] * 10)
    assert site.backend.connection.unread > 0
    client.read_on()
    site.clock.pump([0] * 50)
    assert content(client.received) == 2 * LARGE
    assert site.is_at_rest()


# ---- ends -----------------------------------------------------------------------------------------------------------


def test_without_a_backend_it_is_a_problem_document_and_the_connection_stays() -> None:
    site = StockSite()
    site.backend.refuse()
    client = site.client()
    client.send(GET)
    assert head(client.received)[0] == b"HTTP/1.1 502 Bad Gateway"
    assert b"Content-Type: application/problem+json" in head(client.received)
    assert client.ended is None
    assert site.is_at_rest()


@pytest.mark.parametrize("phase", ["before the head", "within the content"])
def test_a_client_that_goes_frees_the_backend_at_once(phase: str) -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    if phase == "within the content":
        site.backend.answer(OK[:-1])
    client.close()
    assert site.is_at_rest()
    assert site.backend.connection.ended is not None
    assert sum(site.network.settled.values()) == 1


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_a_truncated_response_is_truncated_for_the_client_too(start: bytes) -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.backend.answer(start)
    site.backend.connection.close()
    assert b"hello" in client.received
    assert b"0\r\n\r\n" not in client.received
    assert client.ended is not None
    assert site.is_at_rest()


def test_a_truncated_response_resets_a_client_that_would_take_closing_for_its_end() -> None:
    site = StockSite()
    client = site.client()
    client.send(OLD_GET)
    site.backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    site.backend.connection.close()
    assert client.ended is Ended.RESET
    assert site.is_at_rest()


def test_a_client_that_does_not_read_a_truncated_response_is_reset_in_the_end() -> None:
    site = StockSite()
    client = site.client()
    client.stop_reading()
    client.send(GET)
    site.backend.answer(OK[:-1])
    site.backend.connection.close()
    assert client.ended is None
    assert not site.resource.busy
    site.wait(3)
    assert client.ended is Ended.RESET
    assert site.is_at_rest()


def test_a_backend_that_is_too_slow_is_504() -> None:
    site = StockSite(timeouts=Timeouts(response_s=10.0))
    client = site.client()
    client.send(GET)
    site.wait(9)
    assert not client.received
    site.wait(2)
    assert head(client.received)[0] == b"HTTP/1.1 504 Gateway Timeout"
    assert site.is_at_rest()


def test_an_exception_leaves_nothing_behind(logged: list[str]) -> None:
    site = StockSite()
    site.network.service.pick = None  # type: ignore[assignment]
    client = site.client()
    client.send(GET)
    assert head(client.received)[0] == b"HTTP/1.1 500 Internal Server Error"
    assert not site.resource.connections
    assert "not callable" in logged.pop(0)
    logged.clear()


def test_after_drain_each_response_ends_its_connection() -> None:
    site = StockSite()
    client = site.client()
    site.resource.drain()
    client.send(GET)
    site.backend.answer(OK)
    assert b"Connection: close" in head(client.received)
    assert client.ended is Ended.FINISHED


def test_shutting_down_is_503_before_a_response() -> None:
    site = StockSite()
    client = site.client()
    client.send(GET)
    site.resource.shut_down()
    assert head(client.received)[0] == b"HTTP/1.1 503 Service Unavailable"
    assert site.is_at_rest()


# ---- refused, or answered here --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"GET /x HTTP/1.1\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: a.test\r\nX: \x01\r\n\r\n", 400),
        (b"GET /x#y HTTP/1.1\r\nHost: a.test\r\n\r\n", 400),
        (b"GET /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a.test\r\n\r\n", 414),
        (b"GET /x HTTP/1.1\r\nHost: a.test\r\n" + b"X: 1\r\n" * 101 + b"\r\n", 431),
        (POST % 101 + b"x" * 101, 413),
    ],
    ids=["no host", "two hosts", "control character", "fragment", "coding", "line", "fields", "body"],
)
def test_what_a_site_takes_and_we_do_not_is_refused_and_closed(message: bytes, status: int) -> None:
    site = StockSite(limits=Limits(body_bytes=100))
    client = site.client()
    client.send(message + GET)
    assert client.received.startswith(b"HTTP/1.1 %d" % status)
    assert client.received.count(b"HTTP/1.1 ") == 1
    assert client.ended is Ended.FINISHED
    assert site.refused == [status]
    assert site.backend.dialled == 0
    assert site.is_at_rest()


def test_connect_is_refused() -> None:
    site = StockSite()
    client = site.client()
    client.send(b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert client.received.startswith(b"HTTP/1.1 501")
    assert site.backend.dialled == 0


class Admin(Resource):
    """Says which path it was asked for, as Klein takes it."""

    isLeaf = True

    def render(self, request: Request) -> int:
        request.write(b"admin %b %b" % (b"/".join(request.prepath), b"/".join(request.postpath)))
        request.finish()
        return NOT_DONE_YET


class Root(Resource):
    """Sends everything to the proxy, one segment further down."""

    def __init__(self, proxy: Resource) -> None:
        super().__init__()
        self.proxy = proxy

    def getChild(self, path: bytes, request: Request) -> Resource:
        return self.proxy


@pytest.mark.parametrize("root", [lambda proxy: proxy, Root], ids=["at the root", "behind another resource"])
def test_reserved_paths_are_answered_by_the_admin_resource(root: Callable[[Resource], Resource]) -> None:
    site = StockSite(admin=Admin(), root=root)
    client = site.client()
    client.send(GET.replace(b"/x", b"/backends"))
    assert b"admin  backends" in client.received
    assert site.backend.dialled == 0


@pytest.mark.parametrize("path", [b"/backends/", b"//backends", b"/x"])
def test_what_only_resembles_them_is_proxied(path: bytes) -> None:
    site = StockSite(admin=Admin(), root=Root)
    site.client().send(GET.replace(b"/x", path))
    assert head(site.backend.received)[0] == b"GET " + path + b" HTTP/1.1"


# ---- a stream of HTTP/2, as twisted.web hands it on -----------------------------------------------------------------


class Stream:
    """The channel of one request of HTTP/2: no transport of its own, and reset by itself."""

    transport: ITransport | None = None

    def __init__(self, site: Site) -> None:
        self.site = self.factory = site
        self.written = b""
        self.aborted = False
        self.done = False

    def getPeer(self) -> IPv4Address:
        return PEER

    getHost = getPeer

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: object) -> None:
        self.headers = headers

    def write(self, data: bytes) -> None:
        self.written += data

    def registerProducer(self, producer: object, streaming: bool) -> None:
        pass

    def unregisterProducer(self) -> None:
        pass

    def requestDone(self, request: object) -> None:
        self.done = True

    def abortConnection(self) -> None:
        self.aborted = True


def stream(site: StockSite, body: bytes = b"") -> Stream:
    channel = Stream(site.site)
    request = Request(channel)
    request.requestHeaders.addRawHeader(b"host", b"a.test")
    request.gotLength(None)
    request.handleContentChunk(body)
    request.requestReceived(b"POST", b"/x", b"HTTP/2")
    site.clock.advance(0)
    return channel


def test_a_body_that_http_2_framed_gets_a_length() -> None:
    site = StockSite()
    channel = stream(site, b"hello")
    assert b"Content-Length: 5" in head(site.backend.received)
    site.backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    assert channel.written == b"hello"
    assert channel.done


def test_a_truncated_response_resets_its_stream() -> None:
    site = StockSite()
    channel = stream(site)
    site.backend.answer(OK[:-1])
    site.backend.connection.close()
    assert channel.aborted
    assert not channel.done


TEXT = b"A line of text, of which there are many.\n" * 100
TEXT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/css\r\nContent-Length: %d\r\n\r\n" % len(TEXT)
COMPRESSED = CompressionRules(coders(("gzip",), {}), Places(4))


def through_a_compressor(route: Route, client: Downstream, request: RequestHead) -> Exchange:
    return compressing(partial(Exchange, route), COMPRESSED)(client, request)


@pytest.mark.parametrize("cut", [len(TEXT_HEAD), len(TEXT_HEAD) + len(TEXT)])
def test_a_compressed_response_is_framed_by_the_site(cut: int) -> None:
    site = StockSite(make_exchange=through_a_compressor)
    client = site.client()
    client.send(GET[:-2] + b"Accept-Encoding: gzip\r\n\r\n")
    site.backend.answer(TEXT_HEAD + TEXT, cuts=[cut])
    body = content(client.received)
    if b"Transfer-Encoding: chunked" in head(client.received):
        body = unchunked(body)
    assert decompressed(b"gzip", body) == TEXT
    assert site.is_at_rest()


def test_a_response_to_head_says_that_it_would_be_compressed() -> None:
    site = StockSite(make_exchange=through_a_compressor)
    client = site.client()
    client.send(b"HEAD" + GET[3:-2] + b"Accept-Encoding: gzip\r\n\r\n")
    site.backend.answer(TEXT_HEAD)
    assert b"Content-Encoding: gzip" in head(client.received)
    assert content(client.received) == b""
