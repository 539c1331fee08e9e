"""A backend after the other is killed: does a client notice?"""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import example_backend, rows, running_gateway, until_up
from openprequal.bench.processes import free_ports
from openprequal.bench.traffic import Traffic

FLEET = 4
CLIENTS = 16
EVERY_S = 2.0


async def killed(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """Every two seconds one of four backends is killed, and started again at once, under GETs in a closed loop.

    Whatever happens: where a machine takes longer to start one, the next is killed before the last is back.
    """
    ports = free_ports(FLEET)
    load = ("--work-seconds=0.01", "--cores=0")
    async with running_gateway(folder, *flags) as (_, port):
        with contextlib.ExitStack() as stack:
            backends = {each: stack.enter_context(example_backend(folder, port, each, *load)) for each in ports}
            await until_up(port, FLEET)
            kills, fewest = 0, FLEET
            async with Traffic(port) as traffic:
                traffic.clients(CLIENTS)
                began = time.monotonic()
                while kills * EVERY_S < seconds:
                    victim = ports[kills % FLEET]
                    os.killpg(backends[victim].pid, signal.SIGKILL)
                    kills += 1
                    backends[victim] = stack.enter_context(example_backend(folder, port, victim, *load))
                    await asyncio.sleep(began + kills * EVERY_S - time.monotonic())
                    fewest = min(fewest, sum(row["up"] for row in await rows(port)))
    failed = [one for one in traffic.asked if one.status != 200]
    asked = len(traffic.asked)
    return [
        Figure(f"failed requests of {asked} over {kills} kills", len(failed), "0", not failed),
        Figure("backends up when the next was killed, at the least", fewest, "at least 1", fewest >= 1),
        Figure("requests a second", asked / seconds, "above 100", asked / seconds > 100),
    ]
