"""Servers serve what they should, when they should."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.serving import Job, ProcessorSharing, Serving, SlotsAndQueue

Event = tuple[float, str, Any]


def served(serving: Serving, clock: VirtualClock, events: list[Event]) -> dict[int, float]:
    """When each job was done, by its number."""
    done: dict[int, float] = {}
    jobs: list[Job] = []
    for at_s, what, value in events:
        clock.run_until(at_s)
        if what == "job":
            number = len(jobs)
            jobs.append(Job(value, lambda number=number: done.setdefault(number, clock.now)))
            serving.begin(jobs[-1])
        elif what == "change":
            serving.change(*value)
        elif value < len(jobs) and value not in done and not jobs[value].cancelled:
            serving.cancel(jobs[value])
    clock.run_until(clock.now + 10_000)
    return done


def by_brute_force(cores: float, speed: float, events: list[Event]) -> tuple[dict[int, float], float]:
    """The same from first principles: no heap, no shared counter; and the work that was done."""
    left: dict[int, float] = {}
    done: dict[int, float] = {}
    waiting = [*events, (inf, "end", None)]
    now = worked = 0.0
    count = 0
    while True:
        rate = speed * min(1.0, cores / len(left)) if left else 0.0
        first = min(left, key=lambda number: left[number], default=None)
        until_s = now + left[first] / rate if first is not None else inf
        at_s, what, value = waiting[0]
        if until_s <= at_s and first is not None:
            spent = left[first]
            worked += spent * len(left)
            left = {number: work - spent for number, work in left.items()}
            now = until_s
            for number in [number for number, work in left.items() if work <= 1e-9]:
                del left[number]
                done[number] = now
            continue
        if what == "end":
            return done, worked
        worked += (at_s - now) * rate * len(left)
        left = {number: work - (at_s - now) * rate for number, work in left.items()}
        now = at_s
        waiting.pop(0)
        if what == "job":
            left[count] = value
            count += 1
        elif what == "change":
            cores, speed = value
        else:
            left.pop(value, None)


_work = st.integers(1, 400).map(lambda hundredths: hundredths / 100)
_event = st.one_of(
    st.tuples(st.just("job"), _work),
    st.tuples(st.just("cancel"), st.integers(0, 8)),
    st.tuples(st.just("change"), st.tuples(st.sampled_from((0.5, 1.0, 2.5, inf)), st.sampled_from((0.25, 1.0, 2.0)))),
)
# Odd parts of a second between events, so that nothing ends at the very moment of another event.
_events = st.lists(st.tuples(st.integers(1, 99).map(lambda n: n / 37 + 0.00123), _event), max_size=20)


@given(st.sampled_from((0.7, 1.0, 3.0)), st.sampled_from((0.5, 1.0)), _events)
def test_shared_cores_serve_as_first_principles_say(
    cores: float, speed: float, steps: list[tuple[float, tuple[str, Any]]]
) -> None:
    events: list[Event] = []
    at_s = 0.0
    for gap_s, (what, value) in steps:
        at_s += gap_s
        events.append((at_s, what, value))
    clock = VirtualClock(0.0)
    serving = ProcessorSharing(clock, cores, speed)
    done = served(serving, clock, events)
    expected, worked = by_brute_force(cores, speed, events)
    assert done == pytest.approx(expected, abs=1e-5)
    assert serving.worked_s() == pytest.approx(worked, abs=1e-5)
    assert serving.jobs == 0


def test_two_jobs_on_one_core_take_twice_as_long() -> None:
    clock = VirtualClock(0.0)
    done = served(ProcessorSharing(clock, 1.0), clock, [(0.0, "job", 1.0), (0.0, "job", 1.0)])
    assert done == pytest.approx({0: 2.0, 1: 2.0})


def test_without_limit_of_cores_a_server_is_a_mere_delay() -> None:
    clock = VirtualClock(0.0)
    events = [(number / 10, "job", 0.5) for number in range(100)]
    done = served(ProcessorSharing(clock, inf, 0.5), clock, events)
    assert done == pytest.approx({number: number / 10 + 1.0 for number in range(100)})


def test_slots_serve_in_the_order_of_arrival_and_so_many_at_once() -> None:
    clock = VirtualClock(0.0)
    done = served(SlotsAndQueue(clock, 2), clock, [(0.0, "job", work) for work in (4.0, 1.0, 1.0, 1.0)])
    assert done == pytest.approx({1: 1.0, 2: 2.0, 3: 3.0, 0: 4.0})


@given(st.integers(1, 4), st.lists(st.tuples(_work, _work), min_size=1, max_size=20))
def test_slots_and_queue_are_what_the_textbook_says(slots: int, steps: list[tuple[float, float]]) -> None:
    clock = VirtualClock(0.0)
    events: list[Event] = []
    free = [0.0] * slots
    expected = {}
    at_s = 0.0
    for number, (gap_s, work_s) in enumerate(steps):
        at_s += gap_s
        events.append((at_s, "job", work_s))
        first = min(range(slots), key=lambda slot: free[slot])
        free[first] = max(at_s, free[first]) + work_s
        expected[number] = free[first]
    assert served(SlotsAndQueue(clock, slots), clock, events) == pytest.approx(expected)


def test_a_job_cancelled_in_the_queue_is_never_begun() -> None:
    clock = VirtualClock(0.0)
    serving = SlotsAndQueue(clock, 1)
    done = served(serving, clock, [(0.0, "job", 1.0), (0.0, "job", 5.0), (0.0, "job", 1.0), (0.5, "cancel", 1)])
    assert done == pytest.approx({0: 1.0, 2: 2.0})
    assert (serving.jobs, serving.worked_s()) == (0, 2.0)


def test_a_job_cancelled_while_a_worker_has_it_keeps_the_worker() -> None:
    clock = VirtualClock(0.0)
    serving = SlotsAndQueue(clock, 1)
    done = served(serving, clock, [(0.0, "job", 3.0), (0.0, "job", 1.0), (1.0, "cancel", 0)])
    assert done == pytest.approx({1: 4.0})
    assert serving.jobs == 0


def test_jobs_that_slots_have_begun_go_on_at_their_old_speed() -> None:
    clock = VirtualClock(0.0)
    done = served(SlotsAndQueue(clock, 1), clock, [(0.0, "job", 2.0), (0.0, "job", 2.0), (1.0, "change", (1, 0.5))])
    assert done == pytest.approx({0: 2.0, 1: 6.0})
