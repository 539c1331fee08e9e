"""Every balancer of the catalogue keeps the contract."""

import pytest

from openprequal.balancing.catalogue import BALANCERS
from openprequal.interfaces import BalancerContext, IBalancer
from openprequal.testing.balancer_contract import BalancerContract


class TestEveryCataloguedBalancer(BalancerContract):
    @pytest.fixture(autouse=True, params=sorted(BALANCERS))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        return BALANCERS[self.name](context)


def test_the_balancers_of_the_documentation_are_catalogued() -> None:
    assert {"prequal", "round_robin", "random"} <= set(BALANCERS)
