"""Runs of the tail benchmark as if they had been done."""

from array import array
from collections.abc import Sequence

from openprequal.bench.tail.generator import Seen
from openprequal.bench.tail.record import Record, latencies_of


def seen(latencies_s: Sequence[float], status: int = 200, every_s: float = 0.01) -> Seen:
    """Requests one after the other, all with this status."""
    count = len(latencies_s)
    return Seen(
        array("d", [number * every_s for number in range(count)]),
        array("d", latencies_s),
        array("d", [0.001] * count),
        array("i", [status] * count),
    )


def record(
    workload: str,
    policy: str,
    p99_s: float,
    seed: int = 1,
    *,
    failed: int = 0,
    timed_out: int = 0,
    thrown_away: Sequence[str] = (),
) -> Record:
    """A run in which every request took as long, but for those that failed."""
    all_seen = seen([p99_s] * 1000)
    for number in range(failed):
        all_seen.status[number] = 503
    for number in range(failed, failed + timed_out):
        all_seen.status[number] = 1
    return Record(
        workload=workload,
        policy=policy,
        seed=seed,
        warm_up_s=5.0,
        counted_s=10.0,
        lanes=2,
        latencies=latencies_of(all_seen, 0.0),
        per_backend=[600, 400],
        probes=500,
        sender_late_s=0.001,
        emulation_lag_s=0.002,
        cpu={"proxies": 0.3, "generator": 0.05, "emulation": 0.1, "machine": 1.2},
        version=f"{policy} 1",
        machine="a machine",
        thrown_away=thrown_away,
    )
