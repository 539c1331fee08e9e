"""In which order are the runs done, how many at once, and how often is one tried again?"""

import subprocess
from collections.abc import Callable, Iterable, Sequence
from random import Random

from attrs import frozen

from openprequal.bench.processes import StartFailed
from openprequal.bench.tail.batch import Ended, run_side_by_side
from openprequal.bench.tail.lane import Task
from openprequal.bench.tail.record import Record
from openprequal.bench.tail.workloads import WORKLOADS

TRIES = 3
"""How often a run is done before it is given up as too late."""

Batch = Sequence[Task]
Runner = Callable[[Batch, float, dict[Task, list[str]]], Sequence[Ended]]


@frozen
class Plan:
    """What one benchmark is to do."""

    workloads: Sequence[str]
    policies: Sequence[str]
    seeds: Sequence[int]
    warm_up_s: float
    counted_s: float
    lanes: int = 1
    limit_s: float = 0.01

    def batches(self, done: Iterable[Record] = ()) -> list[list[Task]]:
        """What is left to do, in turns: all policies of a workload with one seed before the next workload, and all
        workloads before the next seed; in another order each time, so that no policy always has the same neighbours."""
        keys = {record.key for record in done}
        batches = []
        for seed in self.seeds:
            for workload in self.workloads:
                order = Random(f"{seed} {workload}").sample(list(self.policies), len(self.policies))
                tasks = [Task(workload, policy, seed, self.warm_up_s, self.counted_s) for policy in order]
                left = [task for task in tasks if task.key not in keys]
                lanes = self.lanes_for(workload)
                batches += [left[first : first + lanes] for first in range(0, len(left), lanes)]
        return batches

    def lanes_for(self, workload: str) -> int:
        """Runs side by side: half as many where the backends take CPU too."""
        return max(1, self.lanes // 2) if WORKLOADS[workload].burns_cpu else self.lanes


@frozen
class GivenUp:
    """A run that was too late, or could not be done, every time."""

    task: Task
    reasons: Sequence[str]


def carry_out(
    plan: Plan,
    done: Iterable[Record],
    keep: Callable[[Record], None],
    tell: Callable[[str], None],
    run: Runner = run_side_by_side,
) -> list[GivenUp]:
    """Do everything that is left of *plan*.

    :param done: runs that need not be done.
    :param keep: is handed every run that counts, as soon as it is over.
    :param tell: is handed a line about what happens.
    :return: what was given up.
    """
    waiting = plan.batches(done)
    reasons: dict[Task, list[str]] = {}
    given_up: list[GivenUp] = []
    number = 0
    while waiting:
        batch = waiting.pop(0)
        number += 1
        names = ", ".join(task.policy for task in batch)
        tell(f"{number} of {number + len(waiting)}: {batch[0].workload}, seed {batch[0].seed}: {names}")
        again = []
        for ended in _tried(run, batch, plan.limit_s, reasons):
            task = ended.task
            if ended.record is not None:
                keep(ended.record)
                continue
            reasons.setdefault(task, []).append(ended.why_not)
            last = len(reasons[task]) == TRIES
            tell(f"{task.policy} thrown away: {ended.why_not}{'; given up' if last else '; it is done again'}")
            if last:
                given_up.append(GivenUp(task, reasons[task]))
            else:
                again.append(task)
        if again:
            waiting.insert(0, again)
    return given_up


def _tried(run: Runner, batch: Batch, limit_s: float, reasons: dict[Task, list[str]]) -> Sequence[Ended]:
    """A program that does not start, or ends, costs this try, and not the hours that others took."""
    try:
        return run(batch, limit_s, reasons)
    except (StartFailed, OSError, subprocess.SubprocessError) as error:
        return [Ended(task, None, str(error)) for task in batch]
