"""Requests under Prequal's sync mode: each waits for its probes, and whatever happens meanwhile, it settles once."""

from collections.abc import Iterator
from random import Random

import pytest
from messages import GET, OK, POST, statuses
from twisted.internet.task import Clock

from openprequal.balancing.prequal_sync import PrequalSync
from openprequal.interfaces import BalancerContext
from openprequal.testing.network import MemoryNetwork
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import LoadReport


class Case:
    """Two backends with room for one request each, whose probes take a millisecond; the second is idle."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.probes = ScriptedProbes(self.clock)
        self.balancer = PrequalSync(BalancerContext(self.clock, Random(1), self.probes, {"q_rif": 0}))
        self.network = MemoryNetwork(backends=2, balancer=self.balancer, clock=self.clock, max_in_flight=1, queue_max=2)
        self.raw = [self.network.backend(number) for number in range(2)]
        for raw, rif in zip(self.raw, (4.0, 0.0), strict=True):
            self.probes.answer(raw.backend, LoadReport(rif, 0.1))

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.balancer.tick()
        self.clock.advance(0)

    @property
    def in_flight(self) -> list[int]:
        return [member.in_flight for member in self.network.members]


@pytest.fixture
def case() -> Iterator[Case]:
    case = Case()
    yield case
    # Whatever the test did: every request has settled, and nothing is in flight, for service or balancer.
    assert case.in_flight == [0, 0]
    assert not any(replica.load.in_flight for replica in case.balancer._known.values())


def test_a_request_goes_out_when_its_probes_have_come_back(case: Case) -> None:
    client = case.network.client()
    client.send(POST + b"he")
    client.send(b"llo")
    assert not any(raw.received for raw in case.raw)
    case.wait(0.001)
    assert case.raw[-1].received.endswith(b"\r\n\r\nhello")
    assert case.in_flight == [0, 1]
    case.raw[-1].answer(OK)
    assert statuses(client.received) == [200]
    assert case.network.settled == {("POST", "200"): 1}


def test_a_client_that_goes_while_its_probes_are_out_reaches_no_backend(case: Case) -> None:
    client = case.network.client()
    client.send(GET)
    client.close()
    case.wait(0.001)
    case.wait(1.0)
    assert not any(raw.dialled for raw in case.raw)
    assert case.network.settled == {("GET", "499"): 1}


def test_without_any_answer_a_request_goes_out_after_the_wait(case: Case) -> None:
    for raw in case.raw:
        case.probes.answer(raw.backend, None)
    client = case.network.client()
    client.send(GET)
    case.wait(0.05)
    (number,) = [number for number in range(2) if case.in_flight[number]]
    case.raw[number].answer(OK)
    assert statuses(client.received) == [200]


def test_a_refused_connect_is_followed_by_a_pick_among_the_others(case: Case) -> None:
    case.raw[-1].refuse()
    client = case.network.client()
    client.send(GET)
    case.wait(0.001)
    case.wait(0.001)
    assert case.in_flight == [1, 0]
    case.raw[0].answer(OK)
    assert statuses(client.received) == [200]


def test_requests_that_pick_at_the_same_time_do_not_exceed_a_limit(case: Case) -> None:
    clients = [case.network.client() for _ in range(4)]
    for client in clients:
        client.send(GET)
    for _ in range(5):
        case.wait(0.001)
    assert case.in_flight == [1, 1]
    assert case.network.service.queued == 2
    for _ in range(2):
        for number, raw in enumerate(case.raw):
            if case.in_flight[number]:
                raw.answer(OK)
        for _ in range(3):
            case.wait(0.001)
    assert [statuses(client.received) for client in clients] == [[200]] * 4
    assert case.network.settled == {("GET", "200"): 4}


def test_when_the_gateway_ends_a_request_that_waits_for_its_probes_is_answered(case: Case) -> None:
    client = case.network.client()
    client.send(GET)
    case.network.site.shut_down()
    case.wait(0.01)
    assert statuses(client.received) == [503]
    assert case.network.settled == {("GET", "503"): 1}


def test_a_request_whose_backend_breaks_is_picked_for_anew(case: Case) -> None:
    client = case.network.client()
    client.send(GET)
    case.wait(0.001)
    assert case.in_flight == [0, 1]
    case.raw[1].connection.close()
    case.wait(0.001)
    case.raw[0].answer(OK)
    assert statuses(client.received) == [200]


def test_a_client_that_goes_after_another_backend_was_picked_frees_it(case: Case) -> None:
    client = case.network.client()
    client.send(GET)
    case.wait(0.001)
    case.raw[1].connection.close()
    client.close()
    case.wait(0.01)
    assert all(raw.connection.ended is not None for raw in case.raw)
