"""The ring remembers the last events, and gives those that are new."""

from hypothesis import given
from hypothesis import strategies as st

from openprequal.events.ring import EventRing, Kind


def test_an_event_is_told_as_the_contract_has_it() -> None:
    ring = EventRing(lambda: 1795521600.123)
    ring.add(Kind.EJECTED, "why", service="default", backend="http://127.0.0.1:9001")
    assert [event.row for event in ring.after(0)] == [
        {
            "n": 1,
            "at": "2026-11-24T12:00:00.123Z",
            "kind": "ejected",
            "service": "default",
            "backend": "http://127.0.0.1:9001",
            "message": "why",
            "by": None,
        }
    ]


@given(st.integers(0, 40), st.integers(0, 60), st.integers(1, 20))
def test_whoever_asks_gets_what_is_new_and_not_forgotten(added: int, after: int, most: int) -> None:
    ring = EventRing(lambda: 0.0, most)
    for _ in range(added):
        ring.add(Kind.UP, "")
    assert [event.n for event in ring.after(after)] == [n for n in range(1, added + 1) if n > max(after, added - most)]
    assert ring.last == added
