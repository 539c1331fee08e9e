"""A service lets so many requests be under way; those beyond wait for a place or are told to come again."""

import pytest
from messages import GET, NO_CONTENT, OK, statuses

from openprequal.routing.concurrency_limit import FixedLimit
from openprequal.testing.network import MemoryNetwork


def full(queue_max: int, allowed: int = 2, backends: int = 3) -> MemoryNetwork:
    """A network with as many requests under way as may be."""
    network = MemoryNetwork(backends, limit=FixedLimit(allowed), queue_max=queue_max)
    for _ in range(allowed):
        network.client().send(GET)
    assert network.in_flight == allowed
    return network


def test_beyond_the_limit_and_the_queue_it_is_503_with_retry_after() -> None:
    network = full(queue_max=1)
    network.client().send(GET)
    client = network.client()
    client.send(GET)
    assert statuses(client.received) == [503]
    assert b"\r\nRetry-After: 1\r\n" in client.received
    assert network.in_flight == 2


def test_whoever_waits_gets_the_place_of_whoever_ends() -> None:
    network = full(queue_max=1)
    waiting = network.client()
    waiting.send(GET)
    network.backend(0).answer(OK)
    assert network.in_flight == 2
    network.backend(2).answer(NO_CONTENT)
    assert statuses(waiting.received) == [204]


def test_a_retry_keeps_its_place() -> None:
    network = full(queue_max=1)
    network.client().send(GET)
    network.backend(0).connection.close()
    assert b"GET /x" in network.backend(2).received
    assert network.in_flight == 2
    assert network.service.queued == 1


@pytest.mark.parametrize("refuses", [True, False])
def test_one_whose_connect_fails_keeps_its_place_even_if_others_wait(refuses: bool) -> None:
    network = MemoryNetwork(2, limit=FixedLimit(1), queue_max=1)
    first, second = network.client(), network.client()
    network.backend(0).refuse() if refuses else network.backend(0).hang()
    first.send(GET)
    second.send(GET)
    network.wait(2.5)
    while not (first.received and second.received):
        network.backend(1).answer(NO_CONTENT)
    assert statuses(first.received) == [204]
    assert network.in_flight == 0


def test_a_lower_limit_holds_for_those_that_come() -> None:
    limit = FixedLimit(2)
    network = MemoryNetwork(2, limit=limit, queue_max=1)
    for _ in range(2):
        network.client().send(GET)
    limit.allowed = 1
    waiting = network.client()
    waiting.send(GET)
    network.backend(0).answer(OK)
    assert network.in_flight == 1
    assert network.service.queued == 1
    network.backend(1).answer(OK)
    assert (network.in_flight, network.service.queued) == (1, 0)
