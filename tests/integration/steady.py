"""Requests at a steady rate, from a thread, until the ``with`` ends."""

import asyncio
from threading import Event, Thread
from typing import Self

from openprequal.bench.traffic import Traffic


class Steady:
    """So many a second, whatever becomes of those before."""

    def __init__(self, port: int, per_second: float = 100.0) -> None:
        self._port = port
        self._per_second = per_second
        self._ended = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._ask()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        self._thread.join()

    async def _ask(self) -> None:
        async with Traffic(self._port) as traffic:
            while not self._ended.is_set():
                await traffic.rate(self._per_second, 0.25)
