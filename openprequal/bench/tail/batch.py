"""Some runs side by side: what came of each, and how busy was the machine?"""

import contextlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from attrs import frozen

from openprequal.bench.machine import busy_s, describe_machine, stolen_s
from openprequal.bench.tail.lane import Lane, Spent, Task, sleep_until
from openprequal.bench.tail.lateness import objection, p99_of
from openprequal.bench.tail.policies import POLICIES
from openprequal.bench.tail.record import Record, late_of, latencies_of
from openprequal.bench.tail.workloads import DEADLINE_S

_GENERATOR_START_S = 3.0
"""What a generator may take until it is ready to send, plus as much again for each further lane."""
_PATIENCE_S = 30.0


@frozen
class Ended:
    """What came of a task: a record, or why there is none."""

    task: Task
    record: Record | None
    why_not: str = ""


def run_side_by_side(tasks: Sequence[Task], limit_s: float, thrown_away: Mapping[Task, Sequence[str]]) -> list[Ended]:
    """Do *tasks* at once, so that starting and stopping disturbs none of them.

    :param limit_s: what generator and emulation may be late (:mod:`~openprequal.bench.tail.lateness`).
    :param thrown_away: why earlier tries did not count.
    :raises StartFailed: a program is missing or does not start.
    """
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name, contextlib.ExitStack() as started:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user's
        lanes = []
        for number, task in enumerate(tasks):
            own = folder / str(number)  # short: sockets lie in there, whose paths the system limits
            own.mkdir()
            lanes.append(Lane(task, own, started))
            lanes[-1].start()
        for lane in lanes:
            lane.wait_until_ready()
        machine = describe_machine()
        begin_s = time.monotonic() + _GENERATOR_START_S * (1 + len(lanes) / 2)
        for lane in lanes:
            lane.begin(begin_s)
        # All of one batch last equally long: what is counted of one is counted of all.
        warm_up_s, counted_s = tasks[0].warm_up_s, tasks[0].counted_s
        wakings: list[tuple[float, Lane | None]] = [(warm_up_s, None), (warm_up_s + counted_s, None)]
        wakings += [(lane.joins_s, lane) for lane in lanes if lane.joins_s is not None]
        spent: list[tuple[list[Spent], float, float]] = []
        for at_s, joined in sorted(wakings, key=lambda waking: waking[0]):
            sleep_until(begin_s + at_s)
            if joined is not None:
                joined.join()
            else:
                spent.append(([lane.cpu() for lane in lanes], busy_s(), stolen_s()))
        until_s = begin_s + warm_up_s + counted_s + DEADLINE_S + _PATIENCE_S
        for lane in lanes:
            lane.wait_for_end(until_s)
        (before, busy_before_s, stolen_before_s), (after, busy_after_s, stolen_after_s) = spent
        busy = (busy_after_s - busy_before_s) / counted_s
        stolen = (stolen_after_s - stolen_before_s) / counted_s
        used = [_difference(*each) for each in zip(before, after, strict=True)]
        told = [lane.backends_told() for lane in lanes]
        for lane in lanes:
            lane.terminate()
        return [
            _ended(*each, busy, stolen, len(lanes), machine, limit_s, thrown_away.get(each[0].task, ()))
            for each in zip(lanes, used, told, strict=True)
        ]


def _difference(before: Spent, after: Spent) -> Spent:
    return Spent(after.proxies - before.proxies, after.generator - before.generator, after.emulation - before.emulation)


def _ended(
    lane: Lane,
    used: Spent,
    told: Sequence[Mapping[str, Any]],
    busy: float,
    stolen: float,
    lanes: int,
    machine: str,
    limit_s: float,
    thrown_away: Sequence[str],
) -> Ended:
    task, seen = lane.task, lane.seen()
    late_s, lag_s = late_of(seen, task.warm_up_s), p99_of(list(chain.from_iterable(each["lags_s"] for each in told)))
    against = objection(late_s, lag_s, limit_s, stolen)
    if against is not None:
        return Ended(task, None, f"{against}; {busy:.2f} cores busy, {lanes} lanes")
    cpu = {name: getattr(used, name) / task.counted_s for name in ("proxies", "generator", "emulation")}
    record = Record(
        workload=task.workload,
        policy=task.policy,
        seed=task.seed,
        warm_up_s=task.warm_up_s,
        counted_s=task.counted_s,
        lanes=lanes,
        latencies=latencies_of(seen, task.warm_up_s),
        per_backend=[sum(each) for each in zip(*(each["requests"] for each in told), strict=True)],
        probes=sum(each["probes"] for each in told),
        sender_late_s=late_s,
        emulation_lag_s=lag_s,
        cpu={**cpu, "machine": busy},
        version=POLICIES[task.policy].peer.version(),
        machine=machine,
        thrown_away=list(thrown_away),
    )
    return Ended(task, record)
