"""ProbeBudget: probing has a bound whatever the load (PREQUAL.md section 5)."""

from math import inf

from openprequal.probing.budget import ProbeBudget


def taken(budget: ProbeBudget, now_s: float, wanted: int) -> int:
    count = min(wanted, budget.left(now_s))
    for _ in range(count):
        budget.spend(1)
    return count


def test_over_time_no_more_than_the_rate_is_taken() -> None:
    budget = ProbeBudget(1000)
    total = sum(taken(budget, step * 0.001, 3) for step in range(10_000))
    assert 9_900 <= total <= 10_200


def test_a_pause_does_not_save_up_more_than_a_tenth_of_a_second() -> None:
    budget = ProbeBudget(1000)
    taken(budget, 0.0, 1000)
    assert taken(budget, 3600.0, 1000) == 100


def test_less_than_one_a_second_still_comes_to_one() -> None:
    budget = ProbeBudget(0.5)
    assert taken(budget, 0.0, 1) == 1
    assert taken(budget, 1.0, 1) == 0
    assert taken(budget, 2.0, 1) == 1


def test_a_budget_of_zero_gives_one_probe_at_most() -> None:
    budget = ProbeBudget(0)
    assert sum(taken(budget, second, 1) for second in range(100)) <= 1


def test_an_infinite_budget_is_never_used_up() -> None:
    budget = ProbeBudget(inf)
    assert [taken(budget, 0.0, 1000) for _ in range(100)] == [1000] * 100
