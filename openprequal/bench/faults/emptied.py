"""The Redis that two gateways share is killed and comes back empty: does a client notice, is anybody lost?"""

import asyncio
import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from openprequal.bench.faults.faulty_backend import FaultyBackend
from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.fleet import rows, running_gateway, until_up
from openprequal.bench.faults.redis_server import redis_server, told_of_redis
from openprequal.bench.processes import free_ports
from openprequal.bench.traffic import Traffic

FLEET = 6
CLIENTS = 8
HEARTBEAT_S = 2.0
GONE_S = 2 * HEARTBEAT_S + 2.0
"""Its lease, and time for a connection to be tried again and for leases to be looked at."""


async def emptied(folder: Path, seconds: float, *flags: str) -> list[Figure]:
    """Six backends, some at either of two gateways; their Redis is killed, and restarted empty after *seconds*.

    One is registered by hand. One dies while Redis is away. All others must be known at both all the time, until half a
    minute after Redis is back, or less if it was away for less.
    """
    (redis_port,) = free_ports(1)
    told = told_of_redis(folder, redis_port)
    redis = redis_server(folder, redis_port)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(lambda: redis.__exit__(None, None, None))
        _, first = await stack.enter_async_context(running_gateway(folder, told, *flags))
        _, second = await stack.enter_async_context(running_gateway(folder, told, *flags))
        backends = [await stack.enter_async_context(FaultyBackend()) for _ in range(FLEET)]
        by_hand, dying, *_ = backends
        began = time.monotonic()
        await register(first, by_hand.port, None)
        seen_s = await _until(lambda found: len(found) == 1, second) - began
        stops = {
            backend: await stack.enter_async_context(beating(first if number % 2 else second, backend.port))
            for number, backend in enumerate(backends[1:])
        }
        for port in (first, second):
            await until_up(port, FLEET)
        membership = {port: [FLEET] for port in (first, second)}

        async def watch() -> None:
            while True:
                for port, seen in membership.items():
                    seen.append(len(await rows(port)))
                await asyncio.sleep(0.2)

        async with Traffic(first) as traffic, Traffic(second) as other_traffic:
            traffic.clients(CLIENTS)
            other_traffic.clients(CLIENTS)
            await asyncio.sleep(HEARTBEAT_S)
            os.kill(redis.pid, signal.SIGKILL)
            redis.__exit__(None, None, None)
            watching = asyncio.ensure_future(watch())
            refused = await register(first, by_hand.port, None)
            stops[dying]()
            await dying.refuse()
            await asyncio.sleep(seconds)
            redis = await asyncio.to_thread(redis_server, folder, redis_port)
            back = time.monotonic()
            gone_s = await _until(lambda found: len(found) < FLEET, first, GONE_S + 30) - back
            await asyncio.sleep(min(seconds, 30.0))
            watching.cancel()
        after = [{row["url"] for row in await rows(port)} for port in (first, second)]
    asked = traffic.asked + other_traffic.asked
    failed = [one for one in asked if one.status != 200]
    intact = {f"http://127.0.0.1:{backend.port}" for backend in backends if backend is not dying}
    fewest = min(min(seen) for seen in membership.values())
    lost = sum(len(intact - found) for found in after)
    return [
        Figure("seconds until the other gateway knew a backend", seen_s, "below 1", seen_s < 1),
        Figure(f"failed requests of {len(asked)}", len(failed), "0", not failed),
        Figure("status of a registration while Redis was away", refused, "503", refused == 503),
        Figure("backends known, at the least", fewest, str(FLEET - 1), fewest >= FLEET - 1),
        Figure("living backends not known after, at either", lost, "0", lost == 0),
        Figure("seconds after which the dead one was gone", gone_s, f"below {GONE_S:g}", gone_s < GONE_S),
    ]


async def register(gateway_port: int, port: int, heartbeat_s: float | None) -> int:
    """Register a backend; the status of the answer."""
    return await asyncio.to_thread(_register, gateway_port, port, heartbeat_s)


@contextlib.asynccontextmanager
async def beating(gateway_port: int, port: int) -> AsyncIterator[Callable[[], bool]]:
    """A backend's heartbeats until the ``async with`` ends, or what it yields is called."""

    async def beat() -> None:
        while True:
            with contextlib.suppress(OSError):
                await register(gateway_port, port, HEARTBEAT_S)
            await asyncio.sleep(HEARTBEAT_S)

    task = asyncio.ensure_future(beat())
    try:
        yield task.cancel
    finally:
        task.cancel()


def _register(gateway_port: int, port: int, heartbeat_s: float | None) -> int:
    body = json.dumps({"url": f"http://127.0.0.1:{port}", "heartbeat_seconds": heartbeat_s}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{gateway_port}/register", body, {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def _until(holds: Callable[[list[dict[str, object]]], bool], port: int, within_s: float = 20.0) -> float:
    """The moment at which *holds* held of what that gateway knows, or at which time was over."""
    deadline = time.monotonic() + within_s
    while not holds(await rows(port)) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return time.monotonic()
