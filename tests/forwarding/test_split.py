"""A canary gets the share that it was given."""

from collections import Counter
from random import Random
from typing import Any

import pytest

from openprequal.forwarding.routed import Split

PICKS = 100_000


def picked(*weights: float, seed: int = 1) -> list[float]:
    """The share of the picks that each weight got."""
    makes: list[Any] = [object() for _ in weights]
    split = Split(Random(seed), list(zip(makes, weights, strict=True)))
    counts = Counter(id(split.pick()) for _ in range(PICKS))
    return [counts[id(make)] / PICKS for make in makes]


@pytest.mark.parametrize("seed", range(5))
def test_a_canary_of_five_percent_gets_five_percent(seed: int) -> None:
    assert picked(95, 5, seed=seed)[1] == pytest.approx(0.05, abs=0.005)


def test_shares_are_in_proportion_to_any_weights() -> None:
    assert picked(1, 2.5, 0.5) == pytest.approx([0.25, 0.625, 0.125], abs=0.005)


def test_what_weighs_nothing_gets_nothing() -> None:
    assert picked(0, 1, 0) == [0.0, 1.0, 0.0]


def test_the_highest_number_there_is_still_picks_somebody() -> None:
    class Highest(Random):
        def random(self) -> float:
            return 1 - 2**-53

    last: Any = object()
    first: Any = object()
    assert Split(Highest(), [(first, 0.1), (last, 0.2)]).pick() is last
