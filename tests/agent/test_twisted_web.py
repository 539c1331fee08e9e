"""A wrapped twisted.web resource, spoken to in bytes over an in-memory transport."""

from typing import Any

import pytest
from klein import Klein
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from openprequal.agent.latency import ENOUGH
from openprequal.agent.twisted_web import wrap
from openprequal.agent.workers.process import BackendProcess
from openprequal.values import LoadState

LOAD = b"\r\nopenprequal-load: rif=0, state=ready\r\n"


class Client:
    """A connection to a Site of a wrapped *resource*."""

    def __init__(self, resource: Any) -> None:
        self.clock = Clock()
        self.backend = BackendProcess(None, self.clock)
        site = Site(wrap(resource, backend=self.backend), reactor=self.clock)
        self.channel = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)

    @property
    def rif(self) -> float | None:
        return self.backend.tracker.report().rif

    def ask(self, path: str = "/", fields: str = "") -> str:
        """What has come back at once."""
        self.transport.clear()
        self.channel.dataReceived(f"GET {path} HTTP/1.1\r\nHost: b\r\n{fields}\r\n".encode())
        return self.transport.value().decode()


class Page(Resource):
    """Answers when it is told to."""

    isLeaf = True

    def __init__(self, content_type: str = "text/plain") -> None:
        super().__init__()
        self.requests: list[Any] = []
        self._content_type = content_type

    def render_GET(self, request: Any) -> int:
        request.setHeader("content-type", self._content_type)
        self.requests.append(request)
        return NOT_DONE_YET


@pytest.fixture
def page() -> Page:
    return Page()


def test_a_request_is_counted_until_it_is_finished(page: Page) -> None:
    client = Client(page)
    client.ask()
    assert client.rif == 1
    page.requests[0].write(b"some")
    assert client.rif == 1
    page.requests[0].finish()
    assert client.rif == 0


def test_the_head_tells_the_load_without_its_own_request(page: Page) -> None:
    client = Client(page)
    client.ask()
    page.requests[0].write(b"some")
    assert LOAD in client.transport.value().lower()


def test_an_empty_response_tells_it_too(page: Page) -> None:
    client = Client(page)
    client.ask()
    page.requests[0].finish()
    assert LOAD in client.transport.value().lower()


def test_the_latency_ends_with_the_head(page: Page) -> None:
    client = Client(page)
    for _ in range(ENOUGH):
        client.ask()
        client.clock.advance(0.25)
        page.requests[-1].write(b"some")
        client.clock.advance(5)
        page.requests[-1].finish()
    assert client.backend.tracker.report().latency_s == pytest.approx(0.25)


def test_an_event_stream_gives_no_sample() -> None:
    page = Page("text/event-stream")
    client = Client(page)
    for _ in range(ENOUGH):
        client.ask()
        client.clock.advance(0.25)
        page.requests[-1].write(b"data: 1\n\n")
        page.requests[-1].finish()
    assert (client.rif, client.backend.tracker.report().latency_s) == (0, None)


def test_a_client_that_is_gone_leaks_no_count(page: Page) -> None:
    client = Client(page)
    client.ask()
    assert client.rif == 1
    client.channel.connectionLost(Failure(ConnectionDone()))
    assert client.rif == 0


def test_a_resource_that_raises_leaks_no_count() -> None:
    class Raises(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            raise ValueError("bug")

    client = Client(Raises())
    assert client.ask().startswith("HTTP/1.1 500")
    assert client.rif == 0


def test_children_are_found_as_without_it() -> None:
    class Says(Resource):
        isLeaf = True

        def render_GET(self, request: Any) -> bytes:
            return b"%b at %b, then %b" % (b"/".join(request.prepath), request.path, b"/".join(request.postpath))

    root, folder = Resource(), Resource()
    root.putChild(b"folder", folder)
    folder.putChild(b"leaf", Says())
    assert Client(root).ask("/folder/leaf/x/y").endswith("folder/leaf at /folder/leaf/x/y, then x/y")
    assert Client(root).ask("/elsewhere").startswith("HTTP/1.1 404")


def test_klein_is_wrapped_like_any_other() -> None:
    app, waiting = Klein(), Deferred[bytes]()

    @app.route("/now/<name>")
    def now(request: Any, name: str) -> bytes:
        return name.encode()

    @app.route("/later")
    def later(request: Any) -> "Deferred[bytes]":
        return waiting

    @app.route("/never")
    def never(request: Any) -> "Deferred[bytes]":
        return fail(ConnectionResetError("gone"))

    client = Client(app.resource())
    assert client.ask("/now/x").endswith("\r\nx\r\n0\r\n\r\n")
    assert LOAD in client.transport.value().lower()
    client.ask("/later")
    assert client.rif == 1
    waiting.callback(b"done")
    assert b"done" in client.transport.value()
    assert client.rif == 0
    assert client.ask("/never").startswith("HTTP/1.1 500")
    assert client.rif == 0


def test_an_upgrade_is_not_counted_because_nobody_says_when_it_ends(page: Page) -> None:
    client = Client(page)
    client.ask(fields="Connection: upgrade\r\nUpgrade: websocket\r\n")
    assert len(page.requests) == 1
    assert client.rif == 0


def test_the_health_path_is_answered_with_the_load_and_is_no_request(page: Page) -> None:
    client = Client(page)
    answer = client.ask("/healthz")
    assert answer.startswith("HTTP/1.1 200")
    assert answer.endswith('{"status": "ok", "rif": 0, "latency": null, "state": "ready"}')
    client.backend.tracker.state = LoadState.DRAINING
    assert client.ask("/healthz").startswith("HTTP/1.1 503")
    assert page.requests == []
