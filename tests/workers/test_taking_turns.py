"""Who accepts the next connection: whoever has fewest, unless those with fewer take none."""

import pytest

from openprequal.workers.accepting import AHEAD, IMPATIENT_S, Turns
from openprequal.workers.counts import ACCEPTING, CONNECTIONS, CountsMap, OwnCounts, made


class Case:
    """A worker beside another."""

    def __init__(self) -> None:
        self.counts = CountsMap(made(2, 4), 2, 4)
        self.connections = 0
        self.now = 0.0
        self.turns = Turns(OwnCounts(self.counts, 0), lambda: self.connections, lambda: self.now)
        self.other(0)

    def other(self, connections: int, accepting: bool = True) -> None:
        self.counts.rows[1][CONNECTIONS] = connections
        self.counts.rows[1][ACCEPTING] = accepting


@pytest.fixture
def case() -> Case:
    return Case()


def test_it_is_ours_as_long_as_we_are_hardly_ahead(case: Case) -> None:
    case.connections = AHEAD
    assert case.turns.is_ours()
    case.connections = AHEAD + 1
    assert not case.turns.is_ours()


def test_the_others_are_told_how_many_we_have(case: Case) -> None:
    case.connections = 7
    case.turns.publish()
    assert case.counts.rows[0][CONNECTIONS] == 7


def test_nobody_is_waited_for_who_does_not_accept(case: Case) -> None:
    case.connections = 100
    case.other(0, accepting=False)
    assert case.turns.is_ours()


def test_who_takes_none_is_waited_for_once_and_then_not_for_a_while(case: Case) -> None:
    case.connections = 10
    assert not case.turns.is_ours()
    case.turns.waited()
    assert case.turns.is_ours()
    case.now = 2 * IMPATIENT_S
    assert not case.turns.is_ours()


def test_who_takes_some_meanwhile_is_waited_for_again(case: Case) -> None:
    case.connections = 10
    assert not case.turns.is_ours()
    case.other(1)
    case.turns.waited()
    assert not case.turns.is_ours()
