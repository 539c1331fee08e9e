"""The table remembers sessions that cannot remember themselves: so many, and so long."""

import pytest
from twisted.internet.task import Clock

from openprequal.routing.session_table import SessionTable
from openprequal.testing.balancer_contract import AnyRequest

IDLE_S = 60.0


class Case:
    """A table of three sessions at most."""

    def __init__(self, header: bytes | None = None) -> None:
        self.clock = Clock()
        self.table = SessionTable(header, self.clock.seconds, idle_s=IDLE_S, most=3)

    def placed(self, client: str, backend: str) -> None:
        self.table.placed(AnyRequest(client=client), backend)

    def of(self, client: str) -> str | None:
        return self.table.backend_of(AnyRequest(client=client))


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_session_stays_where_it_was_placed(case: Case) -> None:
    assert case.of("192.0.2.1") is None
    case.placed("192.0.2.1", "b1")
    assert case.of("192.0.2.1") == "b1"
    assert case.of("192.0.2.2") is None


def test_who_answers_has_it(case: Case) -> None:
    case.placed("192.0.2.1", "b1")
    assert case.table.answered(AnyRequest(client="192.0.2.1"), "b2", secure=True) == ()
    assert case.of("192.0.2.1") == "b2"


def test_one_that_is_not_used_for_long_is_forgotten(case: Case) -> None:
    case.placed("192.0.2.1", "b1")
    case.clock.advance(IDLE_S)
    assert case.of("192.0.2.1") == "b1"
    case.clock.advance(IDLE_S)
    assert case.of("192.0.2.1") == "b1"
    case.clock.advance(IDLE_S + 1)
    assert case.of("192.0.2.1") is None
    assert len(case.table) == 0


def test_who_only_wants_to_know_does_not_use_a_session(case: Case) -> None:
    case.placed("192.0.2.1", "b1")
    case.clock.advance(IDLE_S)
    assert case.table.peek(AnyRequest(client="192.0.2.1")) == "b1"
    assert case.table.peek(AnyRequest(client="192.0.2.2")) is None
    case.clock.advance(1)
    assert case.table.peek(AnyRequest(client="192.0.2.1")) is None
    assert case.of("192.0.2.1") is None


def test_where_there_are_too_many_the_one_not_used_for_longest_goes(case: Case) -> None:
    for number in range(3):
        case.placed(f"192.0.2.{number}", "b1")
    case.of("192.0.2.0")
    case.placed("192.0.2.9", "b1")
    assert [case.of(f"192.0.2.{number}") for number in (0, 1, 2, 9)] == ["b1", None, "b1", "b1"]


def test_by_a_header_a_request_without_it_is_no_sessions() -> None:
    table = Case(b"x-session").table
    asking = AnyRequest(fields=((b"X-Session", b"s1"),))
    table.placed(asking, "b1")
    table.placed(AnyRequest(), "b2")
    assert table.backend_of(asking) == "b1"
    assert table.backend_of(AnyRequest()) is None
    assert len(table) == 1
