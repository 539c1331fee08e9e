"""The whole agent before servers of each kind: does it learn which it is, and what it takes there?

"A good estimator learns which it is" (PREQUAL.md section 4).
"""

from collections import deque
from collections.abc import Callable
from math import log2
from random import Random
from statistics import mean

import pytest
from twisted.internet.task import Clock

from openprequal.agent.load import InFlight, LoadTracker
from openprequal.agent.work import ProcessorSharing

WORK_S = 0.02

Done = Callable[[InFlight], None]
Serve = Callable[[InFlight, float, Done], None]


def shared_processor(clock: Clock, cores: int) -> Serve:
    """All present share the cores."""
    sharing = ProcessorSharing(clock, cores)

    def serve(request: InFlight, work_s: float, done: Done) -> None:
        sharing.work(work_s).addCallback(lambda _: done(request))

    return serve


def slots_and_queue(clock: Clock, slots: int) -> Serve:
    """So many are served at once, as by a pool of threads; the others wait in a queue."""
    waiting: deque[tuple[InFlight, float, Done]] = deque()
    busy: set[InFlight] = set()

    def start(request: InFlight, work_s: float, done: Done) -> None:
        busy.add(request)
        clock.callLater(work_s, end, request, done)

    def end(request: InFlight, done: Done) -> None:
        busy.discard(request)
        done(request)
        if waiting:
            start(*waiting.popleft())

    def serve(request: InFlight, work_s: float, done: Done) -> None:
        if len(busy) < slots:
            start(request, work_s, done)
        else:
            waiting.append((request, work_s, done))

    return serve


def asynchronous(clock: Clock, _: int) -> Serve:
    """Requests only wait, for a database say, and do not slow each other down."""

    def serve(request: InFlight, work_s: float, done: Done) -> None:
        clock.callLater(work_s, done, request)

    return serve


def learned(
    kind: Callable[[Clock, int], Serve],
    width: int,
    at_once: float,
    requests: int = 4000,
    look: Callable[[LoadTracker], None] = lambda tracker: None,
) -> LoadTracker:
    """A tracker after random arrivals, of which *at_once* are in service on average; *look* sees it at each."""
    clock, rng = Clock(), Random(1)
    tracker, serve = LoadTracker(clock), kind(clock, width)

    def done(request: InFlight) -> None:
        request.head()
        request.end()

    arrival_s = 0.0
    for _ in range(requests):
        arrival_s += rng.expovariate(at_once / WORK_S)
        while (timers := clock.getDelayedCalls()) and timers[0].getTime() <= arrival_s:
            clock.advance(max(0.0, timers[0].getTime() - clock.seconds()))
        clock.advance(max(0.0, arrival_s - clock.seconds()))
        look(tracker)
        serve(tracker.begin(), max(0.05 * WORK_S, rng.gauss(WORK_S, WORK_S / 2)), done)
    return tracker


def exponent(tracker: LoadTracker) -> float:
    """What it has learned, from what it reports."""
    low_s, high_s = tracker.report(0).latency_s, tracker.report(1).latency_s
    assert low_s
    assert high_s
    return log2(high_s / low_s)


@pytest.mark.parametrize(("width", "at_once"), [(1, 0.6), (1, 0.9), (2, 1.7)])
def test_a_shared_processor_is_recognised(width: int, at_once: float) -> None:
    tracker = learned(shared_processor, width, at_once)
    assert exponent(tracker) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("rif", [4, 9, 19])
@pytest.mark.parametrize(("width", "at_once"), [(1, 0.6), (1, 0.9), (2, 1.7)])
def test_its_latency_is_foretold_within_a_quarter_and_on_average_within_a_tenth(
    width: int, at_once: float, rif: int
) -> None:
    # Over the whole run: how large the estimate is at one moment is chance, and it is larger while a queue grows.
    ratios: list[float] = []

    def look(tracker: LoadTracker) -> None:
        latency_s = tracker.report(rif).latency_s
        if latency_s is not None:
            ratios.append(latency_s / (WORK_S * (rif + 1) / width))

    learned(shared_processor, width, at_once, look=look)
    assert len(ratios) > 3900
    assert mean(ratios) == pytest.approx(1.0, abs=0.1)
    assert mean(abs(ratio - 1.0) for ratio in ratios) < 0.25


def test_a_queue_before_one_slot_is_like_a_shared_processor() -> None:
    tracker = learned(slots_and_queue, 1, 0.8)
    assert exponent(tracker) == pytest.approx(1.0, abs=0.1)
    assert tracker.report(9).latency_s == pytest.approx(WORK_S * 10, rel=0.25)


def test_a_queue_before_many_slots_is_in_between() -> None:
    assert 0.3 < exponent(learned(slots_and_queue, 8, 6.4)) < 0.9


def test_many_slots_without_a_queue_are_like_an_asynchronous_server() -> None:
    assert exponent(learned(slots_and_queue, 8, 4.0)) < 0.3


@pytest.mark.parametrize("at_once", [5, 19])
def test_an_asynchronous_server_is_recognised(at_once: float) -> None:
    assert exponent(learned(asynchronous, 0, at_once)) < 0.2


@pytest.mark.parametrize("rif", [4, 9, 19])
def test_the_latency_of_an_asynchronous_server_is_foretold_within_a_quarter(rif: int) -> None:
    tracker = learned(asynchronous, 0, 10)
    assert tracker.report(rif).latency_s == pytest.approx(WORK_S, rel=0.25)
