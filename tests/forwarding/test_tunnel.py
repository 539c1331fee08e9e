"""An upgrade becomes a tunnel: bytes both ways, until either side ends it."""

import pytest
from messages import GET, SWITCHING, UPGRADE, content, head, statuses

from openprequal.forwarding.route import Timeouts
from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork, RawBackend
from openprequal.values import Backend, Outcome


def tunnel(network: MemoryNetwork) -> tuple[RawConnection, RawBackend]:
    client, backend = network.client(), network.backend()
    client.send(UPGRADE)
    backend.answer(SWITCHING)
    return client, backend


def outcomes_of(network: MemoryNetwork) -> list[Outcome]:
    heard: list[Outcome] = []
    finished = network.service.balancer.finished

    def hear(backend: Backend, outcome: Outcome) -> None:
        heard.append(outcome)
        finished(backend, outcome)

    network.service.balancer.finished = hear  # type: ignore[method-assign]
    return heard


def test_an_upgrade_is_passed_on_and_its_acceptance_back() -> None:
    client, backend = tunnel(MemoryNetwork())
    assert b"\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" in backend.received
    assert statuses(client.received) == [101]
    assert b"\r\nConnection: upgrade\r\n" in client.received
    assert b"\r\nUpgrade: websocket\r\n" in client.received


def test_bytes_pass_both_ways_untouched() -> None:
    client, backend = tunnel(MemoryNetwork())
    client.news()
    backend.connection.news()
    for data in (b"\x81\x05hello", b"GET / HTTP/1.1\r\n\r\n", b"\x00"):
        client.send(data)
        assert backend.connection.news() == data
        backend.answer(data)
        assert client.news() == data


def test_bytes_that_come_with_either_head_pass_too() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(UPGRADE + b"early")
    assert content(backend.received) == b""
    backend.answer(SWITCHING + b"greeting")
    assert content(client.received) == b"greeting"
    assert content(backend.received) == b"early"


@pytest.mark.parametrize("end", [RawConnection.close, RawConnection.reset])
def test_the_backend_ends_it(end: object) -> None:
    network = MemoryNetwork()
    client, backend = tunnel(network)
    backend.connection.post(b"last")
    if end is RawConnection.close:
        backend.connection.close()
        assert client.received.endswith(b"last")
    else:
        backend.connection.reset()
    assert client.ended is not None
    assert network.in_flight == 0
    assert network.settled == {("GET", "101"): 1}


def test_the_client_ends_it_and_its_last_bytes_arrive() -> None:
    network = MemoryNetwork()
    client, backend = tunnel(network)
    backend.connection.stop_reading()
    client.post(b"last")
    client.close()
    backend.connection.read_on()
    assert backend.received.endswith(b"last")
    assert backend.connection.ended is Ended.FINISHED
    assert network.in_flight == 0
    assert network.settled == {("GET", "101"): 1}


def test_an_idle_tunnel_ends_and_that_is_nobodys_fault() -> None:
    network = MemoryNetwork(timeouts=Timeouts(stall_s=10.0))
    outcomes = outcomes_of(network)
    client, backend = tunnel(network)
    for _ in range(3):
        network.wait(6)
        client.send(b"ping")
        network.wait(6)
        backend.answer(b"pong")
    assert client.ended is None
    network.wait(11)
    assert client.ended is not None
    assert backend.connection.ended is not None
    assert network.in_flight == 0
    assert [outcome.failed for outcome in outcomes] == [False]


def test_a_refused_upgrade_is_an_ordinary_response() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(UPGRADE)
    backend.answer(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    client.send(GET)
    backend.answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert statuses(client.received) == [403, 204]


@pytest.mark.parametrize("protocol", [b"h2c", b"HTTP/2.0", b"TLS/1.2", b"websocket, h2c"])
def test_an_upgrade_we_do_not_take_is_stripped(protocol: bytes) -> None:
    network = MemoryNetwork()
    network.client().send(UPGRADE.replace(b"websocket", protocol))
    assert b"pgrade" not in head(network.backend().received)


def test_101_that_nobody_asked_for_is_502() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(SWITCHING)
    assert statuses(client.received) == [502]
    assert backend.connection.ended is not None
    assert network.in_flight == 0


def test_the_gateways_end_ends_it() -> None:
    network = MemoryNetwork()
    client, backend = tunnel(network)
    network.site.shut_down()
    network.clock.advance(0)
    assert client.ended is not None
    assert backend.connection.ended is not None
    assert network.in_flight == 0
