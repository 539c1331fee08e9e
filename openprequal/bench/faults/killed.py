"""A backend after the other is killed: does a client notice?"""

import asyncio
import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path

from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import example_backend, running_gateway, until_up
from openprequal.bench.processes import free_ports, listens
from openprequal.bench.traffic import Traffic

FLEET = 4
CLIENTS = 16


async def killed(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """One of four backends is killed every two seconds, and started again, under GETs in a closed loop.

    Later where a machine takes longer to start one: the next is killed when the last one listens again.
    """
    ports = free_ports(FLEET)
    load = ("--work-seconds=0.01", "--cores=0")
    async with running_gateway(folder, *flags) as (_, port):
        with contextlib.ExitStack() as stack:
            backends = {each: stack.enter_context(example_backend(folder, port, each, *load)) for each in ports}
            await until_up(port, FLEET)
            kills = 0
            async with Traffic(port) as traffic:
                traffic.clients(CLIENTS)
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    victim = ports[kills % FLEET]
                    os.killpg(backends[victim].pid, signal.SIGKILL)
                    kills += 1
                    await asyncio.sleep(0.2)
                    backends[victim] = stack.enter_context(example_backend(folder, port, victim, *load))
                    await asyncio.sleep(1.8)
                    await asyncio.to_thread(backends[victim].wait_until, partial(listens, victim))
    failed = [one for one in traffic.asked if one.status != 200]
    asked = len(traffic.asked)
    return [
        Figure(f"failed requests of {asked} over {kills} kills", len(failed), "0", not failed),
        Figure("requests a second", asked / seconds, "above 100", asked / seconds > 100),
    ]
