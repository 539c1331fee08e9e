"""LeastRif and its power of two: what backends say, and what we have sent since."""

import pytest
from table import Table


def test_the_lowest_reported_rif_is_picked() -> None:
    table = Table("least_rif", 1, 1, 1)
    for place, rif in enumerate((5.0, 2.0, 3.0)):
        table.report(place, rif)
    assert table.pick() == 1


def test_our_requests_since_the_report_count() -> None:
    table = Table("least_rif", 1, 1)
    table.report(0, 1.0)
    table.report(1, 3.0)
    assert [table.send() for _ in range(2)] == [0, 0]
    assert sorted([table.send(), table.send()]) == [0, 1]


def test_our_requests_that_ended_since_the_report_do_not() -> None:
    table = Table("least_rif", 1, 1)
    table.start(0, 4)
    table.report(0, 3.0)
    table.report(1, 2.0)
    for _ in range(3):
        table.finish(0)
    assert table.pick() == 0


def test_a_report_on_a_response_leaves_out_the_request_that_it_answers() -> None:
    table = Table("least_rif", 1, 1)
    table.start(0, 2)
    table.report(0, 3.0)
    table.finish(0)
    # Two of others and one of ours are left there.
    table.report(1, 3.5)
    assert table.pick() == 0
    table.report(1, 2.5)
    assert table.pick() == 1


def test_who_claims_less_than_we_have_there_is_not_believed() -> None:
    table = Table("least_rif", 1, 1)
    table.start(0, 5)
    table.report(0, 0.0)
    table.start(1, 2)
    assert table.pick() == 1


def test_who_never_reported_is_judged_by_our_own_requests() -> None:
    table = Table("least_rif", 1, 1)
    table.report(0, 2.0)
    assert [table.send() for _ in range(2)] == [1, 1]
    assert sorted([table.send(), table.send()]) == [0, 1]


def test_rif_is_divided_by_the_weight() -> None:
    table = Table("least_rif", 1, 4)
    table.report(0, 2.0)
    table.report(1, 7.0)
    assert table.pick() == 1
    table.report(1, 9.0)
    assert table.pick() == 0


def test_a_new_weight_counts_at_once() -> None:
    table = Table("least_rif", 1, 4)
    table.report(0, 2.0)
    table.report(1, 6.0)
    light = type(table.backends[1])(table.backends[1].url, weight=1.0)
    table.balancer.reweighted(light)
    table.backends[1] = light
    assert table.pick() == 0


def test_everyone_is_polled_and_answers_count() -> None:
    table = Table("least_rif", 1, 1, 1)
    for place, rif in enumerate((4.0, 6.0, 1.0)):
        table.answer(place, rif)
    table.pass_s(1.0)
    assert table.pick() == 2


def test_a_report_without_a_rif_changes_nothing() -> None:
    table = Table("least_rif", 1, 1)
    table.report(0, 1.0)
    table.report(1, 2.0)
    table.report(1, None, 0.001, utilization=0.0)
    assert table.pick() == 0


def test_who_no_longer_answers_keeps_its_report_for_a_while() -> None:
    table = Table("least_rif", 1, 1, max_age_seconds=5.0)
    table.answer(0, 4.0)
    table.answer(1, 6.0)
    table.pass_s(1.0)
    table.silence(1)
    table.pass_s(4.0)
    assert table.pick() == 0
    table.pass_s(3.0)
    assert table.pick() == 1


def test_the_power_of_two_never_picks_the_highest_of_three() -> None:
    table = Table("least_rif_p2c", 1, 1, 1)
    for place, rif in enumerate((5.0, 2.0, 9.0)):
        table.report(place, rif)
    picked = table.picks(300)
    assert picked[2] == 0
    assert picked[0] == pytest.approx(100, abs=40)
    assert picked[1] == pytest.approx(200, abs=40)
