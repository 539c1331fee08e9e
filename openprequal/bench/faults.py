"""Does it keep working? Real gateways and backends under load, while something is broken on purpose.

``python -m openprequal.bench faults`` runs every trial once and prints its figures beside what they should be.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from openprequal.bench.peers.openprequal import join, launch, program
from openprequal.bench.processes import Launch, Running, free_ports, listens
from openprequal.bench.traffic import Asked, FaultyBackend, Traffic

CLIENTS = 16
DEADLINE_S = 1.0
"""A response that comes later is of no use to its client: it does not count as goodput."""
WORK_S, FLEET = 0.02, 4
CAPACITY_PER_S = FLEET / WORK_S


@frozen
class Figure:
    """One thing that was measured, and what it should be."""

    what: str
    value: float
    wanted: str
    good: bool

    def __str__(self) -> str:
        return f"{'ok ' if self.good else 'BAD'} {self.what}: {self.value:.4g} (wanted: {self.wanted})"


@contextlib.asynccontextmanager
async def _gateway(folder: Path, *flags: str) -> AsyncIterator[int]:
    (port,) = free_ports(1)
    run = launch(port, [], folder)
    with Running(Launch([*run.command, *flags], run.environment), 0, folder, "gateway") as gateway:
        await asyncio.to_thread(gateway.wait_until, lambda: listens(port))
        yield port


def _backend(folder: Path, gateway_port: int, port: int, *flags: str) -> Running:
    environment = launch(port, [], folder).environment
    command = [program(), "-n", "--pidfile=", "openprequal-backend", f"--port={port}", f"--name={port}"]
    command += [f"--proxy-url=http://localhost:{gateway_port}", "--backend-heartbeat-seconds=5", *flags]
    return Running(Launch(command, environment), 1, folder, f"backend-{port}-{time.monotonic_ns()}")


def _rows(port: int) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/backends", timeout=10) as answer:
        rows: list[dict[str, Any]] = json.loads(answer.read())["backends"]
        return rows


async def _until_up(port: int, count: int) -> None:
    deadline = time.monotonic() + 30
    while sum(row["up"] for row in await asyncio.to_thread(_rows, port)) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"not {count} backends up within 30 s")
        await asyncio.sleep(0.1)


async def killed(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """One of four backends is killed every two seconds, and started again, under GETs in a closed loop.

    Later where a machine takes longer to start one: the next is killed when the last one listens again.
    """
    ports = free_ports(FLEET)
    load = ("--work-seconds=0.01", "--cores=0")
    async with _gateway(folder, *flags) as port:
        with contextlib.ExitStack() as stack:
            backends = {each: stack.enter_context(_backend(folder, port, each, *load)) for each in ports}
            await _until_up(port, FLEET)
            kills = 0
            async with Traffic(port) as traffic:
                traffic.clients(CLIENTS)
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    victim = ports[kills % FLEET]
                    os.killpg(backends[victim].pid, signal.SIGKILL)
                    kills += 1
                    await asyncio.sleep(0.2)
                    backends[victim] = stack.enter_context(_backend(folder, port, victim, *load))
                    await asyncio.sleep(1.8)
                    await asyncio.to_thread(backends[victim].wait_until, partial(listens, victim))
    failed = [one for one in traffic.asked if one.status != 200]
    asked = len(traffic.asked)
    return [
        Figure(f"failed requests of {asked} over {kills} kills", len(failed), "0", not failed),
        Figure("requests a second", asked / seconds, "above 100", asked / seconds > 100),
    ]


async def failing(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """One of four backends begins to answer 503 at once, while the others take 5 ms."""
    async with _gateway(folder, *flags) as port, contextlib.AsyncExitStack() as stack:
        fleet = [await stack.enter_async_context(FaultyBackend(lambda path: 200)) for _ in range(FLEET)]
        await asyncio.to_thread(join, port, [backend.port for backend in fleet])
        await _until_up(port, FLEET)
        async with Traffic(port) as traffic:
            traffic.clients(CLIENTS)
            await asyncio.sleep(2)
            fleet[0].behaves = lambda path: 503
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


async def poisoned(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """One in ten requests breaks the connection at every backend, then all do."""
    async with _gateway(folder, *flags) as port, contextlib.AsyncExitStack() as stack:
        fleet = [
            await stack.enter_async_context(FaultyBackend(lambda path: 0 if path == "/poison" else 200))
            for _ in range(FLEET)
        ]
        await asyncio.to_thread(join, port, [backend.port for backend in fleet])
        await _until_up(port, FLEET)
        async with Traffic(port, ["/"] * 9 + ["/poison"]) as traffic:
            traffic.clients(CLIENTS)
            await asyncio.sleep(seconds / 2)
        async with Traffic(port, ["/poison"]) as only:
            only.clients(CLIENTS)
            await asyncio.sleep(seconds / 2)
        rows = await asyncio.to_thread(_rows, port)
    healthy = [one for one in traffic.asked if one.path == "/"]
    ejections = sum(row["ejections"] for row in rows)
    served = sum(one.status == 200 for one in healthy) / max(1, len(healthy))
    return [
        Figure("ejections", ejections, "0", not ejections),
        Figure(
            "backends that may be picked at the end",
            sum(row["up"] for row in rows),
            str(FLEET),
            all(row["up"] for row in rows),
        ),
        Figure("share of the other requests that was served", served, "1", served == 1),
    ]


async def overloaded(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """As many requests as the backends can do, then three times as many, then nearly as many again."""
    load = (f"--work-seconds={WORK_S}", "--cores=1")
    async with _gateway(folder, "--service-max-in-flight=auto", "--queue-timeout-seconds=0.5", *flags) as port:
        with contextlib.ExitStack() as stack:
            for each in free_ports(FLEET):
                stack.enter_context(_backend(folder, port, each, *load))
            await _until_up(port, FLEET)
            async with Traffic(port) as traffic:
                times = [time.monotonic()]
                for times_capacity in (1.0, 3.0, 0.8):
                    await traffic.rate(CAPACITY_PER_S * times_capacity, seconds)
                    times.append(time.monotonic())

    def goodput(began: float, ended: float) -> float:
        good = [one for one in traffic.asked if one.status == 200 and one.seconds <= DEADLINE_S]
        return sum(began <= one.ended < ended for one in good) / (ended - began)

    # The first second of each is that of its beginning.
    at_capacity, over = goodput(times[0] + 1, times[1]), goodput(times[1] + 1, times[2])
    after = traffic.between(times[2] + 1, times[3])
    recovered = sum(one.status == 200 and one.seconds <= DEADLINE_S for one in after) / max(1, len(after))
    ratio = over / max(1.0, at_capacity)
    return [
        Figure("good responses a second at capacity", at_capacity, f"near {CAPACITY_PER_S:g}", at_capacity > 0),
        Figure("goodput at three times the capacity, of that", ratio, "above 0.9", ratio > 0.9),
        Figure("share served in time from a second after on", recovered, "above 0.99", recovered > 0.99),
    ]


Trial = Callable[..., Coroutine[Any, Any, list[Figure]]]
TRIALS: dict[str, tuple[Trial, float]] = {
    "killed": (killed, 60.0),
    "failing": (failing, 10.0),
    "poisoned": (poisoned, 10.0),
    "overloaded": (overloaded, 10.0),
}
"""By name, with its usual length in seconds."""


def report(names: list[str], scale: float, flags: list[str]) -> bool:
    """Run the trials and print a line for each figure; True if all are as they should be.

    :param scale: how much longer than usual each takes.
    :param flags: of the gateway.
    :raises StartFailed: a program does not start.
    """
    good = True
    for name in names:
        trial, seconds = TRIALS[name]
        sys.stdout.write(f"{name}: {(trial.__doc__ or '').splitlines()[0]}\n")
        with tempfile.TemporaryDirectory(prefix="openprequal-faults-") as folder:
            figures = asyncio.run(trial(Path(folder), seconds * scale, *flags))
        for figure in figures:
            sys.stdout.write(f"  {figure}\n")
            good = good and figure.good
        sys.stdout.flush()
    return good
