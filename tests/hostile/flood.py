"""So many hostile connections against one port, so many at a time: ``python -m tests.hostile.flood``; prints JSON."""

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from random import Random

from .attacker import Attacker
from .kinds import SMALL_WINDOW, WEIGHTS, Kind

PROGRESS_EVERY_S = 10.0
PATIENCE_S = 60.0
"""Beyond this a connection that should have been cut is given up."""


class Flood:
    """:ivar ended: connections that are over, by kind and how they ended."""

    def __init__(self, port: int, seed: int, hold_s: float, kinds: Mapping[Kind, int] = WEIGHTS) -> None:
        self.ended: Counter[str] = Counter()
        self._port = port
        self._rng = Random(seed)
        self._hold_s = hold_s
        self._kinds = kinds

    async def run(self, connections: int, at_a_time: int, per_second: float) -> None:
        """All of them, evenly if the machine keeps up."""
        room = asyncio.Semaphore(at_a_time)
        loop = asyncio.get_running_loop()
        said = began = loop.time()
        tasks: set[asyncio.Task[None]] = set()
        for number, kind in enumerate(self._rng.choices(list(self._kinds), list(self._kinds.values()), k=connections)):
            await room.acquire()
            task = loop.create_task(self._attack(kind, number))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda _: room.release())
            now = loop.time()
            await asyncio.sleep(max(0.0, began + number / per_second - now))
            if now - said > PROGRESS_EVERY_S:
                said = now
                sys.stderr.write(f"{now - began:5.0f} s: {number} hostile connections, {len(tasks)} open\n")
        await asyncio.gather(*tasks)

    async def _attack(self, kind: Kind, number: int) -> None:
        attacker = Attacker(self._port, number, self._rng, self._hold_s)
        if kind in SMALL_WINDOW:
            attacker.receive_little()
        try:
            async with asyncio.timeout(PATIENCE_S), attacker:
                await kind(attacker)
            how = "ended"
        except TimeoutError:
            how = "held on"
        except OSError:
            how = "was cut"
        self.ended[f"{kind.__name__} {how}"] += 1


def main() -> None:
    """Flood, and tell what became of the connections."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.flood", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--at-a-time", type=int, default=1000)
    parser.add_argument("--per-second", type=float, default=400.0)
    parser.add_argument("--hold", type=float, default=25.0, help="seconds that slow ones hold on")
    parser.add_argument("--seed", type=int, default=1)
    names = {kind.__name__: kind for kind in WEIGHTS}
    parser.add_argument("--kind", choices=list(names), action="append", help="only these, all as often (all)")
    options = parser.parse_args()
    with contextlib.suppress(OSError):
        os.nice(19)
    kinds = {names[name]: 1 for name in options.kind} if options.kind else WEIGHTS
    flood = Flood(options.port, options.seed, options.hold, kinds)
    began = time.monotonic()
    asyncio.run(flood.run(options.connections, options.at_a_time, options.per_second))
    json.dump({"seconds": time.monotonic() - began, "ended": dict(sorted(flood.ended.items()))}, sys.stdout)


if __name__ == "__main__":
    main()
