"""The order of runs, and what becomes of those that were too late."""

from collections.abc import Sequence

from openprequal.bench.processes import StartFailed
from openprequal.bench.tail.batch import Ended
from openprequal.bench.tail.lane import Task
from openprequal.bench.tail.record import Record
from openprequal.bench.tail.schedule import TRIES, Plan, carry_out
from tests.bench.tail_records import record

POLICIES = ["openprequal", "haproxy-leastconn", "envoy-weighted"]


def plan(lanes: int = 2, seeds: Sequence[int] = (1, 2)) -> Plan:
    return Plan(["skew-16", "half-slow"], POLICIES, seeds, 5.0, 10.0, lanes)


def done(task: Task) -> Record:
    return record(task.workload, task.policy, 0.1, task.seed)


def run(plan: Plan, late: dict[str, int], already: Sequence[Record] = ()) -> tuple[list[Record], list[str], list[str]]:
    """Runs that count, what was told, and the policies given up, if those of *late* are so many times."""
    kept: list[Record] = []
    told: list[str] = []

    def batch(tasks: Sequence[Task], limit_s: float, reasons: dict[Task, list[str]]) -> list[Ended]:
        ended = []
        for task in tasks:
            if late.get(task.policy, 0) > len(reasons.get(task, [])):
                ended.append(Ended(task, None, "late"))
            else:
                ended.append(Ended(task, done(task)))
        return ended

    given_up = carry_out(plan, already, kept.append, told.append, batch)
    return kept, told, [each.task.policy for each in given_up]


def test_all_policies_of_a_workload_run_before_the_next_and_all_workloads_before_the_next_seed() -> None:
    tasks = [task for batch in plan().batches() for task in batch]
    order = list(dict.fromkeys((task.seed, task.workload) for task in tasks))
    assert order == [(1, "skew-16"), (1, "half-slow"), (2, "skew-16"), (2, "half-slow")]
    assert all({task.policy for task in tasks[first : first + 3]} == set(POLICIES) for first in (0, 3, 6, 9))


def test_a_batch_is_of_one_workload_and_one_seed() -> None:
    assert [len(batch) for batch in plan().batches()] == [2, 1] * 4
    assert all(len({(task.workload, task.seed) for task in batch}) == 1 for batch in plan().batches())


def test_backends_that_compute_take_twice_the_room() -> None:
    computing = Plan(["cpu-bound-4-1"], POLICIES, [1], 5.0, 10.0, 4)
    assert [len(batch) for batch in computing.batches()] == [2, 1]
    assert Plan(["cpu-bound-4-1"], POLICIES, [1], 5.0, 10.0, 1).lanes_for("cpu-bound-4-1") == 1


def test_neighbours_change_with_the_seed() -> None:
    orders = {tuple(task.policy for task in batch) for batch in plan(3, range(1, 9)).batches()}
    assert len(orders) > 2


def test_runs_that_are_there_are_left_out() -> None:
    already = [done(task) for batch in plan().batches() for task in batch][:11]
    assert sum(len(batch) for batch in plan().batches(already)) == 1


def test_runs_of_another_length_are_others() -> None:
    already = [done(task) for batch in plan().batches() for task in batch]
    longer = Plan(["skew-16"], POLICIES, [1], 5.0, 60.0)
    assert sum(len(batch) for batch in longer.batches(already)) == 3


def test_a_late_run_is_done_again_and_that_is_said() -> None:
    kept, told, given_up = run(plan(seeds=[1]), {"envoy-weighted": 1})
    assert len(kept) == 6
    assert given_up == []
    assert sum("envoy-weighted thrown away: late; it is done again" in line for line in told) == 2


def test_a_run_that_is_late_every_time_is_given_up() -> None:
    kept, told, given_up = run(plan(seeds=[1]), {"envoy-weighted": TRIES})
    assert sorted({each.policy for each in kept}) == ["haproxy-leastconn", "openprequal"]
    assert given_up == ["envoy-weighted"] * 2
    assert sum("given up" in line for line in told) == 2


def test_a_program_that_fails_costs_a_try_and_no_more() -> None:
    tries: list[int] = []
    kept: list[Record] = []

    def batch(tasks: Sequence[Task], limit_s: float, reasons: dict[Task, list[str]]) -> list[Ended]:
        tries.append(len(tasks))
        if len(tries) == 1:
            raise StartFailed("envoy ended: no such cluster")
        return [Ended(task, done(task)) for task in tasks]

    assert carry_out(plan(3, [1]), [], kept.append, lambda line: None, batch) == []
    assert tries == [3, 3, 3]
    assert len(kept) == 6
