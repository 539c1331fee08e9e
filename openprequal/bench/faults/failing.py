"""A backend begins to answer errors at once, and so looks idle: how much of the traffic does it get?"""

import asyncio
import contextlib
import time
from pathlib import Path

from openprequal.bench.faults.faulty_backend import FaultyBackend, fail
from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import running_gateway, until_up
from openprequal.bench.peers.openprequal import join
from openprequal.bench.traffic import Asked, Traffic

FLEET = 4
CLIENTS = 16


async def failing(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """One of four backends begins to answer 503 at once, while the others take 5 ms."""
    async with running_gateway(folder, *flags) as (_, port), contextlib.AsyncExitStack() as stack:
        fleet = [await stack.enter_async_context(FaultyBackend()) for _ in range(FLEET)]
        await asyncio.to_thread(join, port, [backend.port for backend in fleet])
        await until_up(port, FLEET)
        async with Traffic(port) as traffic:
            traffic.clients(CLIENTS)
            await asyncio.sleep(2)
            fleet[0].behaves = fail
            began = time.monotonic()
            await asyncio.sleep(seconds)
            ended = time.monotonic()

    def share(asked: list[Asked]) -> float:
        return sum(one.status != 200 for one in asked) / max(1, len(asked))

    first, later = share(traffic.between(began, began + 2)), share(traffic.between(began + 2, ended))
    return [
        Figure("share of traffic that failed in its first two seconds", first, "below 0.1", first < 0.1),
        Figure("share of traffic that failed after that", later, "below 0.02", later < 0.02),
    ]
