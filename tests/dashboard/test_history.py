"""The last minutes of a service, from what is counted anyway."""

from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from watching import Watcher
from whole_gateway import Start

from openprequal.balancing.round_robin import RoundRobin
from openprequal.dashboard.history import KEPT, History, quantile
from openprequal.interfaces import BalancerContext
from openprequal.metrics.tally import REQUEST_BUCKETS_S
from openprequal.routing.service import Service


def service() -> Service:
    return Service("default", RoundRobin(BalancerContext(Clock(), Random(1), None)))


def test_a_sample_is_what_ended_since_the_one_before() -> None:
    one = service()
    history = History({"default": one})
    one.tally.finished(b"GET", 200, 0.004)
    history.tick(10.0)
    for status in (200, 200, 503):
        one.tally.finished(b"GET", status, 0.004)
    one.retry_budget.counts["timeout"] += 2
    history.tick(12.0)
    _, sample = history.after(0)["default"]
    assert (sample.at_s, sample.seconds, sample.requests, sample.errors, sample.retries) == (12.0, 2.0, 3, 1, 2)
    assert sample.p50_s is not None
    assert 0.002 < sample.p50_s <= 0.005


def test_without_requests_there_is_no_latency() -> None:
    history = History({"default": service()})
    history.tick(0.0)
    (sample,) = history.after(0)["default"]
    assert (sample.requests, sample.p50_s, sample.p99_s) == (0, None, None)


def test_no_more_than_the_last_minutes_are_kept() -> None:
    history = History({"default": service()})
    for tick in range(KEPT + 20):
        history.tick(2.0 * tick)
    samples = history.after(0)["default"]
    assert len(samples) == KEPT
    assert samples[-1].number == history.last


def test_only_the_samples_after_a_number_are_given() -> None:
    history = History({"default": service()})
    for tick in range(10):
        history.tick(2.0 * tick)
    assert [sample.number for sample in history.after(history.last - 2)["default"]] == [9, 10]


def test_services_may_come_and_go() -> None:
    services = {"default": service()}
    history = History(services)
    history.tick(0.0)
    services["late"] = service()
    history.tick(2.0)
    history.tick(4.0)
    assert [len(history.after(0)[name]) for name in ("default", "late")] == [3, 2]
    del services["default"]
    history.tick(6.0)
    assert history.after(0).keys() == {"late"}


def test_samples_are_taken_though_nobody_looks(start: Start) -> None:
    gateway = start()
    gateway.wait(7.0)
    gateway.answer_all()
    assert len(Watcher(gateway).snapshots[0]["history"]["default"]) >= 2


@given(
    st.lists(st.integers(0, 50), min_size=len(REQUEST_BUCKETS_S), max_size=len(REQUEST_BUCKETS_S)), st.floats(0.01, 1)
)
def test_a_quantile_lies_in_the_bucket_that_its_value_fell_into(buckets: list[int], share: float) -> None:
    # The upper bound of the bucket of each value, smallest first: the value of that rank is known to its bucket.
    values = [number for number, count in enumerate(buckets) for _ in range(count)]
    found = quantile(REQUEST_BUCKETS_S, [*buckets, 0], share)
    if not values:
        assert found is None
        return
    assert found is not None
    bucket = values[min(len(values), ceil(share * len(values) - 1e-9)) - 1]
    assert (0.0, *REQUEST_BUCKETS_S)[bucket] <= found <= REQUEST_BUCKETS_S[bucket]


def test_half_of_a_bucket_is_its_middle() -> None:
    assert quantile((1.0, 2.0), [0, 10, 0], 0.5) == pytest.approx(1.5)


def test_what_is_beyond_all_bounds_counts_as_the_last() -> None:
    assert quantile((1.0, 2.0), [0, 0, 10], 0.5) == 2.0
