"""How soon does a streamed answer begin, by requests that run and wait, and by one's own connections?

Four gateways before emulated inference servers of uneven speed, each with a few slots and a queue; requests of
exponential length arrive at their own pace, whatever is answered (open loop), each at a random gateway. The same seed
gives every way the same arrivals and lengths. ``openprequal/simulation`` has the same model in virtual time.
"""

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from attrs import frozen

import openprequal
from openprequal.bench.peers import haproxy
from openprequal.bench.peers import openprequal as own
from openprequal.bench.processes import Launch, Running, StartFailed, answers, free_ports

GATEWAYS: Final = 4
SPEEDS: Final = (0.6, 0.6, 1.0, 1.0, 1.4, 1.4)
SLOTS: Final = 8
TOKENS_PER_S: Final = 5.0
MEAN_TOKENS: Final = 10
WARM_UP: Final = 0.15
"""Share of a turn whose requests are not counted."""
ANSWER_S: Final = 60.0


@frozen
class Way:
    """One way of balancing."""

    name: str
    launch: Callable[[int, Sequence[int], Path], Launch]
    join: bool
    """Its backends are registered once it listens."""


def _gateway(*flags: str) -> Callable[[int, Sequence[int], Path], Launch]:
    def launch(port: int, backends: Sequence[int], folder: Path) -> Launch:
        ours = own.launch(port, backends, folder)
        return Launch([*ours.command, *flags], ours.environment)

    return launch


WAYS: Final = {
    way.name: way
    for way in (
        Way("vllm", _gateway("--report-format=vllm"), True),
        Way("prequal", _gateway("--report-format=vllm", "--load-balancer-class=prequal"), True),
        Way("least_in_flight", _gateway("--report-format=none", "--load-balancer-class=least_in_flight"), True),
        Way("haproxy", haproxy.launch, False),
    )
}
"""``vllm`` is the preset as it ships; ``least_in_flight`` and HAProxy's leastconn see their own requests alone."""


def report(ways: Sequence[str], seeds: int, seconds: float, load: float) -> None:
    """Take turns, seed by seed, and print a table.

    :raises StartFailed: something does not start.
    """
    rate = load * SLOTS * sum(SPEEDS) * TOKENS_PER_S / MEAN_TOKENS
    sys.stdout.write(
        f"{GATEWAYS} gateways, {len(SPEEDS)} servers of {SLOTS} slots and speeds {SPEEDS}, load {load:g}:"
        f" {rate:.1f} requests/s of {MEAN_TOKENS / TOKENS_PER_S:g} s for {seconds:g} s;"
        f" time to first byte in ms, over {seeds} seeds\n"
    )
    waits: dict[str, list[float]] = {name: [] for name in ways}
    failed: dict[str, int] = dict.fromkeys(ways, 0)
    for seed in range(1, seeds + 1):
        for name in ways:
            times, lost = _turn(WAYS[name], seed, rate, seconds)
            waits[name] += times
            failed[name] += lost
            sys.stderr.write(f"seed {seed} {name}: p99 {1e3 * _quantile(times, 0.99):.0f} ms, {lost} failed\n")
    sys.stdout.write(f"{'way':<18}{'requests':>9}{'failed':>8}{'p50':>8}{'p90':>8}{'p99':>8}\n")
    for name, times in waits.items():
        row = "".join(f"{1e3 * _quantile(times, quantile):>8.0f}" for quantile in (0.5, 0.9, 0.99))
        sys.stdout.write(f"{name:<18}{len(times):>9}{failed[name]:>8}{row}\n")


def _turn(way: Way, seed: int, rate: float, seconds: float) -> tuple[list[float], int]:
    """Seconds to the first byte of each request that counts, and how many failed."""
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name, contextlib.ExitStack() as started:
        folder = Path(name)
        ports = free_ports(len(SPEEDS) + GATEWAYS)
        servers, gateways = ports[: len(SPEEDS)], ports[len(SPEEDS) :]
        for port, speed in zip(servers, SPEEDS, strict=True):
            server = started.enter_context(Running(_server(port, speed), 1, folder, f"server-{port}"))
            server.wait_until(lambda port=port: answers(port, "/health"))  # type: ignore[misc]
        running = [
            started.enter_context(
                Running(way.launch(port, servers, _made(folder / str(port))), 0, folder, f"at-{port}")
            )
            for port in gateways
        ]
        for port, gateway in zip(gateways, running, strict=True):
            if way.join:
                gateway.wait_until(lambda port=port: answers(port, "/readyz"))  # type: ignore[misc]
                own.join(port, servers)
            gateway.wait_until(lambda port=port: answers(port, "/health"))  # type: ignore[misc]
        time.sleep(1.0)  # until every server has been checked and polled
        return asyncio.run(_ask(gateways, seed, rate, seconds))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _server(port: int, speed: float) -> Launch:
    program = Path(openprequal.__file__).resolve().parents[1] / "docs" / "examples" / "vllm_like" / "server.py"
    if not program.exists():
        raise StartFailed(f"{program} is missing: run this in a clone")
    flags = [f"--slots={SLOTS}", f"--tokens-per-second={speed * TOKENS_PER_S}"]
    return Launch([sys.executable, str(program), str(port), *flags])


async def _ask(gateways: Sequence[int], seed: int, rate: float, seconds: float) -> tuple[list[float], int]:
    """Send the requests of one turn, each when its time has come."""
    rng = Random(seed)
    began = time.monotonic()
    at, asking = 0.0, []
    while (at := at + rng.expovariate(rate)) < seconds:
        tokens = max(1, round(rng.expovariate(1 / MEAN_TOKENS)))
        port = rng.choice(gateways)
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        asking.append((at >= WARM_UP * seconds, asyncio.create_task(_first_byte(port, tokens))))
    times = [(counts, await each) for counts, each in asking]
    waits = [wait for counts, wait in times if counts and wait is not None]
    return waits, sum(wait is None for _, wait in times)


async def _first_byte(port: int, tokens: int) -> float | None:
    """Seconds to the first byte of the answer, once all of it has come; None if it did not."""
    body = json.dumps({"max_tokens": tokens}).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    began = time.monotonic()
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(head.encode() + body)
                first = await reader.read(4096)
                wait = time.monotonic() - began
                rest = await reader.read(-1)
    except (OSError, TimeoutError):
        return None
    return wait if first.startswith(b"HTTP/1.1 200") and b"[DONE]" in first + rest else None


def _quantile(times: Sequence[float], quantile: float) -> float:
    """Infinite where nothing was answered."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))] if ordered else float("inf")
