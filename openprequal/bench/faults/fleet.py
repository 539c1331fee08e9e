"""How are a gateway and its backends started for a trial, and asked how they are?"""

import asyncio
import contextlib
import json
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from openprequal.bench.peers.openprequal import launch, program
from openprequal.bench.processes import Launch, Running, free_ports, listens

UP_S = 60.0


@contextlib.asynccontextmanager
async def running_gateway(folder: Path, *flags: str) -> AsyncIterator[tuple[Running, int]]:
    """A gateway that listens, with its port.

    :raises StartFailed: it does not.
    """
    (port,) = free_ports(1)
    with Running(launch(port, [], folder, flags), 0, folder, "gateway") as running:
        await asyncio.to_thread(running.wait_until, lambda: listens(port))
        yield running, port


def example_backend(folder: Path, gateway_port: int, port: int, *flags: str) -> Running:
    """An example backend that registers with that gateway; it may not listen yet."""
    environment = launch(port, [], folder).environment
    command = [program(), "-n", "--pidfile=", "openprequal-backend", f"--port={port}", f"--name={port}"]
    command += [f"--proxy-url=http://localhost:{gateway_port}", "--backend-heartbeat-seconds=5", *flags]
    return Running(Launch(command, environment), 1, folder, f"backend-{port}-{time.monotonic_ns()}")


async def rows(port: int) -> list[dict[str, Any]]:
    """What that gateway says of its backends."""
    return await asyncio.to_thread(_rows, port)


async def until_up(port: int, count: int) -> None:
    """Return when at least *count* backends may be picked.

    :raises TimeoutError: there are not so many within a minute.
    """
    deadline = time.monotonic() + UP_S
    while True:
        now = await rows(port)
        if sum(row["up"] for row in now) >= count:
            return
        if time.monotonic() > deadline:
            states = ", ".join(f"{row['url']} {row['condition']} ({row['reason']})" for row in now)
            raise TimeoutError(f"not {count} backends up within {UP_S:g} s: {states}")
        await asyncio.sleep(0.1)


def _rows(port: int) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/backends", timeout=10) as answer:
        found: list[dict[str, Any]] = json.loads(answer.read())["backends"]
        return found
