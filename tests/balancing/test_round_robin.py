"""RoundRobin: turns, by weight."""

from collections import Counter
from random import Random

from twisted.internet.task import Clock

from openprequal.balancing.round_robin import RoundRobin
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest, some_backends
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend


def rotation(*backends: Backend) -> RoundRobin:
    clock = Clock()
    balancer = RoundRobin(BalancerContext(clock, Random(1), ScriptedProbes(clock)))
    for backend in backends:
        balancer.up(backend)
    return balancer


def turns(balancer: RoundRobin, count: int, exclude: tuple[str, ...] = ()) -> list[str]:
    picked = [balancer.pick(AnyRequest(), exclude) for _ in range(count)]
    return [backend.host[0] for backend in picked if backend is not None]


A, B, C = (Backend(url=f"http://{name}.test:1") for name in "abc")


def test_equal_backends_take_turns_in_order() -> None:
    assert turns(rotation(A, B, C), 7) == ["a", "b", "c", "a", "b", "c", "a"]


def test_turns_follow_the_weights_and_are_spread_out() -> None:
    heavy = Backend(url="http://h.test:1", weight=3.0)
    order = turns(rotation(A, heavy, B), 50)
    assert Counter(order) == {"h": 30, "a": 10, "b": 10}
    assert "hhh" not in "".join(order)


def test_one_that_was_excluded_keeps_its_turn() -> None:
    balancer = rotation(A, B, C)
    assert turns(balancer, 1, exclude=(A.id,)) == ["b"]
    assert turns(balancer, 3) == ["a", "c", "b"]


def test_the_rotation_goes_on_when_one_leaves() -> None:
    balancer = rotation(A, B, C)
    turns(balancer, 1)
    balancer.down(B)
    assert turns(balancer, 4) == ["c", "a", "c", "a"]


def test_a_new_weight_counts_from_then_on() -> None:
    balancer = rotation(A, B)
    balancer.reweighted(Backend(url=A.url, weight=4.0))
    assert Counter(turns(balancer, 50)) == {"a": 40, "b": 10}


def test_excluding_everyone_does_not_upset_the_weights() -> None:
    heavy = Backend(url="http://h.test:1", weight=3.0)
    balancer = rotation(A, heavy)
    for _ in range(10):
        assert turns(balancer, 1, exclude=(A.id, heavy.id)) == []
    assert Counter(turns(balancer, 40)) == {"h": 30, "a": 10}


def test_many_backends_of_one_weight_all_get_their_turn() -> None:
    backends = some_backends(100)
    balancer = rotation(*backends)
    picked = [balancer.pick(AnyRequest(), ()) for _ in range(100)]
    assert picked == backends
