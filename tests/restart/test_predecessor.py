"""A new process knows its backends before it accepts, and says when it does."""

import pytest
from attrs import evolve
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from openprequal.health.standing import NO_ORDERS, Orders
from openprequal.interfaces import RegistryContext
from openprequal.registry.memory import MemoryRegistry
from openprequal.restart.inheritance import END, membership_line
from openprequal.restart.predecessor import WARM_S, Predecessor
from openprequal.values import Backend

ONE, TWO = Backend("http://192.0.2.1:80"), Backend("http://192.0.2.2:80", heartbeat_seconds=30)


DRAINED = Orders(drained_by="192.0.2.9")


class Case:
    def __init__(self) -> None:
        self.clock = Clock()
        self.registry = MemoryRegistry(RegistryContext(self.clock, 2))
        self.up: set[str] = set()
        self.orders: dict[str, Orders] = {}
        self.events: list[str] = []
        self.transport = StringTransport()
        predecessor = Predecessor(
            self.clock,
            self.registry,
            lambda: self.up,
            self.orders.update,
            [self],  # type: ignore[list-item]
            lambda: self.events.append("ready"),
            lambda: self.events.append("ends"),
        )
        predecessor.makeConnection(self.transport)
        self.hear = predecessor.dataReceived
        self.lose = predecessor.connectionLost

    def accept(self) -> None:
        """As the listeners do."""
        self.events.append("accepts")

    @property
    def known(self) -> set[Backend]:
        return set(self.registry.backends())


@pytest.fixture
def case() -> Case:
    return Case()


def test_it_accepts_once_whoever_could_be_picked_can_be_picked_here(case: Case) -> None:
    case.hear(membership_line([ONE, TWO], {ONE.id}))
    assert case.known == {ONE, TWO}
    case.clock.advance(0.1)
    assert case.events == []
    assert case.transport.value() == b""
    case.up = {ONE.id}
    case.clock.advance(0.1)
    assert case.events == ["accepts", "ready"]
    assert case.transport.value().startswith(b"ready ")


def test_it_waits_for_none_for_ever(case: Case) -> None:
    case.hear(membership_line([ONE], {ONE.id}))
    case.clock.pump([0.1] * int(WARM_S / 0.1 + 2))
    assert case.events == ["accepts", "ready"]


def test_who_came_and_went_in_between_comes_and_goes_here(case: Case) -> None:
    case.hear(membership_line([ONE], set()))
    case.hear(membership_line([TWO], set()))
    assert case.known == {TWO}
    assert case.events == ["accepts", "ready"]


def test_who_was_registered_anew_in_between_is_as_they_are_now(case: Case) -> None:
    case.hear(membership_line([ONE], set()))
    heavier = evolve(ONE, weight=3.0)
    case.hear(membership_line([heavier], set()))
    assert case.known == {heavier}


def test_who_has_registered_here_meanwhile_stays(case: Case) -> None:
    case.hear(membership_line([ONE], set()))
    case.registry.register(TWO)
    case.hear(membership_line([ONE], set()))
    assert case.known == {ONE, TWO}


def test_what_operators_wanted_is_wanted_here(case: Case) -> None:
    case.hear(membership_line([ONE], set(), {ONE.id: DRAINED}))
    assert case.orders == {ONE.id: DRAINED}


def test_what_was_wanted_here_meanwhile_stays(case: Case) -> None:
    case.hear(membership_line([ONE, TWO], set(), {ONE.id: DRAINED}))
    case.orders.clear()
    case.hear(membership_line([ONE, TWO], set(), {ONE.id: DRAINED}))
    assert case.orders == {}
    case.hear(membership_line([ONE, TWO], set()))
    assert case.orders == {ONE.id: NO_ORDERS}


def test_one_that_cannot_be_registered_keeps_none_of_the_others(case: Case) -> None:
    third = Backend("http://192.0.2.3:80")
    case.hear(membership_line([ONE, TWO, third], set()))
    assert case.known == {ONE, TWO}
    assert case.events == ["accepts", "ready"]


@pytest.mark.parametrize("line", [b"", b"x", b"[1]", b"[{}]", b'{"a": 1}', b"\xff"])
def test_what_cannot_be_read_changes_nothing(line: bytes, case: Case) -> None:
    case.hear(line + b"\n")
    assert case.known == set()
    assert case.events == []


def test_one_whose_predecessor_is_killed_before_it_said_a_word_accepts(case: Case) -> None:
    case.lose()
    assert case.events == ["accepts", "ready"]


def test_one_whose_predecessor_is_killed_while_it_waits_for_backends_accepts_once(case: Case) -> None:
    case.hear(membership_line([ONE], {ONE.id}))
    case.lose()
    case.clock.pump([0.1] * int(WARM_S / 0.1 + 2))
    assert case.events == ["accepts", "ready"]


def test_the_end_of_a_predecessor_that_is_replaced_changes_nothing(case: Case) -> None:
    case.hear(membership_line([ONE], set()))
    case.lose()
    assert case.events == ["accepts", "ready"]


def test_one_that_is_not_to_take_over_ends_and_accepts_nothing(case: Case) -> None:
    case.hear(membership_line([ONE], {ONE.id}))
    case.hear(END + b"\n")
    case.lose()
    case.clock.pump([0.1] * int(WARM_S / 0.1 + 2))
    assert case.events == ["ends"]
