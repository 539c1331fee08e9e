"""Every balancer of the catalogue keeps the contract."""

from typing import Any

import pytest
from attrs import evolve

from openprequal.balancing.catalogue import BALANCERS, PARAMETERS, SLOW_START, WAITING
from openprequal.balancing.slow_start import SlowStart
from openprequal.interfaces import BalancerContext, IBalancer, IPending
from openprequal.testing.balancer_contract import (
    ANSWERED,
    AnyRequest,
    PendingBalancerContract,
    some_backends,
)
from openprequal.testing.explanation_contract import ExplanationContract
from openprequal.values import LoadReport


class TestEveryBalancerThatPicksAtOnce(ExplanationContract):
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

    @pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (1.0, 2.0, 1.0, 0.5)])
    def test_the_pick_that_follows_is_the_one_foretold(self, weights: tuple[float, ...]) -> None:
        backends = [evolve(each, weight=weight) for each, weight in zip(some_backends(4), weights, strict=True)]
        balancer: Any = self.open(backends)
        for number in range(100):
            request = AnyRequest(client=f"192.0.2.{number}")
            exclude = [backends[number % 4].id] if number % 3 == 0 else []
            foretold = balancer.explain(request, exclude).picked
            picked = balancer.pick(request, exclude)
            assert picked.id == foretold
            balancer.started(picked)
            if number % 5 == 0:
                balancer.reported(picked, LoadReport(number % 4, 0.01 * (1 + number % 3), utilization=0.5))
            if number % 2:
                balancer.finished(picked, ANSWERED)
            self.wait(0.05)


class TestEveryBalancerThatIsToldOfNewcomersLater(ExplanationContract):
    @pytest.fixture(autouse=True, params=sorted(name for name, make in BALANCERS.items() if make in SLOW_START))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        return SlowStart(context.clock, BALANCERS[self.name](context), 0.5)


class TestEveryBalancerWhosePicksWait(PendingBalancerContract, ExplanationContract):
    @pytest.fixture(autouse=True, params=sorted(WAITING))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: BalancerContext) -> IBalancer:
        return BALANCERS[self.name](context)


class TestPrequalByOtherRules(ExplanationContract):
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
