"""Prequal under preset "paper": what the paper says (section and number), and where it says nothing."""

from math import floor, inf

import pytest
from prequal_gateway import ANSWERED, BROKEN, Gateway

from openprequal.testing.balancer_contract import AnyRequest
from openprequal.values import LoadReport, PickReason


def paper(count: int, *answers: tuple[float, float], seed: int = 1, **parameters: object) -> Gateway:
    return Gateway(count, answers, seed=seed, preset="paper", **parameters)


def fleet(count: int, **parameters: object) -> Gateway:
    """*count* replicas, all of which have answered; the later, the slower and the busier."""
    return paper(count, *[(place, 0.01 * (place + 1)) for place in range(count)], **parameters)


# Section 4, "probing rate": r_probe probes a query, uniformly, without replacement.


@pytest.mark.parametrize("rate", [4, 2 * 2**0.5, 2, 2**0.5, 1, 2**-0.5, 0.5])
def test_a_fractional_r_probe_holds_in_the_limit_by_floor_and_ceiling(rate: float) -> None:
    # The rates of Fig. 8.
    gateway = paper(100, probe_rate=rate)
    before = len(gateway.probes.sent)
    numbers = []
    for _ in range(400):
        already = len(gateway.probes.sent)
        gateway.send()
        numbers.append(len(gateway.probes.sent) - already)
    assert set(numbers) <= {floor(rate), floor(rate) + 1}
    assert len(gateway.probes.sent) - before == pytest.approx(400 * rate, abs=1)


def test_r_probe_is_rounded_deterministically() -> None:
    sent = []
    for seed in (1, 2):
        gateway = paper(100, seed=seed, probe_rate=0.4)
        numbers = []
        for _ in range(20):
            already = len(gateway.probes.sent)
            gateway.send()
            numbers.append(len(gateway.probes.sent) - already)
        sent.append(numbers)
    assert sent[0] == sent[1]


def test_an_r_probe_of_zero_sends_none_with_queries() -> None:
    gateway = paper(10, probe_rate=0)
    before = len(gateway.probes.sent)
    for _ in range(50):
        gateway.send()
    assert len(gateway.probes.sent) == before


def test_the_probes_of_a_query_go_to_different_replicas_drawn_evenly() -> None:
    gateway = paper(4)
    counts = dict.fromkeys(gateway.backends, 0)
    for _ in range(2000):
        already = len(gateway.probes.sent)
        gateway.send()
        asked = gateway.probes.sent[already:]
        assert len(set(asked)) == len(asked) == 3
        for backend in asked:
            counts[backend] += 1
        gateway.clock.pump([gateway.probes.timeout_s] * 2)
    assert all(1400 < count < 1600 for count in counts.values())


# Section 4, "probe pool": at most m = 16 responses, and how one leaves.


def test_when_the_pool_is_full_the_oldest_goes() -> None:
    assert list(fleet(40).pool()) == list(range(24, 40))


def test_a_response_is_used_up_to_an_age_of_one_second() -> None:
    gateway = fleet(4)
    gateway.clock.advance(0.99)
    assert gateway.balancer.probe_pool_size == 4
    gateway.clock.advance(0.02)
    assert gateway.balancer.probe_pool_size == 0


def test_old_responses_are_not_picked_from() -> None:
    gateway = fleet(4)
    gateway.clock.advance(1.01)
    gateway.pick()
    assert gateway.reason() is PickReason.RANDOM


def removed(gateway: Gateway, queries: int) -> list[int]:
    """Whose response leaves the pool with each query, none of whose probes is answered yet; none: -1."""
    gone = []
    for _ in range(queries):
        before = set(gateway.pool())
        gateway.send()
        left = before - set(gateway.pool())
        assert len(left) <= 1
        gone.append(left.pop() if left else -1)
    return gone


def test_responses_are_removed_alternately_the_oldest_and_the_worst() -> None:
    # δ so high that none is used up. All are colder than θ = ∞: the worst is the slowest.
    assert removed(fleet(40, delta=100, q_rif=1), 6) == [24, 39, 25, 38, 26, 37]


def test_the_worst_is_the_hot_one_with_the_highest_rif_however_fast() -> None:
    answers = [(1.0, 0.9)] * 30 + [(50.0, 0.001)] + [(1.0, 0.9)] * 9
    gateway = paper(40, *answers, delta=100)
    assert removed(gateway, 2) == [24, 30]


@pytest.mark.parametrize(("rate", "numbers"), [(0.25, [0, 0, 0, 1] * 2), (0.5, [0, 1] * 4), (1, [1] * 8)])
def test_a_fractional_r_remove_holds_in_the_limit_by_floor_and_ceiling(rate: float, numbers: list[int]) -> None:
    gone = removed(fleet(40, delta=100, remove_rate=rate), 8)
    assert [int(place >= 0) for place in gone] == numbers


# Section 4, the reuse budget: b_reuse = max{1, (1 + δ) / ((1 − m/n)·r_probe − r_remove)}.


def uses(gateway: Gateway) -> int:
    """How many picks the response of the best serves, none being removed and no pick counting in the choice."""
    best = gateway.place()
    for picks in range(1, 1000):
        gateway.balancer.started(gateway.backends[best])
        gateway.balancer.finished(gateway.backends[best], ANSWERED)
        if best not in gateway.pool():
            return picks
    raise AssertionError("it is never used up")


def test_at_the_baseline_before_100_replicas_a_response_serves_1_32_picks() -> None:
    # Removal falls on the oldest, then the worst; the first pick is before either comes near the best.
    counts = [uses(paper(100, *[(0, 0.01 * (100 - place)) for place in range(100)], seed=seed)) for seed in range(150)]
    assert set(counts) == {1, 2}
    assert sum(counts) / len(counts) == pytest.approx(1.32, abs=0.1)


@pytest.mark.parametrize(
    ("count", "parameters"), [(2, {}), (16, {}), (24, {}), (200, {"probe_rate": 1}), (200, {"probe_rate": 0.5})]
)
def test_where_the_formula_is_undefined_a_response_serves_one_pick_and_none_is_removed(
    count: int, parameters: dict[str, object]
) -> None:
    gateway = fleet(count, **parameters)
    before = list(gateway.pool())
    picked = gateway.backends.index(gateway.send())
    assert picked in before
    assert gateway.balancer.probe_pool_size == len(before) - 1
    assert picked not in gateway.pool()


def test_from_25_replicas_on_the_formula_is_defined_and_a_response_is_removed_with_each_query() -> None:
    gateway = paper(25, *[(0, 0.01 * (25 - place)) for place in range(25)])
    before = list(gateway.pool())
    # 2 / 0.08 uses: the one picked, which is the youngest, stays; the oldest goes.
    assert gateway.backends.index(gateway.send()) == 24
    assert list(gateway.pool()) == before[1:]


def test_the_formula_follows_the_number_of_replicas() -> None:
    gateway = paper(25, *[(0, 0.01 * (25 - place)) for place in range(25)])
    gateway.balancer.down(gateway.backends[0])
    gateway.clock.advance(0.5)
    for backend in gateway.backends[1:]:
        gateway.balancer.down(backend)
        gateway.balancer.up(backend)
    gateway.clock.advance(gateway.probes.round_trip_s)
    assert uses(gateway) == 1


# Section 4, "replica selection", and section 5.3, Q_RIF at its ends.


def test_any_cold_one_goes_before_all_hot_ones_and_of_the_cold_the_fastest() -> None:
    gateway = paper(4, (9, 0.001), (9, 0.002), (1, 0.4), (2, 0.3), q_rif=0.75)
    assert gateway.place() == 3
    assert gateway.reason() is PickReason.COLD


def test_if_all_are_hot_the_lowest_rif_wins() -> None:
    gateway = paper(3, (9, 0.001), (5, 0.9), (7, 0.1), q_rif=0.01)
    assert gateway.balancer.rif_threshold == 5
    assert gateway.place() == 1
    assert gateway.reason() is PickReason.HOT


def test_a_q_rif_of_0_goes_by_the_rif_alone() -> None:
    gateway = paper(3, (3, 0.001), (1, 9.0), (2, 0.1), q_rif=0)
    assert gateway.place() == 1
    assert gateway.reason() is PickReason.HOT


def test_at_a_threshold_of_0_a_rif_of_0_is_cold() -> None:
    gateway = paper(3, (1, 0.001), (0, 0.3), (0, 0.2), q_rif=0)
    assert gateway.place() == 2
    assert gateway.reason() is PickReason.COLD


def test_at_a_q_rif_of_0_999_those_that_tie_for_the_maximum_are_hot() -> None:
    gateway = paper(3, (9, 0.001), (9, 0.002), (8, 5.0), q_rif=0.999)
    assert gateway.balancer.rif_threshold == 9
    assert gateway.place() == 2
    assert [each.hot for each in gateway.pool().values()] == [True, True, False]


def test_a_q_rif_of_1_goes_by_the_latency_alone() -> None:
    gateway = paper(3, (900, 0.001), (0, 0.3), (0, 0.2), q_rif=1)
    assert gateway.balancer.rif_threshold == inf
    assert gateway.place() == 0
    assert gateway.reason() is PickReason.COLD


def test_equal_latencies_are_decided_by_the_rif_and_equal_rifs_by_the_latency() -> None:
    assert paper(3, (3, 0.2), (1, 0.2), (2, 0.2), q_rif=1).place() == 1
    assert paper(3, (3, 0.3), (3, 0.1), (3, 0.2), q_rif=0).place() == 1


@pytest.mark.parametrize("q_rif", [0, 0.84, 1])
def test_complete_ties_are_decided_evenly_at_random(q_rif: float) -> None:
    counts = paper(4, *[(3, 0.2)] * 4, q_rif=q_rif).places(4000)
    assert all(850 < counts[place] < 1150 for place in range(4))


def test_with_fewer_than_two_in_the_pool_the_pick_is_uniformly_random() -> None:
    gateway = paper(4, (0, 0.001))
    assert gateway.balancer.probe_pool_size == 1
    counts = gateway.places(4000)
    assert all(850 < counts[place] < 1150 for place in range(4))
    assert gateway.reason() is PickReason.RANDOM


def test_with_two_in_the_pool_none_but_these_are_picked() -> None:
    gateway = paper(40, (0, 0.1), (0, 0.2))
    assert set(gateway.places(200)) == {0}
    assert gateway.reason() is PickReason.COLD


def test_the_only_replica_is_picked_at_random() -> None:
    gateway = paper(1, (5, 0.1))
    assert gateway.place() == 0
    assert gateway.reason() is PickReason.RANDOM


def test_without_replicas_there_is_none_to_pick_and_none_to_probe() -> None:
    gateway = paper(0)
    assert gateway.pick() is None
    gateway.pass_s(5)
    assert gateway.probes.sent == []


def test_after_a_query_was_sent_the_pooled_rif_is_one_higher_and_the_latency_is_what_it_was() -> None:
    gateway = paper(30, *[(2, 0.01 * (30 - place)) for place in range(30)], remove_rate=0)
    before = gateway.pool()
    gateway.balancer.started(gateway.backends[20])
    after = gateway.pool()
    assert (after[20].rif, after[20].latency_s) == (before[20].rif + 1, before[20].latency_s)
    assert {place: each.rif for place, each in after.items() if place != 20} == {
        place: each.rif for place, each in before.items() if place != 20
    }


# What the paper does not have.


def test_a_report_on_a_response_does_not_enter_the_pool() -> None:
    gateway = paper(3)
    gateway.report((1, 0.1), (1, 0.1), (1, 0.1))
    assert gateway.balancer.probe_pool_size == 0
    assert gateway.balancer.estimates()[gateway.backends[0].id].source == "assumed"


def test_a_replica_that_fails_fast_is_picked_like_any_other() -> None:
    gateway = paper(3, (0, 0.001), (0, 0.2), (0, 0.2))
    for _ in range(50):
        gateway.balancer.started(gateway.backends[0])
        gateway.balancer.finished(gateway.backends[0], BROKEN)
        gateway.clock.advance(0.002)
    gateway.clock.advance(0.1)
    assert gateway.place() == 0


def test_nobody_gets_a_trial_and_nobody_is_spared_for_being_new() -> None:
    gateway = paper(3, (0, 0.1), (0, 0.2))
    gateway.pass_s(60)
    gateway.probes.answer(gateway.backends[2], LoadReport(0, 0.09))
    gateway.balancer.down(gateway.backends[2])
    gateway.balancer.up(gateway.backends[2])
    gateway.clock.advance(gateway.probes.timeout_s)
    for _ in range(10):
        gateway.balancer.started(gateway.backends[0])
        gateway.clock.advance(gateway.probes.round_trip_s)
    assert set(gateway.places(1000)) == {2}


# Membership while probes are out, and late answers.


def test_the_answer_of_a_replica_that_left_meanwhile_is_discarded_and_it_is_never_picked() -> None:
    gateway = paper(3, (0, 0.001), (0, 0.2), (0, 0.3))
    gateway.clock.advance(0.5)
    gateway.send()
    gateway.balancer.down(gateway.backends[0])
    gateway.clock.advance(gateway.probes.round_trip_s)
    assert gateway.balancer.probe_results["discarded"] == 1
    assert 0 not in gateway.pool()
    assert 0 not in gateway.places(500)


def test_the_answer_that_comes_after_a_replica_is_back_is_of_its_former_life() -> None:
    gateway = paper(2, (0, 0.1), (0, 0.2))
    gateway.clock.advance(1.5)
    gateway.send()
    gateway.balancer.down(gateway.backends[1])
    gateway.balancer.up(gateway.backends[1])
    gateway.clock.advance(gateway.probes.round_trip_s)
    assert gateway.balancer.probe_results["discarded"] == 1
    assert list(gateway.pool()) == [0]


def test_a_replica_that_joins_while_probes_are_out_is_probed_and_picked() -> None:
    gateway = paper(3, (5, 0.3), (5, 0.3), (0, 0.01))
    gateway.balancer.down(gateway.backends[2])
    gateway.send()
    gateway.balancer.up(gateway.backends[2])
    gateway.clock.advance(gateway.probes.round_trip_s)
    assert gateway.place() == 2


def test_replicas_that_come_and_go_while_all_probes_are_out_leave_a_consistent_pool() -> None:
    gateway = fleet(40)
    for round_ in range(30):
        gateway.send()
        for backend in gateway.backends[round_ % 3 :: 3]:
            gateway.balancer.down(backend)
        gateway.clock.advance(gateway.probes.round_trip_s / 2)
        for backend in gateway.backends[round_ % 3 :: 3][::2]:
            gateway.balancer.up(backend)
        gateway.clock.advance(gateway.probes.round_trip_s)
        known = {backend.id for backend in gateway.backends} & gateway.balancer.estimates().keys()
        assert {each.id for each in gateway.balancer.explain(AnyRequest()).pool} <= known
        assert gateway.balancer.probe_pool_size <= 16
        for backend in gateway.backends:
            gateway.balancer.up(backend)


def test_a_late_answer_counts_as_a_report_on_a_response_does() -> None:
    for in_band, pooled in ((False, 0), (True, 1)):
        gateway = paper(1, in_band=in_band)
        gateway.clock.advance(gateway.probes.round_trip_s)
        gateway.clock.advance(gateway.probes.timeout_s)
        assert gateway.balancer.probe_results["unanswered"] == 1
        gateway.balancer.reported(gateway.backends[0], LoadReport(2, 0.2))
        assert gateway.balancer.probe_pool_size == pooled
