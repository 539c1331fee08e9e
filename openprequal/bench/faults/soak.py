"""Does anything leak or wear out? The gateway under mixed load for an hour, while something breaks every few seconds.

``python -m openprequal.bench soak --minutes 60``
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from openprequal.bench.faults.chaos import CHAOS, Fleet, write_settings
from openprequal.bench.faults.faulty_backend import FaultyBackend
from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import example_backend, rows, running_gateway, until_up
from openprequal.bench.faults.mixed_clients import KINDS, MixedClients
from openprequal.bench.faults.watched import Watched, sample
from openprequal.bench.peers.openprequal import join
from openprequal.bench.processes import Running, free_ports

PROCESSES, FAULTY = 3, 3
RATE_PER_S = 120.0
TURN_S = 10.0
CALM_S = 5.0
"""Until what was under way, and was idle, has ended, once there are no more requests."""
MORE_DESCRIPTORS = 8
MORE_RSS, MORE_RSS_MIB = 0.10, 5.0
TREND_FROM_S = 600.0
"""A trend over less time says nothing."""
FAILED_GETS = 0.01


async def soak(folder: Path, seconds: float, rate_per_s: float = RATE_PER_S) -> list[Figure]:
    """Run it; what was measured.

    :raises StartFailed: a program does not start.
    """
    settings = folder / "gateway.toml"
    write_settings(settings)
    async with contextlib.AsyncExitStack() as stack:
        gateway, port = await stack.enter_async_context(running_gateway(folder, f"--config={settings}"))

        def start(each: int) -> Running:
            return stack.enter_context(example_backend(folder, port, each, "--work-seconds=0.005", "--cores=0"))

        processes = {each: start(each) for each in free_ports(PROCESSES)}
        faulty = [await stack.enter_async_context(FaultyBackend()) for _ in range(FAULTY)]
        await asyncio.to_thread(join, port, [backend.port for backend in faulty])
        await until_up(port, PROCESSES + FAULTY)
        rng = Random(1)
        clients = MixedClients(port, rng)
        # What is only allocated once is there before anything is counted.
        await clients.rate(rate_per_s, min(5.0, seconds / 4))
        await asyncio.sleep(CALM_S)
        descriptors = sample(gateway.pid).descriptors
        clients.fared.clear()
        watched = Watched(gateway.pid)
        began = time.monotonic()
        beside = [asyncio.ensure_future(watched.watch()), asyncio.ensure_future(_tell(clients, watched))]
        breaking = asyncio.ensure_future(
            _break(Fleet(gateway, settings, start, processes, faulty, rng), clients, began + seconds)
        )
        asking = asyncio.ensure_future(clients.rate(rate_per_s, seconds))
        # Without chaos it would be another trial: whoever fails ends it at once.
        await asyncio.gather(asking, breaking)
        ended = time.monotonic()
        for task in beside:
            task.cancel()
        await until_up(port, PROCESSES + FAULTY)
        await asyncio.sleep(CALM_S)
        left = sum(row["in_flight"] for row in await rows(port))
        more = sample(gateway.pid).descriptors - descriptors
    return [
        Figure("requests in flight at the end", left, "0", left == 0),
        Figure(
            f"descriptors more than the {descriptors} at the start",
            more,
            f"at most {MORE_DESCRIPTORS}",
            more <= MORE_DESCRIPTORS,
        ),
        *_memory(watched, began, ended),
        *_requests(clients),
    ]


async def _break(fleet: Fleet, clients: MixedClients, until: float) -> None:
    """One kind of chaos after the other, each as often, until that moment of the monotonic clock."""
    turn_s = min(TURN_S, (until - time.monotonic()) / (len(CHAOS) + 1))
    names: list[str] = []
    while time.monotonic() + turn_s < until:
        if not names:
            names = fleet.rng.sample(list(CHAOS), len(CHAOS))
        clients.meanwhile = names.pop()
        await CHAOS[clients.meanwhile](fleet, turn_s)
    clients.meanwhile = "nothing"


async def _tell(clients: MixedClients, watched: Watched) -> None:
    """A line a minute."""
    for minute in range(1, sys.maxsize):
        await asyncio.sleep(60)
        failed = clients.failed("GET").total() + clients.failed("large GET").total()
        now = watched.samples[-1]
        sys.stdout.write(
            f"  {minute} min: {clients.asked} requests, {failed} failed GETs, {now.rss_mib:.1f} MiB,"
            f" {now.descriptors} descriptors, now: {clients.meanwhile}\n"
        )
        sys.stdout.flush()


def _memory(watched: Watched, began: float, ended: float) -> list[Figure]:
    tenth = (ended - began) / 10
    first, last = watched.rss_mib(began + tenth, began + 2 * tenth), watched.rss_mib(ended - tenth, ended)
    grown, allowed = last - first, max(MORE_RSS * first, MORE_RSS_MIB)
    figures = [
        Figure(
            f"MiB of memory at the end, more than the {first:.1f} after a tenth of the time",
            grown,
            f"below {allowed:.1f}",
            grown < allowed,
        )
    ]
    if ended - began >= TREND_FROM_S:
        trend = watched.trend_mib_per_hour((began + ended) / 2, ended)
        figures.append(Figure("MiB an hour, trend of the second half", trend, f"below {allowed:.1f}", trend < allowed))
    return figures


def _requests(clients: MixedClients) -> list[Figure]:
    figures = []
    for kind in KINDS:
        failed, asked = clients.failed(kind), clients.of_kind(kind)
        share = failed.total() / max(1, asked)
        what = ", ".join(f"{n} x {status or 'cut'} during {when}" for (when, status), n in failed.most_common(6))
        told = f"share of {asked} of kind {kind} that failed ({what or 'none'})"
        if "GET" in kind:
            figures.append(Figure(told, share, f"below {FAILED_GETS:g}", share < FAILED_GETS))
        else:
            figures.append(Figure(told, share, "any", good=True))
    figures.append(Figure("requests not sent, too many waiting", clients.skipped, "0", not clients.skipped))
    return figures


def report(minutes: float, rate_per_s: float) -> bool:
    """Run it and print its figures; True if all are as they should be.

    :raises StartFailed: a program does not start.
    """
    sys.stdout.write(f"soak, {minutes:g} min at {rate_per_s:g} requests a second:\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="openprequal-soak-") as folder:
        figures = asyncio.run(soak(Path(folder), 60 * minutes, rate_per_s))
    for figure in figures:
        sys.stdout.write(f"  {figure}\n")
    return all(figure.good for figure in figures)
