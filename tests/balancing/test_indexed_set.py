"""IndexedSet: a set to draw from."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.balancing.indexed_set import IndexedSet


@given(st.lists(st.tuples(st.sampled_from(("add", "discard", "sample")), st.integers(0, 9)), max_size=60))
def test_it_holds_what_a_set_holds_and_samples_without_replacement(events: list[tuple[str, int]]) -> None:
    indexed: IndexedSet[int] = IndexedSet(Random(3).random)
    model: set[int] = set()
    for event, number in events:
        if event == "sample":
            drawn = indexed.sample(number)
            assert len(drawn) == len(set(drawn)) == min(number, len(model))
            assert set(drawn) <= model
        else:
            getattr(indexed, event)(number)
            getattr(model, event)(number)
        assert set(indexed) == model
        assert len(indexed) == len(model)
        assert all((member in indexed) == (member in model) for member in range(10))


def test_samples_are_uniform() -> None:
    indexed: IndexedSet[int] = IndexedSet(Random(3).random)
    for member in range(6):
        indexed.add(member)
    counts = [0] * 6
    for _ in range(6000):
        for member in indexed.sample(2):
            counts[member] += 1
    assert all(1800 < count < 2200 for count in counts)


def test_nothing_can_be_drawn_from_an_empty_one() -> None:
    with pytest.raises(IndexError):
        IndexedSet[int](Random(3).random).draw()
