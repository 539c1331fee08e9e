"""Places: the next occupied one, going round."""

from hypothesis import given
from hypothesis import strategies as st

from openprequal.balancing.places import Places

PLACES = st.integers(0, 2000)


@given(members=st.sets(PLACES, min_size=1), gone=st.sets(PLACES), place=st.integers(-1, 2000))
def test_it_finds_what_a_search_finds(members: set[int], gone: set[int], place: int) -> None:
    places = Places()
    for member in members:
        places.add(member)
    for member in gone:
        places.discard(member)
    left = members - gone
    assert bool(places) == bool(left)
    if left:
        assert places.after(place) == min((each for each in left if each > place), default=min(left))


def test_a_place_comes_after_itself_only_when_it_is_alone() -> None:
    places = Places()
    places.add(300)
    assert places.after(300) == 300
    places.add(299)
    assert places.after(300) == 299
