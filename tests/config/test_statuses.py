"""Lists of status codes, as settings name them."""

import pytest

from openprequal.config.statuses import statuses_of


def test_codes_and_ranges_add_up() -> None:
    assert statuses_of(["200-202", "304"]) == {200, 201, 202, 304}


def test_no_list_is_none() -> None:
    assert statuses_of([]) is None


@pytest.mark.parametrize("text", ["", "20", "2xx", "600", "099", "300-200", "200-", "-200", "200-300-400", "٢٠٠"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"lower first|status codes like"):
        statuses_of([text])
