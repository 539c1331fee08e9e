"""A slow reader pauses the fast writer, on either side, and nothing piles up or gets stuck."""

import pytest
from messages import GET, NO_CONTENT, OK, POST, SWITCHING, UPGRADE, content, statuses

from openprequal.testing.memory_transport import Ended
from openprequal.testing.network import MemoryNetwork

SIZE = 5_000_000
BIG_POST = POST.replace(b" 5\r\n", b" %d\r\n" % SIZE)
BIG_OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE
BOUND = 1_200_000
"""What may be on the way inside the gateway: a large read beyond a write buffer, some times over."""


def test_a_slow_backend_pauses_the_client() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(BIG_POST)
    backend.connection.stop_reading()
    client.send(b"x" * SIZE)
    assert client.unread > SIZE - BOUND
    backend.connection.read_on()
    assert client.unread == 0
    assert len(content(backend.received)) == SIZE
    backend.answer(NO_CONTENT)
    assert statuses(client.received) == [204]


def test_a_slow_client_pauses_the_backend() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET)
    client.stop_reading()
    backend.answer(BIG_OK + b"x" * SIZE)
    assert backend.connection.unread > SIZE - BOUND
    client.read_on()
    assert backend.connection.unread == 0
    assert len(content(client.received)) == SIZE
    client.send(GET)
    assert backend.dialled == 1


def test_a_client_that_is_slow_with_one_response_gets_the_next() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET + GET)
    client.stop_reading()
    backend.answer(BIG_OK + b"x" * SIZE)
    client.read_on()
    backend.answer(OK)
    assert statuses(client.received) == [200, 200]


def test_a_connection_that_was_paused_can_be_used_again_by_another_client() -> None:
    network = MemoryNetwork()
    slow, backend = network.client(), network.backend()
    slow.send(GET)
    slow.stop_reading()
    backend.answer(BIG_OK + b"x" * SIZE)
    slow.read_on()
    other = network.client()
    other.send(GET)
    backend.answer(OK)
    assert content(other.received) == b"hello"
    assert backend.dialled == 1


def test_a_backend_that_did_not_read_a_body_it_answered_gets_the_next_request() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(BIG_POST)
    backend.connection.stop_reading()
    client.send(b"x" * SIZE)
    backend.answer(OK)
    assert statuses(client.received) == [200]
    other = network.client()
    other.send(GET)
    backend.answer(OK)
    assert statuses(other.received) == [200]
    assert network.in_flight == 0


def test_a_client_that_reads_no_responses_may_ask_for_no_more() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET)
    client.stop_reading()
    backend.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
    client.send(GET)
    assert backend.received.count(b"GET /x") == 1
    client.read_on()
    assert backend.received.count(b"GET /x") == 2


def test_pipelined_requests_are_not_read_without_bound() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET)
    burst = GET * 20_000
    client.send(burst)
    assert client.unread > len(burst) - 200_000
    for _ in range(20_001):
        backend.answer(NO_CONTENT)
    assert statuses(client.received) == [204] * 20_001


def test_a_slow_client_gets_all_of_the_last_response() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET[:-2] + b"Connection: close\r\n\r\n")
    backend.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    client.stop_reading()
    backend.answer(b"x" * 100_000)
    assert network.in_flight == 0
    network.wait(10)
    client.read_on()
    assert len(content(client.received)) == 100_000
    assert client.ended is Ended.FINISHED


def test_a_client_that_never_reads_its_last_response_does_not_stay_for_ever() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(GET[:-2] + b"Connection: close\r\n\r\n")
    backend.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    client.stop_reading()
    backend.answer(b"x" * 100_000)
    assert network.in_flight == 0
    network.wait(200)
    assert client.ended is not None
    assert not network.site.connections


def test_both_ends_of_a_tunnel_are_paused() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(UPGRADE)
    backend.answer(SWITCHING)
    client.stop_reading()
    backend.connection.stop_reading()
    client.send(b"x" * SIZE)
    backend.answer(b"y" * SIZE)
    assert client.unread > SIZE - BOUND
    assert backend.connection.unread > SIZE - BOUND
    client.read_on()
    backend.connection.read_on()
    assert client.received.endswith(b"y" * SIZE)
    assert backend.received.count(b"x") >= SIZE


@pytest.mark.parametrize("size", [10_000, 16_385, 100_000])
def test_the_end_of_a_tunnel_reaches_a_slow_client_after_its_bytes(size: int) -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(UPGRADE)
    backend.answer(SWITCHING)
    client.stop_reading()
    backend.connection.post(b"z" * size)
    backend.connection.close()
    network.wait(10)
    client.read_on()
    assert client.received.endswith(b"\r\n\r\n" + b"z" * size)
    assert client.ended is Ended.FINISHED
