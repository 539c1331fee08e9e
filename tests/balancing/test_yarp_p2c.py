"""YarpP2C: what was polled, and nothing else."""

from collections import Counter

import pytest
from table import Table


def polled(*rifs: float, weights: tuple[float, ...] = ()) -> Table:
    table = Table("yarp_p2c", *(weights or [1.0] * len(rifs)))
    for place, rif in enumerate(rifs):
        table.answer(place, rif)
    table.pass_s(1.0)
    return table


def test_the_lower_of_two_polled_rifs_is_picked() -> None:
    assert polled(7.0, 3.0).picks(20) == {1: 20}


def test_the_highest_of_three_is_never_picked() -> None:
    picked = polled(7.0, 3.0, 5.0).picks(300)
    assert picked[0] == 0
    assert 160 < picked[1] < 240


def test_rif_is_divided_by_the_weight() -> None:
    assert polled(2.0, 6.0, weights=(1.0, 4.0)).picks(20) == {1: 20}


def test_neither_reports_on_responses_nor_our_own_requests_count() -> None:
    table = polled(7.0, 3.0)
    table.report(1, 1000.0)
    table.start(1, 50)
    assert table.picks(20) == {1: 20}


def test_an_answer_counts_from_when_it_comes() -> None:
    table = polled(7.0, 3.0)
    table.answer(1, 9.0)
    assert table.pick() == 1
    table.pass_s(0.55)
    assert table.pick() == 0


def test_one_that_ceases_to_answer_keeps_its_last_rif() -> None:
    table = polled(7.0, 3.0)
    table.silence(0)
    table.pass_s(10.0)
    assert table.picks(20) == {1: 20}


def test_where_one_of_two_never_answered_weight_decides() -> None:
    table = Table("yarp_p2c", 1, 3)
    table.answer(0, 100.0)
    table.pass_s(1.0)
    picked = table.picks(800)
    assert picked[1] == pytest.approx(600, abs=60)
    assert table.balancer.pick_counts == {"least": 0, "random": 800}


def test_everyone_is_polled_once_an_interval_and_not_all_at_once() -> None:
    table = Table("yarp_p2c", *[1.0] * 20, poll_interval_seconds=1.0)
    table.balancer.tick()
    most = 0
    for _ in range(10):
        before = len(table.probes.sent)
        for _ in range(20):
            sent = len(table.probes.sent)
            table.pass_s(0.05)
            most = max(most, len(table.probes.sent) - sent)
        assert Counter(table.probes.sent[before:]) == dict.fromkeys(table.backends, 1)
    assert most == 1


@pytest.mark.parametrize(
    ("parameters", "sent"), [({"max_probes_per_second": 5}, 50), ({"poll_interval_seconds": 5}, 20), ({}, 200)]
)
def test_polls_come_as_often_as_it_is_set(parameters: dict[str, float], sent: int) -> None:
    table = Table("yarp_p2c", *[1.0] * 10, **parameters)
    table.balancer.tick()
    table.pass_s(10.0)
    assert abs(len(table.probes.sent) - sent) <= 1
