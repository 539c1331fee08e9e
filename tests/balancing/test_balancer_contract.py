"""Every balancer of the catalogue keeps the contract."""

import pytest
from attrs import evolve

from openprequal.balancing.catalogue import BALANCERS, PARAMETERS, SLOW_START
from openprequal.balancing.slow_start import SlowStart
from openprequal.interfaces import BalancerContext, IBalancer, IPending
from openprequal.testing.balancer_contract import (
    AnyRequest,
    BalancerContract,
    PendingBalancerContract,
    some_backends,
)

WAITING = {"prequal_sync"}
"""Those whose picks wait."""


class TestEveryBalancerThatPicksAtOnce(BalancerContract):
    @pytest.fixture(autouse=True, params=sorted(set(BALANCERS) - WAITING))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        if self.name == "maglev":
            # The table of the usual size takes long to fill, and many tests change who is up all the time.
            context = evolve(context, parameters={"table_size": 1009, **context.parameters})
        return BALANCERS[self.name](context)

    def test_its_picks_do_not_wait(self) -> None:
        assert not IPending.providedBy(self.open(some_backends(5)).pick(AnyRequest(), ()))


class TestEveryBalancerThatIsToldOfNewcomersLater(BalancerContract):
    @pytest.fixture(autouse=True, params=sorted(name for name, make in BALANCERS.items() if make in SLOW_START))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        return SlowStart(context.clock, BALANCERS[self.name](context), 0.5)


class TestEveryBalancerWhosePicksWait(PendingBalancerContract):
    @pytest.fixture(autouse=True, params=sorted(WAITING))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        return BALANCERS[self.name](context)


class TestPrequalByOtherRules(BalancerContract):
    @pytest.fixture(
        autouse=True,
        params=[
            {"rule": "hot_cold"},
            {"rule": "hot_cold", "reuse_budget": True, "fade_ratio": 0},
            # As the letter of the paper has it, but for the reports that the contract sends on responses.
            {"preset": "paper", "in_band": True, "estimate_missing": True},
        ],
        ids=["hot_cold", "reuse_budget", "paper"],
    )
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.parameters = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        return BALANCERS["prequal"](evolve(context, parameters={**self.parameters, **context.parameters}))


def test_what_may_be_set_is_known_of_every_balancer() -> None:
    assert set(PARAMETERS) == set(BALANCERS)
