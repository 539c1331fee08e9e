"""Tables and numbers as a terminal shows them."""

import pytest

from openprequal.cli.columns import number, seconds, share, table


def test_columns_are_aligned_and_numbers_end_on_the_right() -> None:
    assert list(table(("NAME", "N"), [("a", "1"), ("long", "100")], right=("N",))) == [
        "NAME    N",
        "a       1",
        "long  100",
    ]


def test_a_table_without_rows_is_its_header() -> None:
    assert list(table(("NAME", "N"), [])) == ["NAME  N"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0004, "0.4 ms"), (0.0123, "12.3 ms"), (0.5, "500 ms"), (1.25, "1.2 s"), (60, "60 s")],
)
def test_a_latency_is_told_in_the_unit_that_fits(value: float | None, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, "-"), (0, "0"), (3.0, "3"), (3.26, "3.3"), (1234.5, "1234")])
def test_a_count_is_told_without_needless_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_share_is_told_in_percent() -> None:
    assert (share(0.256), share(None)) == ("26%", "-")
