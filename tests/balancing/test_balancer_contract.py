"""Every balancer of the catalogue keeps the contract."""

import pytest
from attrs import evolve

from openprequal.balancing.catalogue import BALANCERS, PARAMETERS
from openprequal.interfaces import BalancerContext, IBalancer
from openprequal.testing.balancer_contract import BalancerContract


class TestEveryCataloguedBalancer(BalancerContract):
    @pytest.fixture(autouse=True, params=sorted(BALANCERS))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        if self.name == "maglev":
            # The table of the usual size takes long to fill, and many tests change who is up all the time.
            context = evolve(context, parameters={"table_size": 1009, **context.parameters})
        return BALANCERS[self.name](context)


def test_what_may_be_set_is_known_of_every_balancer() -> None:
    assert set(PARAMETERS) == set(BALANCERS)
