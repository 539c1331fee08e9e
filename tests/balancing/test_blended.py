"""The blended rule: the lowest score, at random among near-equal idle ones."""

from collections import Counter
from random import Random

import pytest

from openprequal.balancing.blended import lowest_score
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.values import Backend, LoadReport


def loads(*told: tuple[float, float]) -> list[LoadEstimate]:
    """One backend for each (rif, latency_s) told."""
    peers = Peers(blend=0.5)
    found = []
    for number, (rif, latency_s) in enumerate(told):
        load = LoadEstimate(Backend(url=f"http://b{number}.test:1"), peers)
        load.heard(LoadReport(rif, latency_s), 1000.0, on_response=False)
        found.append(load)
    return found


def chosen(candidates: list[LoadEstimate], near_ratio: float = 1.0) -> set[int]:
    """Places of those that a hundred picks fall on."""
    rng = Random(1)
    counts = Counter(candidates.index(lowest_score(candidates, rng.random, near_ratio=near_ratio)) for _ in range(100))
    return set(counts)


def test_of_equally_loaded_ones_the_fastest_is_taken() -> None:
    assert chosen(loads((2, 0.3), (2, 0.1), (2, 0.2))) == {1}


def test_of_equally_fast_ones_the_least_loaded_is_taken() -> None:
    # Alone at each, a request takes 0.1 s.
    assert chosen(loads((2, 0.3), (3, 0.4), (1, 0.2))) == {2}


@pytest.mark.parametrize(("slower", "place"), [(3.0, 1), (5.0, 0)])
def test_a_server_twice_as_loaded_wins_if_it_is_more_than_four_times_as_fast(slower: float, place: int) -> None:
    # (rif + 1) is twice as high, and the square root of the latency counts.
    assert chosen(loads((3, 0.4), (1, 0.2 * slower))) == {place}


def test_idle_ones_that_are_nearly_as_fast_share() -> None:
    assert chosen(loads((0, 0.1), (0, 0.104), (0, 0.2)), near_ratio=1.05) == {0, 1}


def test_busy_ones_that_are_nearly_as_good_do_not_share() -> None:
    assert chosen(loads((1, 0.2), (1, 0.208)), near_ratio=1.05) == {0}


def test_without_a_near_ratio_idle_ones_do_not_share() -> None:
    assert chosen(loads((0, 0.1), (0, 0.104))) == {0}


def test_idle_ones_share_whose_latencies_a_network_could_explain() -> None:
    assert chosen(loads((0, 36e-6), (0, 200e-6), (0, 0.1)), near_ratio=1.05) == {0, 1}
