"""What did each request of a load come to? Clients that ask in a closed loop, or at a rate, and note everything."""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any, NamedTuple, Self

TIMEOUT_S = 10.0


class Asked(NamedTuple):
    """One request as its client saw it; times of the monotonic clock."""

    path: str
    began: float
    ended: float
    status: int
    """0: no complete response."""
    body: bytes

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Connection:
    """One connection that is opened when needed and kept while it works."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str) -> Asked:
        """GET *path*."""
        began, status, body = time.monotonic(), 0, b""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await self._ask(path)
        except (OSError, EOFError, ValueError):  # TimeoutError and IncompleteReadError are of these
            self.close()
        return Asked(path, began, time.monotonic(), status, body)

    async def _ask(self, path: str) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"\r\nconnection: close" in head:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        """Give the connection up; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Traffic:
    """All requests of one load.

    :ivar asked: those that have ended.
    """

    def __init__(self, port: int, paths: Sequence[str] = ("/",), rng: Random | None = None) -> None:
        """:param paths: one of them is drawn for each request."""
        self.asked: list[Asked] = []
        self._port = port
        self._paths = paths
        self._rng = rng or Random(1)
        self._idle: list[Connection] = []
        self._running: set[asyncio.Task[None]] = set()
        self._ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        self._ended = True
        if self._running:
            await asyncio.wait(self._running)
        for connection in self._idle:
            connection.close()

    def clients(self, count: int) -> None:
        """So many clients ask, each as soon as it has its answer, until the ``async with`` ends."""
        for _ in range(count):
            self._start(self._client())

    async def rate(self, per_second: float, seconds: float) -> None:
        """Ask at random times, whatever becomes of what was asked before; return when the time is over."""
        next_at = time.monotonic()
        end = next_at + seconds
        while next_at < end:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            self._start(self._once())
            next_at += self._rng.expovariate(per_second)

    def between(self, began: float, ended: float) -> list[Asked]:
        """Those that began then."""
        return [one for one in self.asked if began <= one.began < ended]

    async def _client(self) -> None:
        while not self._ended:
            await self._once()

    async def _once(self) -> None:
        connection = self._idle.pop() if self._idle else Connection(self._port)
        self.asked.append(await connection.ask(self._rng.choice(self._paths)))
        self._idle.append(connection)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
