"""What may be sent again is a share of what clients ask for, with a small floor, and cannot be saved up for long."""

import pytest

from openprequal.routing.retry_budget import RetryBudget


class Case:
    def __init__(self, share: float = 0.2) -> None:
        self.requests = 0
        self.budget = RetryBudget(share, lambda: self.requests)

    def spend_all(self, now: float) -> int:
        """How many were allowed at *now*."""
        spent = 0
        while self.budget.available(now):
            self.budget.spend("test")
            spent += 1
        return spent


def test_at_first_there_is_the_floor_of_the_window() -> None:
    assert Case().spend_all(0.0) == 30


def test_requests_pay_in_their_share() -> None:
    case = Case()
    case.spend_all(0.0)
    case.requests += 100
    assert case.spend_all(0.0) == 20


def test_the_floor_comes_with_time() -> None:
    case = Case()
    case.spend_all(0.0)
    assert case.spend_all(1.0) in (2, 3)


def test_in_the_long_run_it_is_the_share_and_the_floor() -> None:
    case = Case()
    spent = 0
    for tenth in range(1000):
        case.requests += 100
        spent += case.spend_all(tenth / 10)
    assert spent == pytest.approx(0.2 * 100_000 + 3 * 100, rel=0.02)


def test_what_is_saved_up_is_that_of_one_window() -> None:
    case = Case()
    for second in range(1000):
        case.requests += 100
        case.budget.available(float(second))
    assert case.spend_all(1000.0) == pytest.approx(10 * (20 + 3), rel=0.1)


def test_a_long_silence_leaves_no_more_than_the_floor_of_a_window() -> None:
    case = Case()
    case.requests += 1_000_000
    assert case.spend_all(0.0) > 100_000
    assert case.spend_all(10_000.0) == pytest.approx(30, abs=1)


def test_no_share_is_nothing_at_all() -> None:
    case = Case(share=0.0)
    case.requests += 1000
    assert case.spend_all(100.0) == 0
    assert case.budget.refused == 1


def test_another_share_counts_from_then_on() -> None:
    case = Case()
    case.spend_all(0.0)
    case.budget.configure(0.5)
    case.requests += 100
    assert case.spend_all(0.0) == 50


def test_without_a_share_what_was_saved_up_is_gone() -> None:
    case = Case()
    case.budget.configure(0.0)
    assert case.spend_all(10.0) == 0
