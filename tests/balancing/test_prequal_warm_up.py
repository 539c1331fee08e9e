"""Who joins an old fleet is spared at first; and who says that it is warming up."""

import pytest
from prequal_gateway import Gateway

from openprequal.testing.balancer_contract import some_backends
from openprequal.values import LoadReport, LoadState


def old_fleet(count: int = 3, **parameters: object) -> Gateway:
    """*count* backends that have been there for a minute, and one that has just joined them; all have a RIF of 3."""
    gateway = Gateway(count, [(3, 0.04)] * (count + 1), **parameters)
    gateway.pass_s(60)
    gateway.backends = some_backends(count + 1)
    gateway.probes.answer(gateway.backends[count], LoadReport(3, 0.04))
    gateway.balancer.up(gateway.backends[count])
    gateway.clock.advance(gateway.probes.round_trip_s)
    gateway.report(*[(3, 0.04)] * (count + 1))
    return gateway


def looks(gateway: Gateway) -> float:
    """How many times as loaded as the first the last one looks."""
    gateway.report(*[(3, 0.04)] * len(gateway.backends))
    pool = gateway.pool()
    last = len(gateway.backends) - 1
    return pool[last].score / pool[0].score


def test_one_that_joins_an_old_fleet_looks_five_times_as_loaded() -> None:
    gateway = old_fleet()
    assert looks(gateway) == pytest.approx(5.0)
    # The rule by RIF and latency sees it too.
    newest, first = gateway.pool()[3], gateway.pool()[0]
    assert newest.rif + 1 == pytest.approx(5 * (first.rif + 1))
    assert newest.latency_s == pytest.approx(5 * first.latency_s)


def test_it_gets_fewer_requests_but_not_none() -> None:
    gateway = old_fleet()
    for _ in range(200):
        gateway.send()
    in_flight = [gateway.balancer._known[backend.id].in_flight for backend in gateway.backends]
    assert 0 < in_flight[3] < in_flight[0] / 3


def test_it_is_spared_less_and_less() -> None:
    gateway = old_fleet()
    seen = []
    for _ in range(5):
        seen.append(looks(gateway))
        gateway.pass_s(2)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > seen[1] > seen[2] > seen[3] > seen[4] > 1


@pytest.mark.parametrize("warm_up_s", [2.0, 10.0])
def test_after_the_warm_up_it_counts_as_it_is(warm_up_s: float) -> None:
    gateway = old_fleet(warm_up_seconds=warm_up_s)
    gateway.pass_s(warm_up_s - 0.5)
    assert looks(gateway) > 1.05
    gateway.pass_s(0.7)
    assert looks(gateway) == pytest.approx(1.0)


def test_a_warm_up_of_zero_spares_nobody() -> None:
    assert looks(old_fleet(warm_up_seconds=0)) == pytest.approx(1.0)


def test_where_all_are_new_nobody_is_spared() -> None:
    gateway = Gateway(4)
    assert looks(gateway) == pytest.approx(1.0)


def test_one_that_joins_a_fleet_that_is_itself_new_is_not_spared() -> None:
    gateway = Gateway(3)
    gateway.pass_s(5)
    gateway.backends = some_backends(4)
    gateway.balancer.up(gateway.backends[3])
    assert looks(gateway) == pytest.approx(1.0)


def test_a_fleet_that_was_gone_altogether_is_new_again() -> None:
    gateway = Gateway(4)
    gateway.pass_s(60)
    for backend in gateway.backends:
        gateway.balancer.down(backend)
    for backend in gateway.backends:
        gateway.balancer.up(backend)
    assert looks(gateway) == pytest.approx(1.0)


def test_one_that_leaves_while_it_is_spared_is_not_spared_for_ever() -> None:
    gateway = old_fleet()
    newest = gateway.backends[3]
    gateway.balancer.started(newest)
    for backend in gateway.backends:
        gateway.balancer.down(backend)
    # It is the first of a new fleet now, and has a request of ours that keeps it known.
    gateway.balancer.up(newest)
    for backend in gateway.backends[:3]:
        gateway.balancer.up(backend)
    gateway.report(*[(3, 0.04)] * 4)
    gateway.pass_s(60)
    gateway.report(*[(3, 0.04)] * 4)
    # A RIF of 3 beside ours, of which there is one.
    assert gateway.pool()[3].rif == 4


def test_one_alone_is_picked_though_it_is_spared() -> None:
    gateway = old_fleet()
    for backend in gateway.backends[:3]:
        gateway.balancer.down(backend)
    assert gateway.place() == 3


def say(gateway: Gateway, state: LoadState) -> float:
    """How many times as loaded as the first the last one looks, once it has reported that state."""
    gateway.report(*[(3, 0.04)] * 3)
    gateway.balancer.reported(gateway.backends[2], LoadReport(3, 0.04, state))
    gateway.pass_s(0.1)
    gateway.report(*[(3, 0.04)] * 2)
    gateway.balancer.reported(gateway.backends[2], LoadReport(3, 0.04, state))
    pool = gateway.pool()
    return pool[2].score / pool[0].score


def test_one_that_says_that_it_is_warming_up_looks_twice_as_loaded_however_long_it_takes() -> None:
    gateway = Gateway(3)
    for _ in range(3):
        gateway.pass_s(60)
        assert say(gateway, LoadState.WARMING) == pytest.approx(2.0)


def test_it_counts_as_it_is_once_it_says_that_it_is_ready() -> None:
    gateway = Gateway(3)
    gateway.pass_s(60)
    assert say(gateway, LoadState.WARMING) == pytest.approx(2.0)
    assert say(gateway, LoadState.READY) == pytest.approx(1.0)


def test_with_a_warm_up_of_zero_its_word_does_not_count() -> None:
    gateway = Gateway(3, warm_up_seconds=0)
    gateway.pass_s(60)
    assert say(gateway, LoadState.WARMING) == pytest.approx(1.0)
