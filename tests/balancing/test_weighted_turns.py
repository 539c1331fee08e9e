"""WeightedTurns: earliest deadline first."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from openprequal.balancing.weighted_turns import Turned, WeightedTurns
from openprequal.testing.balancer_contract import some_backends


class Turns:
    def __init__(self, *weights: float) -> None:
        self.turns: WeightedTurns[Turned] = WeightedTurns(Random(3).random)
        self.members = [Turned(backend) for backend in some_backends(len(weights))]
        for member, weight in zip(self.members, weights, strict=True):
            self.turns.add(member, weight)

    def next(self, *exclude: int) -> int | None:
        member = self.turns.next([self.members[place].id for place in exclude])
        return None if member is None else self.members.index(member)

    def count(self, turns: int, *exclude: int) -> Counter[int | None]:
        return Counter(self.next(*exclude) for _ in range(turns))


def test_turns_follow_the_weights() -> None:
    counts = Turns(1.0, 2.0, 0.5).count(3500)
    assert [counts[place] for place in range(3)] == pytest.approx([1000, 2000, 500], abs=2)


def test_turns_are_spread_out() -> None:
    turns = Turns(5.0, 1.0)
    order = [turns.next() for _ in range(600)]
    rare = [number for number, place in enumerate(order) if place == 1]
    assert all(later - earlier == 6 for earlier, later in pairwise(rare))


def test_one_that_was_excluded_for_long_has_one_turn_to_catch_up_and_no_more() -> None:
    turns = Turns(1.0, 1.0)
    turns.count(50, 0)
    assert [turns.next() for _ in range(5)].count(0) <= 3


def test_with_all_excluded_nobody_has_a_turn_and_nothing_is_lost() -> None:
    turns = Turns(1.0, 3.0)
    assert turns.next(0, 1) is None
    counts = turns.count(400)
    assert counts[1] == pytest.approx(300, abs=2)


def test_one_that_left_has_no_more_turns() -> None:
    turns = Turns(1.0, 1.0)
    turns.turns.discard(turns.members[0])
    turns.turns.discard(turns.members[0])
    assert turns.count(10) == {1: 10}


def test_new_weights_count_at_once_even_for_one_that_had_hardly_any_turns() -> None:
    turns = Turns(1.0, 1e-6)
    turns.count(100)
    weights = {turns.members[0].id: 1.0, turns.members[1].id: 1.0}
    turns.turns.reweigh(lambda member: weights[member.id])
    assert turns.count(100)[1] == pytest.approx(50, abs=1)


def test_coming_and_going_leaves_nothing_behind() -> None:
    turns = Turns(1.0, 1.0, 1.0)
    for _ in range(5000):
        turns.turns.discard(turns.members[1])
        turns.turns.add(turns.members[1], 1.0)
    assert len(turns.turns._heap) < 200
    assert turns.count(300)[1] == pytest.approx(100, abs=2)
