"""The hot-cold lexicographic rule (section 4 of the paper) and its two deviations."""

from math import inf
from random import Random

import pytest

from openprequal.balancing.hot_cold import choose
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.values import Backend, LoadReport, PickReason


def loads(*pairs: tuple[float, float]) -> list[LoadEstimate]:
    made = []
    for number, (rif, latency_s) in enumerate(pairs):
        load = LoadEstimate(Backend(url=f"http://b{number}.test:1"), Peers())
        load.heard(LoadReport(rif, latency_s), 0.0, on_response=False)
        made.append(load)
    return made


def chosen(
    pairs: list[tuple[float, float]], threshold: float, slow_limit: float = inf, near_ratio: float = 1.0
) -> tuple[int, PickReason]:
    candidates = loads(*pairs)
    load, reason = choose(candidates, threshold, Random(1).random, slow_limit=slow_limit, near_ratio=near_ratio)
    return candidates.index(load), reason


def test_of_the_cold_ones_the_fastest_wins() -> None:
    assert chosen([(9, 0.1), (2, 0.3), (4, 0.2)], 5) == (2, PickReason.COLD)


def test_a_cold_one_wins_over_a_faster_hot_one() -> None:
    assert chosen([(9, 0.1), (2, 0.3)], 5) == (1, PickReason.COLD)


def test_of_hot_ones_alone_the_lowest_rif_wins() -> None:
    assert chosen([(9, 0.1), (7, 0.9), (8, 0.2)], 5) == (1, PickReason.HOT)


def test_a_rif_at_the_threshold_is_hot() -> None:
    assert chosen([(5, 0.1), (4, 0.9)], 5) == (1, PickReason.COLD)


def test_with_an_infinite_threshold_only_latency_counts() -> None:
    assert chosen([(900, 0.1), (0, 0.2)], inf) == (0, PickReason.COLD)


def test_equal_latencies_are_decided_by_the_lower_rif() -> None:
    assert chosen([(3, 0.2), (1, 0.2), (2, 0.2)], 5) == (1, PickReason.COLD)


def test_equal_rifs_are_decided_by_the_lower_latency() -> None:
    assert chosen([(7, 0.3), (7, 0.1), (7, 0.2)], 5) == (1, PickReason.HOT)


def test_near_equal_latencies_are_decided_by_the_lower_rif() -> None:
    assert chosen([(4, 0.20), (2, 0.24), (0, 0.26)], 5, near_ratio=1.25) == (1, PickReason.COLD)


def test_latencies_too_small_to_tell_apart_are_near_equal() -> None:
    assert chosen([(1, 0.00004), (0, 0.0005)], 5, near_ratio=1.25) == (1, PickReason.COLD)


def test_a_near_equal_hot_one_is_not_preferred_to_a_cold_one() -> None:
    assert chosen([(9, 0.20), (4, 0.21)], 5, near_ratio=1.25) == (1, PickReason.COLD)


def test_idle_near_equals_share_the_requests() -> None:
    candidates = loads((0, 0.000036), (0, 0.000049), (0, 0.000158))
    rng = Random(7)
    counts = [0] * 3
    for _ in range(3000):
        counts[candidates.index(choose(candidates, 5, rng.random, near_ratio=1.25)[0])] += 1
    assert all(900 < count < 1100 for count in counts)


@pytest.mark.parametrize("threshold", [1.0, inf])
def test_complete_ties_are_decided_evenly_at_random(threshold: float) -> None:
    candidates = loads(*[(3, 0.2)] * 4)
    rng = Random(7)
    counts = [0] * 4
    for _ in range(4000):
        counts[candidates.index(choose(candidates, threshold, rng.random)[0])] += 1
    assert all(850 < count < 1150 for count in counts)


def test_an_idle_one_many_times_slower_than_a_hot_one_is_passed_over() -> None:
    assert chosen([(9, 0.1), (8, 0.2), (0, 2.0)], 5, slow_limit=4) == (1, PickReason.FAST)


def test_an_idle_one_not_so_much_slower_wins() -> None:
    assert chosen([(9, 0.1), (8, 0.2), (0, 0.39)], 5, slow_limit=4) == (2, PickReason.COLD)


def test_of_hot_ones_too_the_many_times_slower_is_passed_over() -> None:
    assert chosen([(9, 0.1), (8, 0.2), (6, 2.0)], 5, slow_limit=4) == (1, PickReason.HOT)


def test_a_held_back_one_wins_only_alone() -> None:
    candidates = loads((9, 9.0), (0, 0.001))
    candidates[1].hold_back(True)
    for threshold in (1.0, inf):
        assert choose(candidates, threshold, Random(1).random, slow_limit=4.0, near_ratio=1.25)[0] is candidates[0]
    candidates[0].hold_back(True)
    assert choose(candidates, 1.0, Random(1).random, slow_limit=4.0)[0] is candidates[1]
