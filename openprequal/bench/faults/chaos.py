"""What is broken in a soak, and how is it mended? One thing at a time, for some seconds, in an order of chance."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from random import Random

from openprequal.bench.faults.faulty_backend import (
    Behaviour,
    FaultyBackend,
    break_in_the_body,
    drip,
    fail,
    hang,
    lie,
    reset,
    serve,
)
from openprequal.bench.processes import Running, StartFailed, listens

BALANCERS = ("prequal", "least_in_flight", "peak_ewma", "round_robin")
FLAP_S = 0.4
PATIENCE = 6
"""How much longer than usual a backend may take to start, on a machine that is busy."""
SETTINGS = """\
response_timeout_seconds = 5
stall_timeout_seconds = 5
try_timeout_seconds = 1
upstream_idle_timeout_seconds = {idle_s}
load_balancer_class = "{balancer}"
"""


class Fleet:
    """What can be broken: a gateway with its settings, backends that are processes, and faulty ones."""

    def __init__(
        self,
        gateway: Running,
        settings: Path,
        start: Callable[[int], Running],
        processes: dict[int, Running],
        faulty: list[FaultyBackend],
        rng: Random,
    ) -> None:
        """
        :param start: starts a backend on a port.
        :param processes: by port.
        """
        self.gateway = gateway
        self.rng = rng
        self._settings = settings
        self._start = start
        self._processes = processes
        self._faulty = faulty

    def backend(self) -> FaultyBackend:
        """Any of the faulty ones."""
        return self.rng.choice(self._faulty)

    def port(self) -> int:
        """That of any of the processes."""
        return self.rng.choice(list(self._processes))

    def signal(self, port: int, signum: int) -> None:
        """Send it to the backend on that port, and to its children."""
        os.killpg(self._processes[port].pid, signum)

    async def start_again(self, port: int) -> None:
        """Start the backend on that port anew; return when it listens."""
        await asyncio.to_thread(self._processes[port].__exit__, None, None, None)
        running = self._processes[port] = self._start(port)
        for patience in reversed(range(PATIENCE)):
            try:
                await asyncio.to_thread(running.wait_until, lambda: listens(port))
                return
            except StartFailed:
                if not patience:
                    raise

    def reload(self, more: str = "") -> None:
        """Let the gateway read its settings again, which have changed; *more* of them is at their end."""
        write_settings(self._settings, self.rng.choice(BALANCERS), more)
        os.kill(self.gateway.pid, signal.SIGHUP)


def write_settings(path: Path, balancer: str = BALANCERS[0], more: str = "", idle_s: float = 2.0) -> None:
    """The gateway's settings file."""
    path.write_text(SETTINGS.format(balancer=balancer, idle_s=idle_s) + more)


async def kill(fleet: Fleet, seconds: float) -> None:
    """``kill -9``, and a new one."""
    port = fleet.port()
    fleet.signal(port, signal.SIGKILL)
    await asyncio.gather(fleet.start_again(port), asyncio.sleep(seconds))


async def stop(fleet: Fleet, seconds: float) -> None:
    """SIGSTOP, later SIGCONT."""
    port = fleet.port()
    fleet.signal(port, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        fleet.signal(port, signal.SIGCONT)


async def replace(fleet: Fleet, seconds: float) -> None:
    """SIGTERM: it drains, leaves, and comes again."""
    port = fleet.port()
    fleet.signal(port, signal.SIGTERM)
    await asyncio.gather(fleet.start_again(port), asyncio.sleep(seconds))


async def reload(fleet: Fleet, seconds: float) -> None:
    """SIGHUP, with settings that can be taken and settings that cannot."""
    for more in ("", "queue_max = 50\n", 'queue_max = "few"\n', ""):
        fleet.reload(more)
        await asyncio.sleep(seconds / 4)


async def refuse(fleet: Fleet, seconds: float) -> None:
    """It does not listen for a while."""
    backend = fleet.backend()
    await backend.refuse()
    try:
        await asyncio.sleep(seconds)
    finally:
        await backend.listen()


async def flap(fleet: Fleet, seconds: float) -> None:
    """It listens and does not, in turns."""
    for _ in range(max(1, round(seconds / (2 * FLAP_S)))):
        await refuse(fleet, FLAP_S)
        await asyncio.sleep(FLAP_S)


async def misbehave(how: Callable[[Random], Behaviour], fleet: Fleet, seconds: float) -> None:
    """What it does is wrong; in the end those that still wait for it are cut."""
    backend = fleet.backend()
    backend.behaves = how(fleet.rng)
    try:
        await asyncio.sleep(seconds)
    finally:
        backend.behaves = serve
        await backend.break_off()


CHAOS: dict[str, Callable[[Fleet, float], Awaitable[None]]] = {
    "kill": kill,
    "stop": stop,
    "replace": replace,
    "reload": reload,
    "refuse": refuse,
    "flap": flap,
    "hang": partial(misbehave, lambda rng: hang),
    "reset": partial(misbehave, lambda rng: reset),
    "break in the body": partial(misbehave, lambda rng: break_in_the_body),
    "drip": partial(misbehave, lambda rng: drip),
    "fail": partial(misbehave, lambda rng: fail),
    "lie": partial(misbehave, lie),
}
"""By name; each returns when it is mended."""
