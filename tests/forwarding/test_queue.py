"""When nobody has room a request waits in the service's bounded queue; a balancer may take its time to pick."""

from collections.abc import Callable, Collection

import pytest
from messages import GET, NO_CONTENT, OK, statuses
from zope.interface import implementer

from openprequal.forwarding.route import Timeouts
from openprequal.interfaces import IBalancer, IPending, IRequest
from openprequal.testing.network import MemoryNetwork
from openprequal.values import Backend, LoadReport, Outcome


def busy(queue_max: int, backends: int = 1) -> MemoryNetwork:
    """A network whose backends have one request each, and room for no more."""
    network = MemoryNetwork(backends, max_in_flight=1, queue_max=queue_max, timeouts=Timeouts(queue_s=1.0))
    for _ in range(backends):
        network.client().send(GET)
    assert network.in_flight == backends
    return network


def test_a_request_waits_until_there_is_room() -> None:
    network = busy(queue_max=1)
    client, backend = network.client(), network.backend()
    client.send(GET)
    assert backend.received.count(b"GET /x") == 1
    assert network.service.queued == 1
    backend.answer(OK)
    assert backend.received.count(b"GET /x") == 2
    assert (network.in_flight, network.service.queued) == (1, 0)
    backend.answer(NO_CONTENT)
    assert statuses(client.received) == [204]
    assert network.in_flight == 0


def test_those_who_wait_are_served_in_order() -> None:
    network = busy(queue_max=3)
    for number in range(3):
        network.client().send(GET.replace(b"/x", b"/%d" % number))
    for number in range(3):
        network.backend().answer(OK)
        assert b"GET /%d " % number in network.backend().received
        assert b"GET /%d " % (number + 1) not in network.backend().received


def test_a_full_queue_is_503() -> None:
    network = busy(queue_max=1)
    network.client().send(GET)
    client = network.client()
    client.send(GET)
    assert statuses(client.received) == [503]
    assert b"\r\nRetry-After: " in client.received
    assert network.service.queued == 1


def test_waiting_too_long_is_503() -> None:
    network = busy(queue_max=1)
    client = network.client()
    client.send(GET)
    network.wait(2)
    assert statuses(client.received) == [503]
    assert network.service.queued == 0
    network.backend().answer(OK)
    assert network.in_flight == 0
    assert network.backend().received.count(b"GET /x") == 1


def test_a_client_that_goes_while_waiting_leaves_the_queue() -> None:
    network = busy(queue_max=1)
    client = network.client()
    client.send(GET)
    client.close()
    assert network.service.queued == 0
    assert network.settled == {("GET", "499"): 1}
    network.backend().answer(OK)
    assert network.backend().received.count(b"GET /x") == 1


def test_a_refused_connect_frees_the_place_for_who_waits() -> None:
    network = busy(queue_max=2)
    client = network.client()
    client.send(GET)
    network.backend().refuse()
    network.backend().connection.close()
    assert statuses(client.received) == [502]
    assert (network.in_flight, network.service.queued) == (0, 0)


def test_a_backend_that_comes_up_serves_the_queue() -> None:
    network = busy(queue_max=1, backends=2)
    network.service.down(network.backend(1).backend)
    network.backend(1).answer(OK)
    client = network.client()
    client.send(GET)
    assert network.service.queued == 1
    network.service.up(network.backend(1).backend)
    network.clock.advance(0)
    network.backend(1).answer(NO_CONTENT)
    assert statuses(client.received) == [204]


# ---- a balancer that takes its time ---------------------------------------------------------------------------------


@implementer(IPending)
class Later:
    """A pick that the test makes."""

    def __init__(self) -> None:
        self.cancelled = False
        self.callback: Callable[[Backend | None], None] | None = None

    def whenPicked(self, callback: Callable[[Backend | None], None]) -> None:
        self.callback = callback

    def cancel(self) -> None:
        self.cancelled = True

    def choose(self, backend: Backend | None) -> None:
        assert self.callback is not None
        self.callback(backend)


@implementer(IBalancer)
class Deliberate:
    """Hands out a pending pick for every request."""

    def __init__(self) -> None:
        self.pick_counts: dict[str, int] = {}
        self.picks: list[Later] = []
        self.excluded: list[Collection[str]] = []
        self.in_flight = 0

    def pick(self, request: IRequest, exclude: Collection[str]) -> Later:
        self.excluded.append(exclude)
        self.picks.append(Later())
        return self.picks[-1]

    def up(self, backend: Backend) -> None: ...
    def down(self, backend: Backend) -> None: ...
    def reweighted(self, backend: Backend) -> None: ...
    def reported(self, backend: Backend, report: LoadReport) -> None: ...

    def started(self, backend: Backend) -> None:
        self.in_flight += 1

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        self.in_flight -= 1


@pytest.fixture
def balancer() -> Deliberate:
    return Deliberate()


@pytest.fixture
def network(balancer: Deliberate) -> MemoryNetwork:
    return MemoryNetwork(backends=2, balancer=balancer)


def test_a_request_waits_for_its_pick(network: MemoryNetwork, balancer: Deliberate) -> None:
    client = network.client()
    client.send(GET)
    assert network.in_flight == 0
    balancer.picks[0].choose(network.backend(1).backend)
    network.clock.advance(0)
    network.backend(1).answer(OK)
    assert statuses(client.received) == [200]
    assert not balancer.picks[0].cancelled
    assert balancer.in_flight == 0


def test_a_pick_of_nobody_is_503(network: MemoryNetwork, balancer: Deliberate) -> None:
    client = network.client()
    client.send(GET)
    balancer.picks[0].choose(None)
    assert statuses(client.received) == [503]


def test_a_client_that_goes_cancels_its_pick(network: MemoryNetwork, balancer: Deliberate) -> None:
    client = network.client()
    client.send(GET)
    client.close()
    assert balancer.picks[0].cancelled
    assert network.settled == {("GET", "499"): 1}


def test_a_pick_of_a_backend_that_has_left_is_503(network: MemoryNetwork, balancer: Deliberate) -> None:
    client = network.client()
    client.send(GET)
    network.service.remove(network.backend(0).backend)
    balancer.picks[0].choose(network.backend(0).backend)
    assert statuses(client.received) == [503]
    assert balancer.in_flight == 0


def test_after_a_refused_connect_the_balancer_is_asked_again_without_that_backend(
    network: MemoryNetwork, balancer: Deliberate
) -> None:
    client = network.client()
    client.send(GET)
    network.backend(0).refuse()
    balancer.picks[0].choose(network.backend(0).backend)
    network.clock.advance(0)
    assert list(balancer.excluded[1]) == [network.backend(0).backend.id]
    balancer.picks[1].choose(network.backend(1).backend)
    network.clock.advance(0)
    network.backend(1).answer(OK)
    assert statuses(client.received) == [200]
    assert balancer.in_flight == 0


def full(balancer: Deliberate, queue_max: int = 0) -> MemoryNetwork:
    """A network of two backends with room for one request each; two requests wait for their pick."""
    network = MemoryNetwork(backends=2, balancer=balancer, max_in_flight=1, queue_max=queue_max)
    for number in range(2):
        network.client().send(GET.replace(b"/x", b"/%d" % number))
    return network


def test_a_pick_that_comes_when_its_backend_has_filled_up_is_made_again(balancer: Deliberate) -> None:
    network = full(balancer)
    first = network.backend(0).backend
    for pick in balancer.picks[:2]:
        pick.choose(first)
    network.clock.advance(0)
    assert [member.in_flight for member in network.members] == [1, 0]
    assert list(balancer.excluded[2]) == [first.id]
    balancer.picks[2].choose(network.backend(1).backend)
    network.clock.advance(0)
    assert [member.in_flight for member in network.members] == [1, 1]
    assert b"GET /1 " in network.backend(1).received


def test_who_was_to_be_served_and_goes_leaves_the_place_to_the_next_in_the_queue(balancer: Deliberate) -> None:
    network = full(balancer, queue_max=2)
    for number, pick in enumerate(balancer.picks[:2]):
        pick.choose(network.backend(number).backend)
    network.clock.advance(0)
    waiting = [network.client() for _ in range(2)]
    for number, client in enumerate(waiting):
        client.send(GET.replace(b"/x", b"/waiting%d" % number))
        balancer.picks[2 + number].choose(None)
    assert network.service.queued == 2
    network.backend(0).answer(OK)
    assert len(balancer.picks) == 5
    waiting[0].close()
    assert balancer.picks[4].cancelled
    balancer.picks[5].choose(network.backend(0).backend)
    network.clock.advance(0)
    assert b"GET /waiting1 " in network.backend(0).received
