"""Some clients' requests break whatever backend they reach: is a backend blamed for it?"""

import asyncio
import contextlib
from pathlib import Path

from openprequal.bench.faults.faulty_backend import FaultyBackend, Request, reset, serve
from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import rows, running_gateway, until_up
from openprequal.bench.peers.openprequal import join
from openprequal.bench.traffic import Traffic

FLEET = 4
CLIENTS = 16


async def poisoned(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """One in ten requests breaks the connection at every backend, then all do."""
    async with running_gateway(folder, *flags) as (_, port), contextlib.AsyncExitStack() as stack:
        fleet = [await stack.enter_async_context(FaultyBackend(_breaks_by_poison)) for _ in range(FLEET)]
        await asyncio.to_thread(join, port, [backend.port for backend in fleet])
        await until_up(port, FLEET)
        async with Traffic(port, ["/"] * 9 + ["/poison"]) as traffic:
            traffic.clients(CLIENTS)
            await asyncio.sleep(seconds / 2)
        async with Traffic(port, ["/poison"]) as only:
            only.clients(CLIENTS)
            await asyncio.sleep(seconds / 2)
        after = await rows(port)
    healthy = [one for one in traffic.asked if one.path == "/"]
    ejections = sum(row["ejections"] for row in after)
    up = sum(row["up"] for row in after)
    served = sum(one.status == 200 for one in healthy) / max(1, len(healthy))
    return [
        Figure("ejections", ejections, "0", not ejections),
        Figure("backends that may be picked at the end", up, str(FLEET), up == FLEET),
        Figure("share of the other requests that was served", served, "1", served == 1),
    ]


async def _breaks_by_poison(request: Request) -> None:
    await (reset if request.path == "/poison" else serve)(request)
