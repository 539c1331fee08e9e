"""WeightedRoundRobin: turns by goodput over utilisation."""

import pytest
from table import BROKEN, CANCELLED, Table

QUICK: dict[str, object] = {"blackout_seconds": 0.0, "smoothing_seconds": 0.0}


def shares(table: Table, turns: int = 1000) -> list[float]:
    counts = table.picks(turns)
    return [counts[place] / turns for place in range(len(table.backends))]


def test_without_utilisation_it_is_round_robin_by_the_registered_weights() -> None:
    table = Table("weighted_round_robin", 1, 3)
    table.pass_s(3.0)
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)


def test_turns_follow_reported_goodput_over_utilisation() -> None:
    table = Table("weighted_round_robin", 1, 1, **QUICK)
    table.report(0, utilization=0.5, rps=100.0)
    table.report(1, utilization=0.25, rps=150.0)
    table.pass_s(1.1)
    # 200 to 600.
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)


def test_goodput_is_measured_where_it_is_not_reported() -> None:
    table = Table("weighted_round_robin", 1, 1, **QUICK)
    for place, requests in ((0, 10), (1, 30)):
        table.report(place, utilization=0.5)
        for _ in range(requests):
            table.serve(place)
    table.pass_s(1.1)
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)


def test_where_only_some_report_their_goodput_it_is_measured_for_all() -> None:
    table = Table("weighted_round_robin", 1, 1, **QUICK)
    table.report(0, utilization=0.5, rps=1000.0)
    table.report(1, utilization=0.5)
    for place in (0, 1):
        for _ in range(10):
            table.serve(place)
    table.pass_s(1.1)
    assert shares(table) == pytest.approx([0.5, 0.5], abs=0.01)


def test_the_registered_weight_multiplies() -> None:
    table = Table("weighted_round_robin", 1, 3, **QUICK)
    for place in (0, 1):
        table.report(place, utilization=0.5, rps=100.0)
    table.pass_s(1.1)
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)


def test_reported_errors_take_turns_away() -> None:
    table = Table("weighted_round_robin", 1, 1, error_penalty=1.0, **QUICK)
    table.report(0, utilization=0.5, rps=100.0, eps=50.0)
    table.report(1, utilization=0.5, rps=100.0)
    table.pass_s(1.1)
    # 50 / (0.5 + 0.5) to 100 / 0.5.
    assert shares(table) == pytest.approx([0.2, 0.8], abs=0.01)


def test_failures_seen_here_take_turns_away_and_cancelled_requests_do_not() -> None:
    table = Table("weighted_round_robin", 1, 1, error_penalty=1.0, **QUICK)
    for place, outcome in ((0, BROKEN), (1, CANCELLED)):
        table.report(place, utilization=0.5)
        for _ in range(10):
            table.serve(place)
            table.start(place)
            table.finish(place, outcome)
    table.pass_s(1.1)
    # 10 / (0.5 + 0.5) to 10 / 0.5.
    assert shares(table) == pytest.approx([1 / 3, 2 / 3], abs=0.01)


def test_who_reports_no_utilisation_has_the_mean() -> None:
    table = Table("weighted_round_robin", 1, 1, 1, **QUICK)
    table.report(0, utilization=0.5, rps=100.0)
    table.report(1, utilization=0.5, rps=300.0)
    table.report(2, 5.0, 0.1)
    table.pass_s(1.1)
    assert shares(table) == pytest.approx([1 / 6, 3 / 6, 2 / 6], abs=0.01)


def test_who_gets_no_requests_has_the_mean_and_not_none() -> None:
    table = Table("weighted_round_robin", 1, 1, **QUICK)
    table.report(0, utilization=0.5, rps=100.0)
    table.report(1, utilization=0.0, rps=0.0)
    table.pass_s(1.1)
    assert shares(table) == pytest.approx([0.5, 0.5], abs=0.01)


def test_no_report_can_take_more_than_ten_times_the_mean() -> None:
    table = Table("weighted_round_robin", *[1.0] * 101, **QUICK)
    table.report(0, utilization=1e-9, rps=1e9)
    for place in range(1, 101):
        table.report(place, utilization=0.5, rps=100.0)
    table.pass_s(1.1)
    # The others have a hundredth of the mean at least.
    assert shares(table, 1100)[0] == pytest.approx(1000 / 1100, abs=0.02)


def test_a_new_backend_has_the_mean_until_it_has_reported_for_a_while() -> None:
    table = Table("weighted_round_robin", 1, 1, blackout_seconds=5.0, smoothing_seconds=0.0)
    for _ in range(4):
        table.report(0, utilization=0.5, rps=100.0)
        table.report(1, utilization=0.5, rps=300.0)
        table.pass_s(1.0)
    assert shares(table) == pytest.approx([0.5, 0.5], abs=0.01)
    table.pass_s(2.1)
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)


def test_a_utilisation_expires() -> None:
    table = Table("weighted_round_robin", 1, 1, expiry_seconds=10.0, **QUICK)
    table.report(0, utilization=0.5, rps=100.0)
    table.report(1, utilization=0.5, rps=300.0)
    table.pass_s(8.0)
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)
    table.pass_s(4.0)
    assert shares(table) == pytest.approx([0.5, 0.5], abs=0.01)


def test_reports_are_averaged_over_time() -> None:
    table = Table("weighted_round_robin", 1, 1, blackout_seconds=0.0, smoothing_seconds=10.0)
    for place in (0, 1):
        table.report(place, utilization=0.5, rps=100.0)
    table.pass_s(1.0)
    table.report(1, utilization=0.5, rps=300.0)
    table.pass_s(1.1)
    # A tenth of the time constant has passed: 100 + 200 (1 - e^-0.1) = 119.
    assert table.balancer.weights()[table.backends[1].id] == pytest.approx(119 / 109.5, rel=0.01)


def test_backends_are_asked_for_their_utilisation() -> None:
    table = Table("weighted_round_robin", 1, 1, **QUICK)
    table.answer(0, None, None, utilization=0.5, rps=100.0)
    table.answer(1, None, None, utilization=0.5, rps=300.0)
    table.pass_s(3.0)
    assert shares(table) == pytest.approx([0.25, 0.75], abs=0.01)
    assert 4 <= len(table.probes.sent) <= 6


def test_with_an_infinite_interval_they_are_not() -> None:
    table = Table("weighted_round_robin", 1, 1, poll_interval_seconds=float("inf"))
    table.pass_s(3.0)
    assert table.probes.sent == []
