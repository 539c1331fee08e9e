import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.metrics.window import WindowAverage


def test_an_empty_window_has_no_average() -> None:
    window = WindowAverage(10)
    assert (window.average(0.0), window.count(0.0)) == (None, 0)


def test_the_average_is_that_of_the_values_within_the_window() -> None:
    window = WindowAverage(10)
    window.add(100.0, 0.5)
    window.add(1.0, 9.0)
    window.add(2.0, 9.5)
    assert window.average(9.9) == pytest.approx(103 / 3)
    assert window.average(10.1) == pytest.approx(1.5)
    assert window.count(10.1) == 2


def test_values_are_forgotten_though_nothing_is_added_after_them() -> None:
    window = WindowAverage(10)
    window.add(1.0, 3.0)
    assert window.average(30.0) is None


def test_a_window_of_no_length_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        WindowAverage(0)


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 100)), min_size=1, max_size=60))
def test_the_average_never_looks_back_further_than_the_window_nor_less_than_nine_tenths(
    steps: list[tuple[float, float]],
) -> None:
    window = WindowAverage(10)
    now, added = 0.0, []
    for pause, value in steps:
        now += pause
        window.add(value, now)
        added.append(now)
    # One slot's length of tolerance at either end, for the rounding of the slots' borders.
    assert sum(when > now - 8.999 for when in added) <= window.count(now) <= sum(when > now - 10.001 for when in added)
