"""Jobs on shared cores, in virtual time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock

from openprequal.agent.work import ProcessorSharing


class Jobs:
    """Starts jobs and notes when each was done."""

    def __init__(self, cores: float) -> None:
        self.clock = Clock()
        self.sharing = ProcessorSharing(self.clock, cores)
        self.done_at: dict[str, float] = {}

    def start(self, name: str, work_s: float) -> object:
        job = self.sharing.work(work_s)
        job.addCallback(lambda _: self.done_at.__setitem__(name, self.clock.seconds()))
        return job


def test_a_job_alone_takes_its_work() -> None:
    jobs = Jobs(1)
    jobs.start("a", 2)
    jobs.clock.advance(1.999)
    assert jobs.done_at == {}
    jobs.clock.advance(0.001)
    assert jobs.done_at == {"a": 2}


def test_two_jobs_on_one_core_take_twice_as_long() -> None:
    jobs = Jobs(1)
    jobs.start("a", 2)
    jobs.start("b", 2)
    jobs.clock.pump([1] * 4)
    assert jobs.done_at == {"a": 4, "b": 4}


def test_jobs_up_to_the_number_of_cores_do_not_disturb_each_other() -> None:
    jobs = Jobs(2)
    jobs.start("a", 1)
    jobs.start("b", 3)
    jobs.clock.pump([1] * 3)
    assert jobs.done_at == {"a": 1, "b": 3}


def test_a_job_that_comes_later_slows_down_the_one_under_way() -> None:
    jobs = Jobs(1)
    jobs.start("a", 2)
    jobs.clock.advance(1)
    jobs.start("b", 2)
    jobs.clock.pump([1] * 3)
    assert jobs.done_at == {"a": 3, "b": 4}


def test_without_cores_a_job_is_a_mere_delay() -> None:
    jobs = Jobs(0)
    for name in "abcd":
        jobs.start(name, 2)
    jobs.clock.advance(2)
    assert set(jobs.done_at.values()) == {2}


def test_no_work_is_done_at_once_and_sets_no_timer() -> None:
    jobs = Jobs(1)
    jobs.start("a", 0)
    assert jobs.done_at == {"a": 0}
    assert jobs.clock.getDelayedCalls() == []


def test_a_cancelled_job_leaves_its_share_to_the_others() -> None:
    jobs, failures = Jobs(1), []
    leaving = jobs.sharing.work(5)
    leaving.addErrback(failures.append)
    jobs.start("a", 2)
    jobs.clock.advance(2)
    leaving.cancel()
    jobs.clock.advance(1)
    assert failures[0].check(CancelledError)
    assert jobs.done_at == {"a": 3}
    assert jobs.clock.getDelayedCalls() == []


def test_one_timer_serves_all_jobs() -> None:
    jobs = Jobs(1)
    for number in range(100):
        jobs.start(str(number), 1 + number)
    assert len(jobs.clock.getDelayedCalls()) == 1


@given(st.floats(0.5, 4), st.lists(st.tuples(st.floats(0, 2), st.floats(0.01, 3)), min_size=1, max_size=20))
def test_all_work_gets_done_in_no_less_than_its_time_nor_more_than_one_core_share(
    cores: float, arrivals: list[tuple[float, float]]
) -> None:
    jobs = Jobs(cores)
    came: dict[str, tuple[float, float]] = {}
    for number, (pause_s, work_s) in enumerate(arrivals):
        jobs.clock.advance(pause_s)
        came[str(number)] = (jobs.clock.seconds(), work_s)
        jobs.start(str(number), work_s)
    total_s = sum(work_s for _, work_s in arrivals)
    for _ in range(2 * len(arrivals)):
        if timers := jobs.clock.getDelayedCalls():
            jobs.clock.advance(max(0.0, timers[0].getTime() - jobs.clock.seconds()))
    assert set(jobs.done_at) == set(came)
    for name, (at, work_s) in came.items():
        # Clock.advance fires a timer only at the end of the step, hence the longest pause on top.
        assert at + work_s - 1e-6 <= jobs.done_at[name] <= at + total_s / min(1, cores) + 2 + 1e-6
    assert jobs.clock.seconds() == pytest.approx(max(jobs.done_at.values()), abs=2)
