"""Balancers that go by requests in flight hear of those of the gateway's other processes."""

import pytest
from table import Table
from zope.interface.verify import verifyObject

from openprequal.balancing.catalogue import BALANCERS
from openprequal.interfaces import ICountsElsewhere

HEARING = sorted(name for name, make in BALANCERS.items() if ICountsElsewhere.implementedBy(make))
BY_COUNT = ("least_in_flight", "least_in_flight_p2c", "least_rif", "least_rif_p2c", "peak_ewma", "prequal")


def test_those_that_hear_are_those_that_count_requests() -> None:
    assert {*BY_COUNT, "linear", "c3"} == set(HEARING)


@pytest.mark.parametrize("name", HEARING)
def test_it_may_be_told_of_anybody(name: str) -> None:
    table = Table(name, 1, 1)
    assert verifyObject(ICountsElsewhere, table.balancer)
    table.balancer.down(table.backends[0])
    for count in (5, 0):
        table.balancer.elsewhere(table.backends[0], count)
        table.balancer.elsewhere(table.backends[1], count)
    assert table.pick() == 1


@pytest.mark.parametrize("name", BY_COUNT)
def test_one_that_does_not_report_is_as_busy_as_all_processes_made_it(name: str) -> None:
    table = Table(name, 1, 1)
    table.balancer.elsewhere(table.backends[0], 3)
    assert [table.pick() for _ in range(3)] == [1, 1, 1]
    table.start(1, 6)
    assert [table.pick() for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize("name", ["least_rif", "prequal"])
def test_a_report_holds_the_requests_of_all_processes_already(name: str) -> None:
    table = Table(name, 1, 1)
    table.report(0, 3.0, 0.02)
    table.report(1, 4.0, 0.02)
    table.balancer.elsewhere(table.backends[0], 3)
    assert [table.pick(), table.pick()] == [0, 0]


def test_a_weight_divides_them_too() -> None:
    table = Table("least_in_flight", 1, 4)
    table.balancer.elsewhere(table.backends[0], 1)
    table.balancer.elsewhere(table.backends[1], 3)
    assert table.pick() == 1
