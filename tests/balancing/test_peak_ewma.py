"""PeakEwma: latency times requests under way, of two drawn at random."""

import pytest
from table import BROKEN, CANCELLED, Table

from openprequal.values import Ending, Outcome


def test_the_faster_of_two_is_picked() -> None:
    table = Table("peak_ewma", 1, 1)
    table.serve(0, 0.5)
    table.serve(1, 0.1)
    assert table.picks(20) == {1: 20}


def test_requests_under_way_multiply_the_latency() -> None:
    table = Table("peak_ewma", 1, 1)
    table.serve(0, 0.35)
    table.serve(1, 0.1)
    # 0.1, 0.2 and 0.3 are less than 0.35; 0.4 is not.
    assert [table.send() for _ in range(4)] == [1, 1, 1, 0]


def test_the_cost_is_divided_by_the_weight() -> None:
    table = Table("peak_ewma", 1, 4)
    table.serve(0, 0.1)
    table.serve(1, 0.3)
    assert table.picks(20) == {1: 20}


def test_a_peak_counts_at_once_and_fades_with_time() -> None:
    table = Table("peak_ewma", 1, 1, decay_seconds=10.0)
    table.serve(0, 0.1)
    table.serve(1, 0.2)
    table.serve(0, 2.0)
    table.serve(0, 0.1)
    assert table.picks(10) == {1: 10}
    # By now the peak has faded to 0.05 and samples of 0.1 have been averaged in.
    for _ in range(37):
        table.clock.advance(1.0)
        table.serve(0, 0.1)
        table.serve(1, 0.2)
    assert table.picks(10) == {0: 10}


def test_one_that_gets_no_requests_is_tried_again_in_time() -> None:
    table = Table("peak_ewma", 1, 1, decay_seconds=10.0)
    table.serve(0, 0.1)
    table.serve(1, 2.0)
    for _ in range(29):
        table.clock.advance(1.0)
        table.serve(0, 0.1)
        assert table.pick() == 0
    # 2.0 e^-3 = 0.0996
    table.clock.advance(1.1)
    table.serve(0, 0.1)
    assert table.pick() == 1


def test_a_new_backend_has_the_default() -> None:
    table = Table("peak_ewma", 1, 1, default_rtt_seconds=0.2)
    table.serve(0, 0.3)
    assert table.pick() == 1
    table = Table("peak_ewma", 1, 1, default_rtt_seconds=0.4)
    table.clock.advance(20.0)
    table.serve(0, 0.01)
    table.balancer.down(table.backends[1])
    table.balancer.up(table.backends[1])
    assert table.pick() == 0


@pytest.mark.parametrize("failure", [BROKEN, Outcome(Ending.RESPONSE, 503, 0.0001)])
def test_one_that_fails_fast_soon_gets_nothing(failure: Outcome) -> None:
    table = Table("peak_ewma", 1, 1)
    table.serve(0, 0.1)
    table.serve(1, 0.1)
    for _ in range(4):
        table.start(0)
        table.finish(0, failure)
    assert table.picks(20) == {1: 20}


def test_failures_count_up_to_a_limit() -> None:
    table = Table("peak_ewma", 1, 1, failure_seconds=1.0)
    table.serve(1, 1.5)
    for _ in range(50):
        table.start(0)
        table.finish(0, BROKEN)
    assert table.picks(20) == {0: 20}


def test_a_failure_does_not_lower_a_high_estimate() -> None:
    table = Table("peak_ewma", 1, 1, failure_seconds=1.0)
    table.serve(0, 3.0)
    table.serve(1, 2.0)
    table.start(0)
    table.finish(0, BROKEN)
    assert table.picks(20) == {1: 20}


def test_a_cancelled_request_says_nothing() -> None:
    table = Table("peak_ewma", 1, 1)
    table.serve(0, 0.1)
    table.serve(1, 0.2)
    table.start(0)
    table.finish(0, CANCELLED)
    assert table.picks(20) == {0: 20}
