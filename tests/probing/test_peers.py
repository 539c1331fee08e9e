"""Peers: what is usual among the backends of a service, and how its reports must be read (PREQUAL.md section 4)."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.peers import LEAST_S, Peers
from openprequal.values import Backend, LoadReport


def estimate(peers: Peers, weight: float = 1.0) -> LoadEstimate:
    return LoadEstimate(Backend(url="http://b.test:1", weight=weight), peers)


def learned(*pairs: tuple[float, float], times: int = 50) -> Peers:
    """Peers that saw these (rif ratio, latency ratio) again and again."""
    peers = Peers()
    for _ in range(times):
        for pair in pairs:
            peers.saw_pair(*pair)
    return peers


def test_while_nothing_is_known_all_are_alike_and_fast() -> None:
    assert Peers().unit_s == LEAST_S


def test_the_first_latency_is_believed_and_later_ones_move_it_a_little() -> None:
    peers = Peers()
    peers.saw_unit(0.1)
    peers.saw_unit(0.2)
    assert peers.unit_s == pytest.approx(0.102)


def test_a_steady_value_is_reached_in_time() -> None:
    peers = Peers()
    for _ in range(500):
        peers.saw_unit(0.1)
        peers.saw_others(7)
        peers.saw_latency(0.3)
    assert (peers.unit_s, peers.latency_s) == (pytest.approx(0.1), pytest.approx(0.3))
    assert peers.others == pytest.approx(7, rel=0.01)


# The exponent.


def test_reports_of_a_shared_processor_give_an_exponent_of_one() -> None:
    assert learned((2.0, 2.0), (0.5, 0.5)).exponent == pytest.approx(1.0)


def test_flat_reports_lead_towards_zero() -> None:
    assert learned((2.0, 1.0), (0.5, 1.0)).exponent < 0.1


def test_in_between_it_is_in_between() -> None:
    assert 0.5 < learned((4.0, 2.0), (0.25, 0.5)).exponent < 0.6


def test_before_the_rif_has_varied_it_counts_as_a_shared_processor() -> None:
    assert Peers().exponent == 1.0
    assert learned((1.01, 1.0), times=3).exponent > 0.99


def test_a_latency_that_falls_with_the_rif_is_no_negative_exponent() -> None:
    assert learned((2.0, 0.1)).exponent == 0.0


def test_a_latency_that_grows_faster_than_the_rif_is_no_more_than_proportional() -> None:
    assert learned((2.0, 100.0)).exponent == 1.0


def test_what_was_learned_long_ago_is_outvoted() -> None:
    peers = learned((2.0, 1.0), times=2000)
    for _ in range(2000):
        peers.saw_pair(2.0, 2.0)
    assert peers.exponent > 0.95


def test_without_scaling_the_exponent_is_zero_and_stays_so() -> None:
    peers = Peers(scales=False)
    peers.saw_pair(2.0, 2.0)
    assert peers.exponent == 0.0


@given(st.lists(st.tuples(st.floats(1e-5, 1e5), st.floats(1e-9, 1e9)), max_size=100))
def test_whatever_is_reported_exponent_and_weight_stay_in_bounds(pairs: list[tuple[float, float]]) -> None:
    peers = Peers(blend=0.5)
    for pair in pairs:
        peers.saw_pair(*pair)
    assert 0.0 <= peers.exponent <= 1.0
    assert 0.5 <= peers.latency_weight <= 1.0


# Two reports of one backend are such a pair.


def test_two_reports_of_a_backend_shortly_after_one_another_teach_the_exponent() -> None:
    peers = Peers()
    load = estimate(peers)
    for step in range(200):
        load.heard(LoadReport(15.0 if step % 2 else 0.0, 0.1), step * 0.05, on_response=False)
    assert peers.exponent < 0.1


@pytest.mark.parametrize("apart_s", [0.2, 60.0])
def test_reports_long_after_one_another_teach_nothing(apart_s: float) -> None:
    peers = Peers()
    load = estimate(peers)
    for step in range(200):
        load.heard(LoadReport(15.0 if step % 2 else 0.0, 0.1), step * apart_s, on_response=False)
    assert peers.exponent == 1.0


def test_reports_of_different_backends_teach_nothing() -> None:
    peers = Peers()
    idle, busy = estimate(peers), estimate(peers)
    for step in range(200):
        idle.heard(LoadReport(0.0, 0.1), step * 0.05, on_response=False)
        busy.heard(LoadReport(15.0, 0.1), step * 0.05, on_response=False)
    assert peers.exponent == 1.0


# The weight of the latency.


@pytest.mark.parametrize(("blend", "exponent", "weight"), [(0.5, 1.0, 0.5), (0.0, 1.0, 0.0), (1.0, 1.0, 1.0)])
def test_where_requests_slow_each_other_down_the_latency_counts_as_configured(
    blend: float, exponent: float, weight: float
) -> None:
    peers = Peers(blend=blend)
    assert (peers.exponent, peers.latency_weight) == (exponent, weight)


def test_where_they_do_not_it_counts_whole() -> None:
    assert Peers(blend=0.25, scales=False).latency_weight == 1.0


def test_in_between_its_weight_is_in_between() -> None:
    peers = Peers(blend=0.5)
    for _ in range(100):
        peers.saw_pair(4.0, 2.0)
    assert peers.latency_weight == pytest.approx(1 - 0.5 * peers.exponent)


# Fading.


def test_a_report_fades_in_the_mean_latency_times_the_ratio() -> None:
    peers = Peers(fade_ratio=3.0)
    assert peers.fade_s == inf
    peers.saw_latency(0.2)
    assert peers.fade_s == pytest.approx(0.6)


def test_with_a_ratio_of_zero_a_report_stays_news() -> None:
    peers = Peers(fade_ratio=0.0)
    peers.saw_latency(0.2)
    assert peers.fade_s == inf


@pytest.mark.parametrize("ratio", [1.0, 2.5])
@pytest.mark.parametrize(("told", "usual"), [(0.0, 8.0), (20.0, 4.0)])
def test_after_that_time_a_report_is_halfway_to_what_is_usual(ratio: float, told: float, usual: float) -> None:
    peers = Peers(fade_ratio=ratio)
    load = estimate(peers)
    load.heard(LoadReport(told, 0.2), 10.0, on_response=False)
    peers.others = usual
    load.refresh(10.0 + ratio * 0.2, max_age_s=1)
    assert load.rif == pytest.approx((told + usual) / 2)


def test_long_after_it_is_what_is_usual() -> None:
    peers = Peers(fade_ratio=1.0)
    load = estimate(peers)
    load.heard(LoadReport(20.0, 0.01), 0.0, on_response=False)
    peers.others = 4.0
    load.refresh(1000.0, max_age_s=1)
    assert load.rif == pytest.approx(4.0, rel=0.01)


def test_our_own_requests_do_not_fade() -> None:
    peers = Peers(fade_ratio=1.0)
    load = estimate(peers)
    load.heard(LoadReport(0.0, 0.01), 0.0, on_response=False)
    for _ in range(5):
        load.started(0.0)
    peers.others = 2.0
    load.refresh(1000.0, max_age_s=1)
    assert load.rif == pytest.approx(7.0, rel=0.01)


def test_what_is_usual_is_multiplied_by_the_weight_and_divided_again() -> None:
    peers = Peers(fade_ratio=1.0)
    heavy = estimate(peers, weight=4.0)
    heavy.heard(LoadReport(0.0, 0.2), 0.0, on_response=False)
    peers.others = 6.0
    heavy.refresh(0.2, max_age_s=1)
    assert heavy.rif == pytest.approx(3.0)
    assert heavy.estimate(0.2, max_age_s=1).rif == pytest.approx(12.0)


def test_what_others_have_is_learned_without_our_own_part() -> None:
    peers = Peers()
    load = estimate(peers)
    for _ in range(3):
        load.started(0.0)
    for _ in range(500):
        load.heard(LoadReport(5.0, 0.1), 0.0, on_response=False)
    assert peers.others == pytest.approx(2.0, rel=0.01)
