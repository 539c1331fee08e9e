"""Which hints a backend remembers, and how long."""

from hypothesis import given
from hypothesis import strategies as st

from openprequal.agent.hints import WarmHints


@given(st.lists(st.integers(0, 9)), st.integers(0, 5))
def test_those_last_served_are_remembered(served: list[int], most: int) -> None:
    warm = WarmHints(most)
    last: list[int] = []
    for number in served:
        warm.served(b"%d" % number)
        last = ([number] + [each for each in last if each != number])[:most]
    assert len(warm) == len(last)
    assert all(b"%d" % number in warm for number in last)


def test_a_request_without_a_hint_is_not_remembered() -> None:
    warm = WarmHints(3)
    warm.served(b"")
    assert len(warm) == 0
