"""What operators want of a backend is kept as long as it may be meant, and no longer."""

import pytest
from twisted.internet.task import Clock

from openprequal.health.by_hand import MOST_REMEMBERED, REMEMBERED_S, ByHand
from openprequal.health.standing import NO_ORDERS, Condition, Orders, Standing
from openprequal.values import Backend

DRAINED = Orders(drained_by="192.0.2.9")


class Case:
    def __init__(self) -> None:
        self.clock = Clock()
        self.standings: dict[str, Standing] = {}
        self.changed: list[str] = []
        self.by_hand = ByHand(self.clock, self.standings, lambda standing: self.changed.append(standing.backend.id))

    def join(self, number: int = 1) -> Standing:
        standing = Standing(Backend(f"http://192.0.2.1:{number}"), self.clock.seconds())
        self.standings[standing.backend.id] = standing
        self.by_hand.joined(standing)
        return standing

    def leave(self, standing: Standing) -> None:
        del self.standings[standing.backend.id]
        self.by_hand.left(standing)


@pytest.fixture
def case() -> Case:
    return Case()


@pytest.mark.parametrize(("away_s", "drained"), [(REMEMBERED_S - 1, True), (REMEMBERED_S, False)])
def test_a_drain_is_remembered_for_a_while(away_s: float, drained: bool, case: Case) -> None:
    standing = case.join()
    case.by_hand.drain(standing, "192.0.2.9")
    case.leave(standing)
    case.clock.advance(away_s)
    assert case.join().drains is drained


def test_backends_that_come_and_go_drained_fill_nothing(case: Case) -> None:
    for number in range(MOST_REMEMBERED + 500):
        standing = case.join(number)
        case.by_hand.drain(standing, "192.0.2.9")
        case.leave(standing)
    assert len(case.by_hand.orders()) == MOST_REMEMBERED


def test_orders_for_who_is_still_to_come_are_kept_for_them(case: Case) -> None:
    here = case.join(1)
    case.by_hand.take_over({here.backend.id: DRAINED, "default/http://192.0.2.1:2": DRAINED})
    assert (here.orders, case.join(2).orders) == (DRAINED, DRAINED)
    assert case.changed == [here.backend.id]


def test_orders_that_are_no_more_are_taken_back(case: Case) -> None:
    here = case.join(1)
    coming = "default/http://192.0.2.1:2"
    case.by_hand.take_over({here.backend.id: DRAINED, coming: DRAINED})
    case.by_hand.take_over({here.backend.id: NO_ORDERS, coming: NO_ORDERS})
    assert (here.orders, case.join(2).orders) == (NO_ORDERS, NO_ORDERS)


def test_drained_and_ejected_are_two_things(case: Case) -> None:
    standing = case.join()
    case.by_hand.drain(standing, "a")
    case.by_hand.eject(standing, "b")
    assert (standing.condition, standing.reason) == (Condition.DRAINING, "drained by a, ejected by b")
    case.by_hand.undrain(standing)
    assert (standing.condition, standing.reason) == (Condition.EJECTED, "ejected by b")
    case.by_hand.restore(standing)
    assert standing.condition is Condition.UNCHECKED


def test_the_first_who_wanted_it_is_named(case: Case) -> None:
    standing = case.join()
    assert case.by_hand.drain(standing, "a")
    assert not case.by_hand.drain(standing, "b")
    assert standing.reason == "drained by a"
