"""Why a pick fell as it did: explanations, which change nothing."""

import pytest
from prequal_gateway import ANSWERED, Gateway

from openprequal.explanations import PickExplanation
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.values import LoadReport, LoadState

KINDS: list[dict[str, object]] = [
    {},
    {"rule": "hot_cold"},
    {"preset": "paper"},
    {"trial_every": 3},
    {"pool_size": 4, "max_age_seconds": 0.05},
]


def test_it_names_who_would_be_picked_and_why() -> None:
    gateway = Gateway(2, rule="hot_cold", q_rif=0.999)
    gateway.report((9, 0.1), (2, 0.3))
    explained = gateway.balancer.explain(AnyRequest())
    assert (explained.picked, explained.reason) == (gateway.backends[1].id, "cold")
    assert gateway.place() == 1


def test_it_names_the_threshold_and_who_is_hot() -> None:
    gateway = Gateway(2, q_rif=0.999)
    gateway.report((9, 0.1), (2, 0.5))
    explained = gateway.balancer.explain(AnyRequest())
    assert explained.rif_threshold == 9
    assert {each.id: each.hot for each in explained.pool} == {
        gateway.backends[0].id: True,
        gateway.backends[1].id: False,
    }


def test_it_names_what_is_believed_of_each_how_old_that_is_and_what_it_rests_on() -> None:
    gateway = Gateway(3, fade_ratio=0)
    gateway.report((3, 0.4))
    gateway.balancer.started(gateway.backends[1])
    gateway.clock.advance(0.2)
    gateway.balancer.finished(gateway.backends[1], ANSWERED)
    pool = gateway.pool()
    assert (pool[0].rif, pool[0].latency_s, pool[0].age_s, pool[0].source) == (
        3,
        pytest.approx(0.4),
        pytest.approx(0.2),
        "reported",
    )
    assert (pool[1].rif, pool[1].age_s, pool[1].source) == (0, None, "measured")
    assert (pool[2].age_s, pool[2].source) == (None, "assumed")
    assert pool[0].score > pool[1].score


def test_it_names_who_is_held_back() -> None:
    gateway = Gateway(2)
    gateway.report((3, 0.4), (3, 0.4))
    gateway.balancer.reported(gateway.backends[0], LoadReport(0, 0.001, LoadState.DRAINING))
    assert {place: each.held_back for place, each in gateway.pool().items()} == {0: True, 1: False}


def test_a_stale_report_is_called_so() -> None:
    gateway = Gateway(2)
    gateway.report((3, 0.4), (3, 0.4))
    gateway.clock.advance(2.0)
    assert [each.source for each in gateway.pool().values()] == ["stale", "stale"]


def test_where_nobody_can_be_picked_it_says_so() -> None:
    explained = Gateway(0).balancer.explain(AnyRequest())
    assert (explained.picked, explained.reason, explained.pool) == (None, None, ())


def test_those_excluded_are_not_in_it() -> None:
    gateway = Gateway(3)
    gateway.report((0, 0.01), (1, 0.1), (1, 0.1))
    explained = gateway.balancer.explain(AnyRequest(), {gateway.backends[0].id})
    assert {each.id for each in explained.pool} == {backend.id for backend in gateway.backends[1:]}
    assert explained.picked != gateway.backends[0].id


def test_of_a_random_pick_it_says_that() -> None:
    explained = Gateway(3, preset="paper").balancer.explain(AnyRequest())
    assert explained.reason == "random"
    assert explained.pool == ()


def run(parameters: dict[str, object], count: int, *, listen: bool = False, ask: bool = False) -> list[str]:
    """Whom 300 picks fall on, in a fleet that answers probes, with time going by."""
    gateway = Gateway(count, [(place % 3, 0.02 * (1 + place % 5)) for place in range(count - 1)], **parameters)
    heard: list[PickExplanation] = []
    if listen:
        gateway.balancer.explained = heard.append
    picked = []
    for number in range(300):
        exclude = {gateway.backends[number % count].id} if number % 4 == 0 else set()
        if ask:
            gateway.balancer.explain(AnyRequest(), exclude)
        backend = gateway.balancer.pick(AnyRequest(), exclude)
        assert backend is not None
        picked.append(backend.id)
        gateway.balancer.started(backend)
        gateway.clock.advance(0.003 if number % 50 else 0.2)
        if number % 3:
            gateway.balancer.finished(backend, ANSWERED)
        if number % 20 == 0:
            gateway.balancer.tick()
    if listen:
        assert [each.picked for each in heard] == picked
    return picked


@pytest.mark.parametrize("count", [2, 5, 40])
@pytest.mark.parametrize("parameters", KINDS)
def test_picks_are_the_same_whether_somebody_listens_or_not(parameters: dict[str, object], count: int) -> None:
    assert run(parameters, count, listen=True) == run(parameters, count)


@pytest.mark.parametrize("count", [2, 5, 40])
@pytest.mark.parametrize("parameters", KINDS)
def test_picks_are_the_same_whether_somebody_asks_or_not(parameters: dict[str, object], count: int) -> None:
    assert run(parameters, count, ask=True) == run(parameters, count)


def test_every_pick_is_told_with_its_reason_and_those_it_chose_among() -> None:
    gateway = Gateway(3, trial_every=3)
    gateway.report((0, 0.01), (0, 0.5), (0, 0.5))
    heard: list[PickExplanation] = []
    gateway.balancer.explained = heard.append
    for _ in range(6):
        gateway.pick()
    assert [each.reason for each in heard] == ["cold", "cold", "trial", "cold", "cold", "trial"]
    assert all(len(each.pool) == 3 for each in heard)


def test_a_pick_that_finds_nobody_is_not_told() -> None:
    gateway = Gateway(0)
    heard: list[PickExplanation] = []
    gateway.balancer.explained = heard.append
    gateway.pick()
    assert heard == []


@pytest.mark.parametrize("parameters", [{}, {"rule": "hot_cold"}, {"preset": "paper", "in_band": True}])
def test_what_it_foretells_comes_true(parameters: dict[str, object]) -> None:
    gateway = Gateway(8, trial_every=float("inf"), **{"preset": "default", **parameters})
    gateway.report(*[(place % 2, 0.1) for place in range(8)])
    for _ in range(50):
        foretold = gateway.balancer.explain(AnyRequest())
        assert gateway.send().id == foretold.picked
        assert gateway.reason() == foretold.reason
