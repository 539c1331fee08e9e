"""FailureRecord: who fails more than its peers is held back (the paper's sinkholing)."""

import pytest

from openprequal.balancing.failures import FailureRecord
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.values import Backend


class Fleet:
    """*count* backends under one record, in virtual time with ticks."""

    def __init__(self, count: int) -> None:
        self.record = FailureRecord()
        self.now_s = 1000.0
        self.loads = []
        for number in range(count):
            load = LoadEstimate(Backend(url=f"http://b{number}.test:1"), Peers())
            load.is_up = True
            self.record.joined(load)
            self.loads.append(load)

    def fail(self, number: int, times: int = 1) -> None:
        for _ in range(times):
            self.record.outcome(self.loads[number], True, self.now_s)

    def succeed(self, number: int, times: int = 1) -> None:
        for _ in range(times):
            self.record.outcome(self.loads[number], False, self.now_s)

    def pass_s(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.now_s += 0.1
            self.record.tick(0.1, self.now_s)

    def held_back(self) -> list[bool]:
        return [load.held_back for load in self.loads]

    def held_back_s(self, number: int) -> float:
        """How long it is held back from now on."""
        start_s = self.now_s
        while self.loads[number].held_back and self.now_s - start_s < 100:
            self.pass_s(0.1)
        return self.now_s - start_s


def test_one_failure_holds_nobody_back() -> None:
    fleet = Fleet(3)
    fleet.fail(0)
    assert fleet.held_back() == [False] * 3


def test_two_failures_in_a_row_do() -> None:
    fleet = Fleet(3)
    fleet.fail(0, 2)
    assert fleet.held_back() == [True, False, False]


def test_two_failures_with_a_success_between_do_not() -> None:
    fleet = Fleet(3)
    fleet.fail(0)
    fleet.succeed(0)
    fleet.fail(0)
    assert fleet.held_back() == [False] * 3


def test_two_in_a_row_are_chance_where_the_peers_fail_now_and_then() -> None:
    fleet = Fleet(3)
    for number in (1, 2):
        fleet.fail(number)
        fleet.succeed(number, 7)
    fleet.fail(0, 2)
    assert fleet.held_back() == [False] * 3
    fleet.fail(0)
    assert fleet.held_back() == [True, False, False]


def test_it_is_tried_again_after_three_seconds() -> None:
    fleet = Fleet(3)
    fleet.fail(0, 10)
    assert fleet.held_back_s(0) == pytest.approx(3.0, abs=0.11)


def test_each_trial_that_fails_doubles_the_time_up_to_half_a_minute() -> None:
    fleet = Fleet(3)
    fleet.fail(0, 3)
    times_s = []
    for _ in range(8):
        times_s.append(fleet.held_back_s(0))
        fleet.fail(0)
    assert times_s == pytest.approx([3, 6, 12, 24, 30, 30, 30, 30], abs=0.11)


def test_failures_of_requests_still_under_way_do_not_lengthen_it() -> None:
    fleet = Fleet(3)
    fleet.fail(0, 3)
    fleet.pass_s(0.5)
    fleet.fail(0, 20)
    assert fleet.held_back_s(0) == pytest.approx(2.5, abs=0.11)


def test_after_a_trial_that_succeeds_and_a_while_without_failures_all_is_forgiven() -> None:
    fleet = Fleet(3)
    fleet.fail(0, 3)
    for _ in range(4):
        fleet.held_back_s(0)
        fleet.fail(0)
    fleet.held_back_s(0)
    fleet.succeed(0)
    assert fleet.held_back() == [False] * 3
    fleet.pass_s(5)
    fleet.fail(0)
    assert fleet.held_back() == [False] * 3
    fleet.fail(0)
    assert fleet.held_back_s(0) == pytest.approx(3.0, abs=0.11)


def test_successes_clear_it() -> None:
    fleet = Fleet(3)
    fleet.fail(0, 3)
    fleet.succeed(0, 5)
    assert fleet.held_back() == [False] * 3


def test_where_all_fail_alike_none_is_held_back() -> None:
    fleet = Fleet(3)
    for _ in range(20):
        for number in range(3):
            fleet.fail(number)
    # The first to fail could not know of the others yet.
    fleet.pass_s(1.2)
    for number in range(3):
        fleet.fail(number)
    assert fleet.held_back() == [False] * 3


def test_of_two_the_failing_one_is_held_back() -> None:
    fleet = Fleet(2)
    fleet.fail(1, 50)
    assert fleet.held_back() == [False, True]


def test_a_failing_backend_that_left_no_longer_excuses_others() -> None:
    fleet = Fleet(2)
    fleet.fail(1, 50)
    fleet.record.left(fleet.loads[1])
    fleet.loads[1].is_up = False
    fleet.fail(0, 5)
    assert fleet.loads[0].held_back


def test_one_that_leaves_and_comes_back_is_forgiven_with_time() -> None:
    fleet = Fleet(2)
    fleet.fail(1, 50)
    fleet.record.left(fleet.loads[1])
    fleet.loads[1].is_up = False
    fleet.pass_s(0.5)
    fleet.loads[1].is_up = True
    fleet.record.joined(fleet.loads[1])
    assert fleet.held_back() == [False, True]
    fleet.pass_s(2.7)
    assert fleet.held_back() == [False, False]
