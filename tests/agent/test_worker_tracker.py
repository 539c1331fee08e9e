"""The load of several processes, counted in each and told by any."""

from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from openprequal.agent.latency import ENOUGH
from openprequal.agent.load import LoadTracker
from openprequal.agent.workers.rows import SharedRows
from openprequal.agent.workers.tracker import LOOK_S, WorkerRequest, WorkerTracker
from openprequal.agent.workers.whole import added_up, load_of
from openprequal.values import LoadState


class Processes:
    """Several processes of one application, as their trackers."""

    def __init__(self, folder: Path, count: int) -> None:
        self.clock = Clock()
        self.trackers = [WorkerTracker(self.clock) for _ in range(count)]
        self.rows = [SharedRows(folder) for _ in range(count)]
        for tracker, rows in zip(self.trackers, self.rows, strict=True):
            tracker.join(rows)
        self.look()

    def look(self) -> None:
        """Let so much time pass that everybody looks again."""
        self.clock.advance(LOOK_S * 2)

    def told(self) -> tuple[float | None, float | None, LoadState]:
        """What a probe is answered with."""
        now = self.clock.seconds()
        report = load_of(added_up(self.rows[0].read(), now), now)
        return report.rif, report.latency_s, report.state

    def serve(self, tracker: WorkerTracker, latency_s: float, times: int) -> None:
        for _ in range(times):
            request = tracker.begin()
            self.clock.advance(latency_s)
            request.head()
            request.end()


@pytest.fixture
def two(tmp_path: Path) -> Processes:
    return Processes(tmp_path, 2)


def test_alone_it_reports_what_a_load_tracker_does() -> None:
    clock = Clock()
    alone, plain = WorkerTracker(clock), LoadTracker(clock)
    for _ in range(ENOUGH):
        requests = alone.begin(), plain.begin()
        clock.advance(0.5)
        for request in requests:
            request.head()
            request.end()
    assert alone.report() == plain.report()
    assert alone.report().latency_s == pytest.approx(0.5)


def test_requests_of_all_processes_are_in_flight(two: Processes) -> None:
    one, other = two.trackers
    one.begin()
    other.begin()
    other.begin()
    two.look()
    assert (one.report().rif, other.report().rif, two.told()[0]) == (3, 3, 3)


def test_an_in_band_report_leaves_out_the_request_it_answers(two: Processes) -> None:
    one, other = two.trackers
    other.begin()
    two.look()
    request = one.begin()
    assert request.answered().rif == 1
    assert request.report().rif == 1
    request.end()
    assert request.report().rif == 1


def test_what_another_process_does_is_seen_soon_not_at_once(two: Processes) -> None:
    one, other = two.trackers
    assert one.report().rif == 0
    other.begin()
    assert one.report().rif == 0
    two.look()
    assert one.report().rif == 1


def test_the_latency_is_known_by_all_processes_together(two: Processes) -> None:
    one, other = two.trackers
    two.serve(one, 0.1, ENOUGH // 2)
    assert two.told()[1] is None
    two.serve(other, 0.3, ENOUGH // 2)
    two.look()
    assert two.told()[1] == pytest.approx(0.2, rel=0.3)
    assert one.report().latency_s == pytest.approx(two.told()[1])


def test_who_measured_long_ago_has_no_say_beside_one_who_did_just_now(two: Processes) -> None:
    one, other = two.trackers
    two.serve(one, 5.0, ENOUGH)
    two.clock.advance(60)
    two.serve(other, 0.1, ENOUGH)
    assert two.told()[1] == pytest.approx(0.1, rel=0.1)


def test_one_process_at_a_time_learns_what_the_others_cost_it(two: Processes) -> None:
    # Two processes on one core: alone a request takes 0.1 s, beside another one 0.2 s.
    one, other = two.trackers
    for _ in range(30):
        two.serve(one, 0.1, 2)
        first, second = one.begin(), other.begin()
        two.clock.advance(0.2)
        for request in (first, second):
            request.head()
            request.end()
    two.look()
    assert one._estimator.exponent > 0.5
    assert one.report().latency_s == pytest.approx(0.1, rel=0.3)
    one.begin()
    assert one.report().latency_s == pytest.approx(0.2, rel=0.3)


def test_a_request_that_hangs_in_one_process_is_silence_of_all_only_if_nobody_answers(two: Processes) -> None:
    one, other = two.trackers
    two.serve(one, 0.1, ENOUGH)
    one.begin()
    two.clock.advance(8.0)
    silent = two.told()[1]
    assert silent == pytest.approx(2.0)
    two.serve(other, 0.1, 1)
    latency_s = two.told()[1]
    assert latency_s is not None
    assert latency_s < 1.0


def test_the_application_drains_once_all_of_its_processes_do(two: Processes) -> None:
    one, other = two.trackers
    one.state = LoadState.DRAINING
    two.rows[0].tell(LoadState.DRAINING)
    assert (two.told()[2], one.report().state, one.draining) == (LoadState.READY, LoadState.READY, False)
    other.state = LoadState.DRAINING
    two.rows[1].tell(LoadState.DRAINING)
    two.look()
    assert (two.told()[2], one.report().state, one.draining) == (LoadState.DRAINING, LoadState.DRAINING, True)


def test_a_process_that_comes_or_goes_meanwhile_does_not_upset_what_is_learned(tmp_path: Path) -> None:
    processes = Processes(tmp_path, 2)
    one, other = processes.trackers
    processes.serve(one, 0.1, ENOUGH)
    for _ in range(50):
        other.begin()
    processes.clock.advance(1000)
    request = one.begin()
    processes.clock.advance(0.1)
    processes.rows[1].close()
    request.head()
    request.end()
    latency_s = one.report().latency_s
    assert latency_s is not None
    assert 0 < latency_s < 10


def test_after_it_has_left_it_counts_alone(two: Processes) -> None:
    one, other = two.trackers
    other.begin()
    two.look()
    assert one.report().rif == 1
    one.join(None)
    assert one.report().rif == 0


def test_threads_do_not_lose_count() -> None:
    tracker = WorkerTracker(Clock())
    barrier = Barrier(4)

    def work() -> None:
        barrier.wait()
        for _ in range(500):
            request = tracker.begin()
            request.answered()
            request.end()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tracker.rif == 0
    assert tracker.report().rif == 0


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["begin", "head", "quiet", "end", "end"])), max_size=60))
def test_whatever_happens_in_whatever_order_nothing_is_left_in_flight(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str]]
) -> None:
    processes = Processes(tmp_path_factory.mktemp("rows"), 2)
    requests: list[list[WorkerRequest]] = [[], []]
    for place, step in steps:
        processes.clock.advance(0.01)
        if step == "begin":
            requests[place].append(processes.trackers[place].begin())
        elif requests[place]:
            request = requests[place][0]
            if step == "end":
                request.end()
                request.end()
                requests[place].pop(0)
            else:
                request.answered(sample=step == "head")
    assert processes.told()[0] == sum(map(len, requests))
    for request in (*requests[0], *requests[1]):
        request.end()
    assert processes.told()[0] == 0
    for rows in processes.rows:
        rows.close()
