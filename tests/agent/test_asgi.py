"""The ASGI middleware, driven by hand: what a server sends in, and what the application says."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from twisted.internet.task import Clock

from openprequal.agent.asgi import OpenPrequal
from openprequal.agent.latency import ENOUGH
from openprequal.agent.workers.process import BackendProcess
from openprequal.values import LoadState

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
EVENTS = {"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", b"text/event-stream; x=y")]}


def chunk(more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": b"x", "more_body": more}


class Server:
    """A server around an application of one function, with a clock to move in between."""

    def __init__(self, app: Callable[["Server", Any], Awaitable[None]]) -> None:
        self.clock = Clock()
        self.backend = BackendProcess(None, self.clock)
        self.sent: list[dict[str, Any]] = []
        self.rifs: list[float | None] = []
        self.broken: Exception | None = None
        self.incoming: list[dict[str, Any]] = []
        self._app = OpenPrequal(self._run, backend=self.backend)
        self._inner = app

    @property
    def rif(self) -> float | None:
        return self.backend.tracker.report().rif

    @property
    def latency_s(self) -> float | None:
        return self.backend.tracker.report().latency_s

    def told(self) -> list[bytes]:
        """The load fields of all response heads so far."""
        heads = [message for message in self.sent if "headers" in message]
        return [value for head in heads for name, value in head["headers"] if name == b"OpenPrequal-Load"]

    def ask(self, kind: str = "http", path: str = "/") -> None:
        asyncio.run(self._app({"type": kind, "path": path}, self._receive, self._send))

    async def _run(self, scope: Any, receive: Any, send: Any) -> None:
        self.receive, self.send = receive, send
        await self._inner(self, scope)

    async def _receive(self) -> dict[str, Any]:
        return self.incoming.pop(0)

    async def _send(self, message: Any) -> None:
        if self.broken is not None:
            raise self.broken
        self.sent.append(dict(message))
        self.rifs.append(self.rif)


async def hello(server: Server, scope: Any) -> None:
    server.clock.advance(0.25)
    await server.send(START)
    server.clock.advance(0.5)
    await server.send(chunk(True))
    await server.send(chunk(False))


def test_a_request_is_counted_until_the_last_of_its_response_is_sent() -> None:
    server = Server(hello)
    server.ask()
    assert server.rifs == [1, 1, 1]
    assert server.rif == 0


def test_what_is_done_after_the_response_does_not_count() -> None:
    during: list[float | None] = []

    async def with_background_task(server: Server, scope: Any) -> None:
        await hello(server, scope)
        during.append(server.rif)

    Server(with_background_task).ask()
    assert during == [0]


def test_the_latency_ends_with_the_head() -> None:
    server = Server(hello)
    for _ in range(ENOUGH):
        server.ask()
    assert server.latency_s == pytest.approx(0.25)


def test_every_response_tells_the_load_without_its_own_request() -> None:
    server = Server(hello)
    server.ask()
    assert server.told() == [b"rif=0, state=ready"]
    assert (b"content-type", b"text/plain") in server.sent[0]["headers"]


def test_the_head_that_the_application_made_is_left_alone() -> None:
    Server(hello).ask()
    assert START["headers"] == [(b"content-type", b"text/plain")]


def test_an_event_stream_is_counted_and_gives_no_sample() -> None:
    async def events(server: Server, scope: Any) -> None:
        server.clock.advance(5)
        await server.send(EVENTS)
        await server.send(chunk(True))
        assert server.rif == 1

    server = Server(events)
    for _ in range(ENOUGH):
        server.ask()
    assert (server.rif, server.latency_s) == (0, None)


@pytest.mark.parametrize("error", [ValueError("bug"), asyncio.CancelledError()])
@pytest.mark.parametrize("after_head", [False, True])
def test_an_application_that_breaks_off_leaks_no_count(error: BaseException, after_head: bool) -> None:
    async def breaks(server: Server, scope: Any) -> None:
        if after_head:
            await server.send(START)
        raise error

    server = Server(breaks)
    with pytest.raises(type(error)):
        server.ask()
    assert server.rif == 0


def test_a_client_that_is_gone_leaks_no_count() -> None:
    server = Server(hello)
    server.broken = ConnectionError("gone")
    with pytest.raises(ConnectionError):
        server.ask()
    assert server.rif == 0


def test_an_application_that_says_nothing_leaks_no_count() -> None:
    async def silent(server: Server, scope: Any) -> None:
        return None

    server = Server(silent)
    server.ask()
    assert server.rif == 0


def test_a_web_socket_is_counted_until_it_is_over_and_gives_no_sample() -> None:
    async def socket(server: Server, scope: Any) -> None:
        server.clock.advance(3)
        await server.send({"type": "websocket.accept"})
        await server.send({"type": "websocket.send", "text": "hello"})

    server = Server(socket)
    for _ in range(ENOUGH):
        server.ask("websocket")
    assert set(server.rifs) == {1}
    assert (server.rif, server.latency_s) == (0, None)
    assert server.told()[0] == b"rif=0, state=ready"


def test_a_web_socket_that_breaks_before_it_is_accepted_leaks_no_count_and_gives_no_sample() -> None:
    async def breaks(server: Server, scope: Any) -> None:
        server.clock.advance(3)
        raise ValueError("bug")

    server = Server(breaks)
    for _ in range(ENOUGH + 1):
        with pytest.raises(ValueError, match="bug"):
            server.ask("websocket")
    assert (server.rif, server.latency_s) == (0, None)


def test_the_health_path_is_answered_with_the_load_and_is_no_request() -> None:
    server = Server(hello)
    server.ask(path="/healthz")
    head, body = server.sent
    assert head["status"] == 200
    assert body["body"] == b'{"status": "ok", "rif": 0, "latency": null, "state": "ready"}'
    assert server.told() == [b"rif=0, state=ready"]
    assert server.rifs == [0, 0]


def test_the_health_path_of_an_application_that_drains_says_so() -> None:
    server = Server(hello)
    server.backend.tracker.state = LoadState.DRAINING
    server.ask(path="/healthz")
    assert server.sent[0]["status"] == 503


def test_lifespan_passes_and_its_end_is_noticed() -> None:
    async def lives(server: Server, scope: Any) -> None:
        assert (await server.receive())["type"] == "lifespan.startup"
        await server.send({"type": "lifespan.startup.complete"})
        assert not server.backend._ends
        assert (await server.receive())["type"] == "lifespan.shutdown"
        assert server.backend._ends

    server = Server(lives)
    server.incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    server.ask("lifespan")
    assert [message["type"] for message in server.sent] == ["lifespan.startup.complete"]
