"""The gateway, as it ships, does what every case asks (integration: a real process, real sockets)."""

import pytest

from .case import Case
from .catalogue import CASES
from .runner import Target, run


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_gateway_conforms(case: Case, gateway: Target) -> None:
    complaints = run(case, gateway).complaints
    assert complaints == [], case.section


def test_there_are_enough_cases_and_each_has_a_name_of_its_own() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 200
    assert len(set(names)) == len(names)
