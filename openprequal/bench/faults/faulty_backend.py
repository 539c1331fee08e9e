"""A backend of this process that answers, breaks or hangs as it is told.

It answers its health path as long as it listens, whatever else it does: what checks do not see is what is tried here.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from random import Random
from typing import NamedTuple, Self

WORK_S = 0.005
DRIPS, DRIP_S = 30, 0.1
LIES = (
    *(b"rif=0, latency=0.0", b"rif=0, state=draining", b"rif=-1", b"rif=1e400", b"rif=nan, latency=inf"),
    *(b"rif=999999999", b"\xff;;,=", b"latency=" + b"9" * 400, b"rif=0, latency=1e-300, state=asleep"),
)


class Request(NamedTuple):
    """One that has come, its body read."""

    path: str
    to: asyncio.StreamWriter


Behaviour = Callable[[Request], Awaitable[None]]
"""Answers one request; a :class:`ConnectionError` resets the connection instead."""


async def serve(request: Request) -> None:
    """As it should be; ``/bytes/N`` is answered with so many bytes."""
    await asyncio.sleep(WORK_S)
    length = request.path.removeprefix("/bytes/")
    respond(request, 200, bytes(int(length)) if length.isdigit() else b"served")
    await request.to.drain()


async def fail(request: Request) -> None:
    """503, at once."""
    respond(request, 503, b"no")


async def reset(request: Request) -> None:
    """The connection breaks before there is an answer."""
    raise ConnectionResetError


async def hang(request: Request) -> None:
    """No answer, ever."""
    await asyncio.Event().wait()


async def break_in_the_body(request: Request) -> None:
    """The connection breaks when half of the answer is there."""
    request.to.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(1000))
    await request.to.drain()
    raise ConnectionResetError


async def drip(request: Request) -> None:
    """A byte now and then."""
    request.to.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % DRIPS)
    for _ in range(DRIPS):
        await asyncio.sleep(DRIP_S)
        request.to.write(b".")
        await request.to.drain()


def lie(rng: Random) -> Behaviour:
    """Answers as it should, with reports that cannot be true."""

    async def lies(request: Request) -> None:
        respond(request, 200, b"served", b"OpenPrequal-Load: " + rng.choice(LIES) + b"\r\n")

    return lies


def respond(request: Request, status: int, body: bytes, fields: bytes = b"") -> None:
    """Write a whole response."""
    request.to.write(b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n%b" % (status, fields, len(body), body))


class FaultyBackend:
    """Listens from the ``async with`` on, and can stop.

    :ivar port: where it listens, also again after it had stopped.
    :ivar behaves: what it does with requests that come from now on.
    """

    def __init__(self, behaves: Behaviour = serve) -> None:
        self.behaves = behaves
        self.port = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.refuse()

    async def listen(self) -> None:
        """Accept connections (again)."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Listen no more, and break the connections there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.break_off()

    async def break_off(self) -> None:
        """Break the connections there are."""
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
                request = Request(head.split(b" ", 2)[1].decode("latin-1"), writer)
                if request.path == "/healthz":
                    # Takes back what it may have said of its state.
                    respond(request, 200, b"ok", b"OpenPrequal-Load: rif=0\r\n")
                else:
                    await self.behaves(request)
