"""So many hostile connections against one port, so many at a time: ``python -m tests.hostile.flood``; prints JSON."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from random import Random

from .attacker import Attacker
from .kinds import SMALL_WINDOW, WEIGHTS, Kind

PROGRESS_EVERY_S = 10.0
PATIENCE_S = 60.0
"""Beyond this a connection that should have been cut is given up."""


class Flood:
    """:ivar ended: connections that are over, by kind and how they ended."""

    def __init__(self, port: int, seed: int, hold_s: float) -> None:
        self.ended: Counter[str] = Counter()
        self.begun = 0
        self._port = port
        self._rng = Random(seed)
        self._hold_s = hold_s

    async def run(self, connections: int, at_a_time: int, per_second: float) -> None:
        """All of them, evenly if the machine keeps up."""
        room = asyncio.Semaphore(at_a_time)
        loop = asyncio.get_running_loop()
        said = began = loop.time()
        tasks: set[asyncio.Task[None]] = set()
        for kind in self._rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=connections):
            await room.acquire()
            task = loop.create_task(self._attack(kind))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda _: room.release())
            now = loop.time()
            if (ahead_s := began + self.begun / per_second - now) > 0:
                await asyncio.sleep(ahead_s)
            if now - said > PROGRESS_EVERY_S:
                said = now
                sys.stderr.write(f"{now - began:5.0f} s: {self.begun} hostile connections, {len(tasks)} open\n")
        await asyncio.gather(*tasks)

    async def _attack(self, kind: Kind) -> None:
        attacker = Attacker(self._port, self.begun, self._rng, self._hold_s)
        self.begun += 1
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
    options = parser.parse_args()
    os.nice(19)
    flood = Flood(options.port, options.seed, options.hold)
    began = time.monotonic()
    asyncio.run(flood.run(options.connections, options.at_a_time, options.per_second))
    json.dump({"seconds": time.monotonic() - began, "ended": dict(sorted(flood.ended.items()))}, sys.stdout)


if __name__ == "__main__":
    main()
