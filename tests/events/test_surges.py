"""Errors and retries are told together, the first soon, the following seldom."""

from collections import Counter

import pytest

from openprequal.events.ring import EventRing, Kind
from openprequal.events.surges import LONGEST_S, Surges


class Case:
    def __init__(self) -> None:
        self.now = 0.0
        self.ring = EventRing(lambda: self.now)
        self.counts = Counter(api=3)
        self.surges = Surges(self.ring, Kind.ERRORS, "errors", lambda: self.counts)

    def second(self, **counts: int) -> None:
        self.counts.update(counts)
        self.now += 1.0
        self.surges.tick(self.now)

    @property
    def told(self) -> list[str]:
        return [event.message for event in self.ring.after(0)]


@pytest.fixture
def case() -> Case:
    return Case()


def test_what_was_before_is_not_told(case: Case) -> None:
    case.second()
    assert case.told == []


def test_the_first_is_told_within_a_second_with_its_service(case: Case) -> None:
    case.second(api=2)
    assert case.told == ["2 errors within 1 s"]
    assert [event.service for event in case.ring.after(0)] == ["api"]


def test_those_of_several_services_are_one_event(case: Case) -> None:
    case.second(api=2, web=7)
    assert case.told == ["9 errors within 1 s: 7 of web, 2 of api"]
    assert [event.service for event in case.ring.after(0)] == [None]


def test_an_event_names_only_some_services(case: Case) -> None:
    case.second(**{f"s{number}": 1 for number in range(100)})
    assert case.told[0].count(" of ") == 5
    assert case.told[0].endswith(", …")


def test_an_hour_of_errors_leaves_room_for_other_events(case: Case) -> None:
    for _ in range(3600):
        case.second(api=100)
    assert len(case.told) < 3600 / LONGEST_S + 10
    total = sum(int(text.split()[0]) for text in case.told)
    assert total >= 360_000 - 100 * LONGEST_S, "all are told but those since the last event"


def test_after_a_pause_the_next_is_told_at_once_again(case: Case) -> None:
    for _ in range(30):
        case.second(api=1)
    for _ in range(100):
        case.second()
    before = len(case.told)
    case.second(api=1)
    assert len(case.told) == before + 1


def test_a_service_that_counts_anew_is_no_error(case: Case) -> None:
    case.second()
    case.counts = Counter(api=0)
    case.second()
    assert case.told == []
