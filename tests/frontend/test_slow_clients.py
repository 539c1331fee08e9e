"""Clients that keep a connection alive with a byte now and then, and those that only have nothing to say."""

import pytest

from openprequal.forwarding.route import Timeouts
from openprequal.frontend.limits import Limits
from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork

LIMITS = Limits(min_rate_bytes=100, rate_window_s=10.0)
POST = b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
LARGE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
UPGRADE = b"GET /x HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
def network() -> MemoryNetwork:
    return MemoryNetwork(limits=LIMITS)


def trickle(network: MemoryNetwork, client: RawConnection, piece: bytes, seconds: int) -> None:
    """*piece* every second, so long."""
    for _ in range(seconds):
        client.send(piece)
        network.wait(1.0)


# ---- requests -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("head", "piece"), [(POST, b"x"), (CHUNKED, b"1\r\nx\r\n")], ids=["length", "chunked"])
def test_a_body_that_trickles_is_408_and_frees_the_backend(network: MemoryNetwork, head: bytes, piece: bytes) -> None:
    client = network.client()
    client.send(head)
    trickle(network, client, piece, 13)
    assert client.received.startswith(b"HTTP/1.1 408 ")
    assert client.ended is Ended.FINISHED
    assert network.in_flight == 0
    assert network.cut == {"slow_request": 1}


def test_a_body_at_the_least_rate_is_no_trickle(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(POST)
    trickle(network, client, b"x" * 120, 60)
    assert client.received == b""
    assert network.in_flight == 1


def test_a_body_that_the_backend_does_not_take_is_not_the_clients_fault(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(POST)
    network.backend().connection.stop_reading()
    client.send(b"x" * 90_000)
    network.wait(50.0)
    assert client.received == b""
    assert not network.cut


def test_a_client_that_waits_for_100_may_wait(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    network.wait(50.0)
    network.backend().answer(b"HTTP/1.1 100 Continue\r\n\r\n")
    client.send(b"x" * 100_000)
    network.backend().answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert b"HTTP/1.1 204 " in client.received


def test_a_request_that_is_whole_may_be_answered_late(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(CHUNKED + b"1\r\nx\r\n0\r\n\r\n")
    network.wait(50.0)
    network.backend().answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert client.received.startswith(b"HTTP/1.1 204 ")


def test_the_next_body_begins_with_a_window_of_its_own(network: MemoryNetwork) -> None:
    client = network.client()
    for _ in range(3):
        client.send(CHUNKED + b"1\r\nx\r\n")
        network.wait(7.0)
        client.send(b"0\r\n\r\n")
        network.backend().answer(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert client.received.count(b"HTTP/1.1 204 ") == 3


def test_without_a_least_rate_any_byte_keeps_a_body_alive() -> None:
    network = MemoryNetwork(limits=Limits(min_rate_bytes=None))
    client = network.client()
    client.send(POST)
    trickle(network, client, b"x", 100)
    assert network.in_flight == 1


def test_a_head_that_trickles_is_counted_as_such(network: MemoryNetwork) -> None:
    client = network.client()
    trickle(network, client, b"x", 12)
    assert client.received.startswith(b"HTTP/1.1 408 ")
    assert network.cut == {"slow_head": 1}


# ---- responses ------------------------------------------------------------------------------------------------------


def answered(network: MemoryNetwork, client: RawConnection) -> None:
    """A large response is on its way, and *client* does not read."""
    client.send(GET)
    client.stop_reading()
    network.backend().answer(LARGE + b"x" * 200_000)


def test_a_client_that_does_not_read_its_response_is_cut(network: MemoryNetwork) -> None:
    client = network.client()
    answered(network, client)
    network.wait(9.0)
    assert client.ended is None
    network.wait(3.0)
    assert client.ended is Ended.RESET
    assert network.in_flight == 0
    assert network.cut == {"slow_response": 1}
    assert not network.site.connections


@pytest.mark.parametrize(("count", "cut"), [(20, True), (150, False)])
def test_a_client_that_reads_is_cut_if_it_is_too_slow(network: MemoryNetwork, count: int, cut: bool) -> None:
    client = network.client()
    answered(network, client)
    for _ in range(25):
        client.read_some(count)
        network.wait(1.0)
    assert (client.ended is not None) is cut


def test_a_client_that_does_not_read_the_end_of_a_response_is_cut(network: MemoryNetwork) -> None:
    client = network.client()
    client.send(GET)
    client.stop_reading()
    network.backend().answer(LARGE.replace(b"1000000", b"100000") + b"x" * 100_000, cuts=[10_000])
    assert network.in_flight == 0
    network.wait(12.0)
    assert client.ended is Ended.RESET


def test_a_tunnel_with_nothing_to_say_is_not_slow() -> None:
    network = MemoryNetwork(limits=LIMITS, timeouts=Timeouts(stall_s=1000.0))
    client = network.client()
    client.send(UPGRADE)
    network.backend().answer(SWITCHING)
    for _ in range(5):
        network.backend().answer(b"x")
        client.send(b"y")
        network.wait(20.0)
    assert client.ended is None


def test_a_tunnel_that_is_not_read_is_cut() -> None:
    network = MemoryNetwork(limits=LIMITS, timeouts=Timeouts(stall_s=1000.0))
    client = network.client()
    client.send(UPGRADE)
    network.backend().answer(SWITCHING)
    client.stop_reading()
    network.backend().answer(b"x" * 200_000)
    network.wait(12.0)
    assert client.ended is Ended.RESET
    assert network.in_flight == 0


def test_an_event_stream_with_seldom_events_is_not_slow() -> None:
    network = MemoryNetwork(limits=LIMITS)
    client = network.client()
    client.send(GET)
    network.backend().answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(5):
        network.backend().answer(b"1\r\nx\r\n")
        network.wait(30.0)
    assert client.ended is None
