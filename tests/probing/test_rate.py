"""FractionalRate: a fractional rate, deterministically rounded (section 4 of the paper)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.rate import FractionalRate


@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 2**-0.5, 1.0, 2**0.5, 2.0, 2 * 2**0.5, 3.0, 4.0])
def test_the_rate_holds_in_the_limit(rate: float) -> None:
    counter = FractionalRate(rate)
    assert abs(sum(counter.next() for _ in range(10_000)) - 10_000 * rate) <= 1


def test_a_rate_below_one_is_not_lost() -> None:
    counter = FractionalRate(0.25)
    assert [counter.next() for _ in range(8)] == [0, 0, 0, 1, 0, 0, 0, 1]


def test_a_rate_of_zero_gives_nothing() -> None:
    counter = FractionalRate(0.0)
    assert [counter.next() for _ in range(5)] == [0] * 5


@given(st.floats(0, 20), st.integers(1, 300))
def test_each_number_is_the_floor_or_the_ceiling_and_the_sum_is_never_off_by_one(rate: float, queries: int) -> None:
    counter = FractionalRate(rate)
    numbers = [counter.next() for _ in range(queries)]
    assert set(numbers) <= {int(rate), int(rate) + 1}
    assert abs(sum(numbers) - Fraction(rate) * queries) <= 1 + 1e-6


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        FractionalRate(rate)
