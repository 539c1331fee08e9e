"""When a run is thrown away."""

import pytest

from openprequal.bench.tail.lateness import STOLEN, objection, p99_of


def test_a_run_within_the_limit_counts() -> None:
    assert objection(0.009, 0.010, 0.010) is None


@pytest.mark.parametrize(("sender_s", "emulation_s", "who"), [(0.02, 0.0, "generator"), (0.0, 0.02, "emulation")])
def test_a_run_beyond_it_is_refused_with_who_was_late(sender_s: float, emulation_s: float, who: str) -> None:
    assert objection(sender_s, emulation_s, 0.010) == f"the {who} was 20.0 ms late (p99; 10 ms are allowed)"


def test_one_late_turn_in_two_hundred_does_not_matter() -> None:
    assert p99_of([0.001] * 199 + [5.0]) == 0.001


def test_two_in_a_hundred_do() -> None:
    assert p99_of([0.001] * 98 + [5.0] * 2) == 5.0


def test_a_run_from_which_the_host_took_time_is_refused() -> None:
    assert objection(0.0, 0.0, stolen=0.2) == f"the host kept 0.20 cores from this machine ({STOLEN:g} are allowed)"


def test_a_little_that_the_host_takes_does_not_matter() -> None:
    assert objection(0.0, 0.0, stolen=STOLEN) is None
