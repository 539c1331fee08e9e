"""The count of requests in flight, which must not leak, and what the reports make of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from openprequal.agent.latency import ENOUGH
from openprequal.agent.load import PATIENCE, InFlight, LoadTracker
from openprequal.agent.work import ProcessorSharing
from openprequal.values import LoadReport, LoadState


def served(tracker: LoadTracker, clock: Clock, latency_s: float, requests: int = 1) -> None:
    for _ in range(requests):
        with tracker.begin() as request:
            clock.advance(latency_s)
            request.head()


def test_a_fresh_backend_reports_no_latency() -> None:
    assert LoadTracker(Clock()).report() == LoadReport(0, None, LoadState.READY)


def test_a_backend_reports_no_latency_before_eight_requests() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    served(tracker, clock, 0.01, 7)
    assert tracker.report().latency_s is None
    served(tracker, clock, 0.01)
    assert tracker.report().latency_s == pytest.approx(0.01)


def test_a_request_is_in_flight_until_its_response_has_ended() -> None:
    tracker = LoadTracker(Clock())
    request = tracker.begin()
    request.head()
    assert tracker.rif == 1
    request.end()
    assert tracker.rif == 0


@given(st.lists(st.sampled_from(["begin", "head", "stream", "end", "twice", "raise"]), max_size=60))
def test_however_requests_end_the_count_is_that_of_those_begun_and_not_ended(steps: list[str]) -> None:
    clock = Clock()
    tracker, present = LoadTracker(clock), list[InFlight]()
    for step in steps:
        clock.advance(0.01)
        if step == "begin" or not present:
            present.append(tracker.begin())
        elif step == "head":
            present[0].head()
        elif step == "stream":
            present[-1].head(sample=False)
        elif step == "raise":
            with pytest.raises(ZeroDivisionError), present.pop():
                raise ZeroDivisionError
        else:
            ended = present.pop(0)
            for _ in range(2 if step == "twice" else 1):
                ended.end()
            ended.head()
        assert tracker.report().rif == len(present)


def test_the_latency_sample_ends_with_the_head_not_with_the_body() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    request = tracker.begin()
    clock.advance(0.5)
    request.head()
    clock.advance(60)
    request.head()
    request.end()
    assert tracker.average_latency_s == 0.5


def test_a_stream_gives_no_sample() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    for _ in range(2 * ENOUGH):
        request = tracker.begin()
        clock.advance(5)
        request.head(sample=False)
        request.end()
    assert (tracker.report().latency_s, tracker.average_latency_s) == (None, None)


@pytest.mark.parametrize("quick", [ENOUGH - 1, 2 * ENOUGH])
def test_the_time_until_a_streams_head_is_no_part_of_the_next_sample(quick: int) -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    served(tracker, clock, 0.01, quick)
    with tracker.begin() as stream:
        clock.advance(5)
        stream.head(sample=False)
    served(tracker, clock, 0.01)
    assert tracker.report().latency_s == pytest.approx(0.01)


def test_of_a_streams_waiting_only_what_no_sample_has_counted_yet_is_forgotten() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    stream = tracker.begin()
    served(tracker, clock, 0.01, 4 * ENOUGH)
    clock.advance(5)
    stream.head(sample=False)
    stream.end()
    served(tracker, clock, 0.01)
    # Of the last request only its own 0.01 s; of those before 0.02, in which there were two.
    assert tracker.report(0).latency_s == pytest.approx(0.01, rel=0.001)


def test_an_in_band_report_excludes_the_request_it_answers() -> None:
    tracker = LoadTracker(Clock())
    tracker.begin()
    request = tracker.begin()
    assert (request.report().rif, tracker.report().rif) == (1, 2)
    request.end()
    assert request.report().rif == 1


def test_a_backend_that_hangs_does_not_look_fast() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    served(tracker, clock, 0.01, ENOUGH)
    tracker.begin()
    clock.advance(20)
    assert PATIENCE == 4
    assert tracker.report().latency_s == pytest.approx(5)


def test_a_backend_that_hangs_from_its_first_request_on_has_a_latency() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    tracker.begin()
    assert tracker.report().latency_s is None
    clock.advance(3)
    assert tracker.report().latency_s == pytest.approx(0.75)


@pytest.mark.parametrize("polls", [1, 9])
def test_long_polls_among_quick_requests_count_for_their_share_of_the_waiting_and_no_more(polls: int) -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    for _ in range(polls):
        tracker.begin()
    served(tracker, clock, 0.01, 500)
    # They count as if they had been competing: together they all have waited so many times what the quick one has.
    latency_s = tracker.report(polls).latency_s
    assert latency_s is not None
    assert 0.01 <= latency_s <= 0.01 * (1 + polls) * 1.01
    # As long as the RIF does not vary nothing tells that they are not; an idle server's latency is right all the same.
    assert tracker.report(0).latency_s == pytest.approx(0.01)


def test_a_buried_server_that_finishes_small_requests_only_does_not_look_fast() -> None:
    clock = Clock()
    tracker, cores = LoadTracker(clock), ProcessorSharing(clock, 1)
    finished: list[float] = []

    def arrive(work_s: float) -> InFlight:
        request, came_s = tracker.begin(), clock.seconds()

        def done(_: None) -> None:
            request.head()
            request.end()
            finished.append(clock.seconds() - came_s)

        cores.work(work_s).addCallback(done)
        return request

    large = []
    for _ in range(300):  # in 3 s it is asked for 150 s of work
        large.append(arrive(1.0))
        arrive(0.001)
        for _ in range(20):
            clock.advance(0.0005)
    assert tracker.rif > len(large)  # all large ones are there still
    assert len(finished) > ENOUGH
    waited_s = sum(clock.seconds() - request.started_at for request in large) / len(large)
    latency_s = tracker.report().latency_s
    assert latency_s is not None
    # The next one will have to wait longer than those present have waited so far.
    assert latency_s > 2 * waited_s > 4 * sum(finished) / len(finished)


def test_idle_time_before_a_request_is_not_its_silence() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    served(tracker, clock, 0.01, ENOUGH)
    clock.advance(5)
    tracker.begin()
    assert tracker.report().latency_s == pytest.approx(0.02)


def test_a_request_given_up_after_more_than_the_estimate_counts_as_a_sample() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    served(tracker, clock, 0.1, ENOUGH)
    for _ in range(60):
        request = tracker.begin()
        clock.advance(1)
        request.end()
    assert tracker.report().latency_s == pytest.approx(1, rel=0.1)


def test_clients_that_leave_early_do_not_make_the_backend_look_fast() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    served(tracker, clock, 1.0, ENOUGH)
    for _ in range(9):
        request = tracker.begin()
        clock.advance(0.01)
        request.end()
    assert tracker.report().latency_s == pytest.approx(1.0)
    served(tracker, clock, 1.0)
    assert tracker.report().latency_s == pytest.approx(1.0, rel=0.02)


@pytest.mark.parametrize("state", list(LoadState))
def test_the_state_is_reported(state: LoadState) -> None:
    tracker = LoadTracker(Clock())
    tracker.state = state
    assert tracker.report().state is tracker.begin().report().state is state
    assert tracker.draining is (state is LoadState.DRAINING)


# What a sample is tagged with: how many others there were beside the request on average, not at its arrival. After
# enough of the same an idle server's latency is the sample's over (others + 1).


def test_in_a_growing_queue_those_who_came_later_count_for_the_time_they_were_there() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    for _ in range(ENOUGH):
        queue = [tracker.begin()]
        for _ in range(3):
            clock.advance(0.25)
            queue.append(tracker.begin())
            queue[-1].head(sample=False)
        clock.advance(0.25)
        queue[0].head()
        for each in queue:
            each.end()
    # 0.75 + 0.5 + 0.25 seconds of others in one; there were none when it arrived.
    assert tracker.report(0).latency_s == pytest.approx(1 / 2.5)


def test_in_a_draining_queue_those_who_left_count_for_the_time_they_were_there() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    for _ in range(ENOUGH):
        before = [tracker.begin() for _ in range(3)]
        for each in before:
            each.head(sample=False)
        with tracker.begin() as last:
            for each in before:
                clock.advance(0.25)
                each.end()
            clock.advance(0.25)
            last.head()
    # There were three when it arrived.
    assert tracker.report(0).latency_s == pytest.approx(1 / 2.5)


def test_in_a_steady_queue_the_average_is_what_it_met() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    for _ in range(3):
        tracker.begin().head(sample=False)
    served(tracker, clock, 1.0, ENOUGH)
    assert tracker.report(0).latency_s == pytest.approx(1 / 4)


def test_who_was_there_only_before_or_after_does_not_count() -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    for _ in range(ENOUGH):
        with tracker.begin() as before:
            before.head(sample=False)
            clock.advance(7)
        with tracker.begin() as request:
            clock.advance(1)
            request.head()
            with tracker.begin() as after:
                after.head(sample=False)
                clock.advance(7)
    assert tracker.report(0).latency_s == pytest.approx(1.0)


def test_a_clock_that_was_set_back_neither_breaks_the_count_nor_the_estimate() -> None:
    clock = Clock()
    clock.advance(100)
    tracker = LoadTracker(clock)
    requests = [tracker.begin() for _ in range(3)]
    clock.rightNow -= 50
    for request in requests:
        request.head()
        request.end()
    assert tracker.rif == 0
    served(tracker, clock, 0.1, ENOUGH)
    latency_s = tracker.report().latency_s
    assert latency_s is not None
    assert 0 < latency_s < 1


def test_idleness_is_told_when_the_last_request_ends() -> None:
    tracker, told = LoadTracker(Clock()), []
    requests = [tracker.begin(), tracker.begin()]
    tracker.when_idle().addCallback(told.append)
    requests[1].end()
    assert told == []
    requests[0].end()
    assert told == [None]
    SynchronousTestCase().successResultOf(tracker.when_idle())


def test_waiting_for_idleness_can_be_cancelled() -> None:
    tracker, failures = LoadTracker(Clock()), []
    request = tracker.begin()
    waiting = tracker.when_idle()
    waiting.addErrback(failures.append)
    waiting.cancel()
    request.end()
    assert len(failures) == 1


STEPS = st.tuples(st.sampled_from(["begin", "head", "stream", "report", "end", "raise", "cancel"]), st.integers(0, 9))


@given(st.lists(STEPS, max_size=120))
def test_in_whatever_order_requests_go_nothing_is_left_of_them(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    tracker = LoadTracker(clock)
    begun: list[InFlight] = []
    ended: set[InFlight] = set()
    for step, which in steps:
        clock.advance(0.003)
        if step == "begin" or not begun:
            begun.append(tracker.begin())
            continue
        request = begun[which % len(begun)]  # one that has ended, too
        if step in ("head", "stream"):
            request.head(sample=step == "head")
        elif step == "report":
            assert request.report().rif == len(begun) - len(ended | {request})
        elif step == "raise":
            with pytest.raises(ZeroDivisionError), request:
                raise ZeroDivisionError
            ended.add(request)
        else:
            deferred: Deferred[None] = Deferred()
            deferred.addBoth(lambda _, request=request: request.end())
            deferred.cancel() if step == "cancel" else deferred.callback(None)
            ended.add(request)
        assert tracker.rif == len(begun) - len(ended)
    for request in begun:
        request.end()
    assert tracker.rif == 0
    clock.advance(1000)
    latency_s = tracker.report().latency_s
    # Nobody is thought to be waiting still.
    assert latency_s is None or latency_s < 1


# ---- sync mode: "may report its load scaled down, e.g. by 10, to attract it" ----------------------------------------


def warm_for(*hints: bytes, scale: float = 10.0) -> LoadTracker:
    """A tracker with 20 requests in flight and a latency of 20 ms at no load."""
    clock = Clock()
    tracker = LoadTracker(clock, is_warm=hints.__contains__, warm_scale=scale)
    served(tracker, clock, 0.02, ENOUGH)
    for _ in range(20):
        tracker.begin().head(sample=False)
    return tracker


def test_for_a_hint_whose_data_is_in_cache_the_load_is_scaled_down() -> None:
    report = warm_for(b"a").report(hint=b"a")
    assert (report.rif, report.latency_s) == (2.0, pytest.approx(0.042))


@pytest.mark.parametrize("hint", [None, b"b"])
def test_for_any_other_probe_it_is_not(hint: bytes | None) -> None:
    report = warm_for(b"a").report(hint=hint)
    assert (report.rif, report.latency_s) == (20, pytest.approx(0.42))


def test_without_a_cache_a_hint_means_nothing() -> None:
    tracker = LoadTracker(Clock())
    tracker.begin()
    assert tracker.report(hint=b"a") == tracker.report()


def test_the_scale_can_be_chosen_but_not_to_look_busier() -> None:
    assert warm_for(b"a", scale=4).report(hint=b"a").rif == 5
    with pytest.raises(ValueError, match="scaled down"):
        LoadTracker(Clock(), warm_scale=0.5)
