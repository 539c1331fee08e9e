"""The command: ``python -m tests.hostile --connections 100000``: flood a gateway, and tell what it did to it."""

import argparse
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from .trial import Held, Latency, Trial, held

MIB = 1 << 20


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def drained(holdings: Generator[Held, None, dict[str, Any]]) -> tuple[Held, dict[str, Any]]:
    """The most that was held, and what the flood said in the end."""
    memory = descriptors = 0
    while True:
        try:
            now = next(holdings)
        except StopIteration as ended:
            return Held(memory, descriptors), ended.value
        memory, descriptors = max(memory, now.memory), max(descriptors, now.descriptors)


def shown(name: str, seen: Latency) -> str:
    return (
        f"{name:>12}: {seen.requests} requests, {seen.failed} failed, p50 {seen.p50_s * 1e3:.2f} ms, "
        f"p99 {seen.p99_s * 1e3:.2f} ms, longest {seen.longest_s * 1e3:.0f} ms"
    )


def main() -> int:
    """Run it; the status is 1 if memory, descriptors or honest clients are not as they should be."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--connections", type=int, default=100_000)
    parser.add_argument("--at-a-time", type=int, default=1000)
    parser.add_argument("--per-second", type=float, default=400.0)
    parser.add_argument("--hold", type=float, default=25.0, help="seconds that slow ones hold on (%(default)s)")
    parser.add_argument("--quiet", type=float, default=20.0, help="seconds without a flood, before and after")
    parser.add_argument("--warm-up", type=int, default=5000, help="hostile connections before anything is counted")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gateway", action="append", default=[], metavar="FLAG", help="more flags of the gateway")
    options = parser.parse_args()
    flags = [f"--at-a-time={options.at_a_time}", f"--per-second={options.per_second}", f"--hold={options.hold}"]

    with (
        tempfile.TemporaryDirectory() as folder,
        Trial.begun(Path(folder), *options.gateway, pinned=True) as trial,
    ):
        pid = trial.command.pid
        fresh = held(pid)
        drained(trial.flood(f"--connections={options.warm_up}", "--seed=0", *flags, pinned=True))
        trial.settled(fresh, 40)
        time.sleep(options.quiet / 4)
        began = time.monotonic()
        time.sleep(options.quiet)
        before, flooded = held(pid), time.monotonic()
        most, said = drained(
            trial.flood(f"--connections={options.connections}", f"--seed={options.seed}", *flags, pinned=True)
        )
        over = time.monotonic()
        after = trial.settled(before, 4)
        settled = time.monotonic()
        time.sleep(options.quiet)
        ended = time.monotonic()
        quiet_before, during = trial.latency(began, flooded), trial.latency(flooded, over)
        quiet_after = trial.latency(settled, ended)

    for how, count in said["ended"].items():
        say(f"{count:>8} {how}")
    say(f"{options.connections} connections in {said['seconds']:.0f} s; settled {settled - over:.0f} s later")
    for name, what in (("fresh", fresh), ("before", before), ("most", most), ("after", after)):
        say(f"{name:>12}: {what.memory / MIB:.1f} MiB, {what.descriptors} descriptors")
    for name, seen in (("quiet before", quiet_before), ("flood", during), ("quiet after", quiet_after)):
        say(shown(name, seen))
    quiet_s = (quiet_before.p99_s + quiet_after.p99_s) / 2
    say(f"p99 of honest clients: {during.p99_s / quiet_s:.2f} x that of quiet")
    fine = (
        after.memory - before.memory < 8 * MIB
        and after.descriptors <= before.descriptors + 4
        and during.p99_s <= 2 * quiet_s
        and not during.failed
    )
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
