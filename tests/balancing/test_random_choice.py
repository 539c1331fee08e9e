"""RandomChoice: in proportion to the weights."""

from collections import Counter
from random import Random

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.random_choice import RandomChoice
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend


def shares(weights: list[float], exclude: tuple[int, ...] = ()) -> list[float]:
    clock = Clock()
    balancer = RandomChoice(BalancerContext(clock, Random(5), ScriptedProbes(clock)))
    backends = [Backend(url=f"http://b{number}.test:1", weight=weight) for number, weight in enumerate(weights)]
    for backend in backends:
        balancer.up(backend)
    excluded = {backends[number].id for number in exclude}
    counts: Counter[str] = Counter()
    for _ in range(6000):
        picked = balancer.pick(AnyRequest(), excluded)
        assert picked is not None
        counts[picked.id] += 1
    return [counts[backend.id] / 6000 for backend in backends]


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [0.01, 1.0, 1.0], [1.0, 1.0, 500.0]])
def test_picks_follow_the_weights(weights: list[float]) -> None:
    assert shares(weights) == pytest.approx([weight / sum(weights) for weight in weights], abs=0.03)


def test_what_is_excluded_leaves_its_share_to_the_others_by_weight() -> None:
    assert shares([1.0, 3.0, 200.0], exclude=(2,)) == pytest.approx([0.25, 0.75, 0.0], abs=0.03)
