"""Clients of every kind at a steady rate: those that read, send, are slow, or go away; and how each of them fared."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, NamedTuple

from openprequal.bench.traffic import Connection

TIMEOUT_S = 15.0
MOST_AT_ONCE = 400
"""No more are sent while so many wait, so that a gateway that hangs is not mistaken for one that leaks."""
LARGE, SLOW, POSTED = 200_000, 1_000_000, 20_000
SLOW_READ, SLOW_READ_S = 32 * 1024, 0.05

Kind = Callable[["MixedClients"], Coroutine[Any, Any, int]]


class Fared(NamedTuple):
    """What became of requests of one kind."""

    kind: str
    meanwhile: str
    """What was broken when they began."""
    status: int
    """0: no whole response."""


class MixedClients:
    """All clients of one load.

    :ivar fared: how many fared how.
    :ivar meanwhile: what is broken now, for the record.
    :ivar skipped: requests not sent because too many were waiting.
    """

    def __init__(self, port: int, rng: Random) -> None:
        self.fared: Counter[Fared] = Counter()
        self.meanwhile = "nothing"
        self.skipped = 0
        self._port = port
        self._rng = rng
        self._idle: list[Connection] = []
        self._running: set[asyncio.Task[None]] = set()

    async def rate(self, per_second: float, seconds: float) -> None:
        """Ask at random times; return when the time is over and the last has its answer, or none."""
        next_at = time.monotonic()
        end = next_at + seconds
        while next_at < end:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            if len(self._running) < MOST_AT_ONCE:
                self._start(self._one(self._rng.choices(list(KINDS), [KINDS[name][0] for name in KINDS])[0]))
            else:
                self.skipped += 1
            next_at += self._rng.expovariate(per_second)
        if self._running:
            await asyncio.wait(self._running)
        while self._idle:
            self._idle.pop().close()

    @property
    def asked(self) -> int:
        return self.fared.total()

    def failed(self, kind: str) -> Counter[tuple[str, int]]:
        """Requests of that kind without a whole good response, by what was broken meanwhile and status."""
        return Counter(
            {(one.meanwhile, one.status): n for one, n in self.fared.items() if one.kind == kind and one.status != 200}
        )

    def of_kind(self, kind: str) -> int:
        """How many there were."""
        return sum(count for one, count in self.fared.items() if one.kind == kind)

    async def _one(self, kind: str) -> None:
        meanwhile = self.meanwhile
        status = 0
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await KINDS[kind][1](self)
        except (OSError, EOFError, ValueError):  # TimeoutError and IncompleteReadError are of these
            pass
        self.fared[Fared(kind, meanwhile, status)] += 1

    async def get(self) -> int:
        """A small GET on a connection that is kept."""
        return await self._kept("/")

    async def get_much(self) -> int:
        """A GET whose response does not come at once."""
        return await self._kept(f"/bytes/{LARGE}")

    async def post(self) -> int:
        """A POST whose body comes in two parts."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            asks = f"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {POSTED}\r\n\r\n"
            writer.write(asks.encode() + bytes(POSTED // 2))
            await asyncio.sleep(0.02)
            writer.write(bytes(POSTED - POSTED // 2))
            head = await reader.readuntil(b"\r\n\r\n")
            return _status(head) if len(await reader.read()) == _length(head) else 0
        finally:
            writer.transport.abort()

    async def read_slowly(self) -> int:
        """A GET of which little is read at a time."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=SLOW_READ)
        try:
            writer.write(f"GET /bytes/{SLOW} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            got = 0
            while chunk := await reader.read(SLOW_READ):
                got += len(chunk)
                await asyncio.sleep(SLOW_READ_S)
            return _status(head) if got == _length(head) else 0
        finally:
            writer.transport.abort()

    async def go_away(self) -> int:
        """A GET that is given up when the response, or nothing yet, has come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET /bytes/{SLOW} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            async with asyncio.timeout(self._rng.choice((0.002, 1.0))):
                return _status(await reader.read(1000))
        except TimeoutError:
            return 200  # as meant
        finally:
            writer.transport.abort()

    async def _kept(self, path: str) -> int:
        connection = self._idle.pop() if self._idle else Connection(self._port)
        asked = await connection.ask(path)
        self._idle.append(connection)
        return asked.status

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


KINDS: dict[str, tuple[float, Kind]] = {
    "GET": (70, MixedClients.get),
    "large GET": (10, MixedClients.get_much),
    "POST": (10, MixedClients.post),
    "slow": (5, MixedClients.read_slowly),
    "gone": (5, MixedClients.go_away),
}
"""By name, with how many of a hundred requests are of it."""


def _status(head: bytes) -> int:
    return int(head[9:12])


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
