"""Bodies pass as they come, re-framed by us, in every kind of message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import CHUNKED_POST, GET, NO_CONTENT, OK, POST, content, head, statuses

from openprequal.testing.memory_transport import Ended
from openprequal.testing.network import MemoryNetwork

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING = POST[:-2] + b"Expect: 100-continue\r\n\r\n"


@pytest.fixture
def network() -> MemoryNetwork:
    return MemoryNetwork()


def test_the_request_body_goes_on_before_it_is_whole(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(POST)
    assert head(backend.received).endswith(b"-1")
    client.send(b"he")
    assert content(backend.received) == b"he"
    client.send(b"llo")
    assert content(backend.received) == b"hello"


def test_a_chunked_request_is_chunked_anew(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(CHUNKED_POST + b"3;ext=1\r\nhel\r\n0002\r\nlo\r\n")
    assert content(backend.received) == b"5\r\nhello\r\n"
    client.send(b"0\r\n\r\n")
    assert content(backend.received) == b"5\r\nhello\r\n0\r\n\r\n"


def test_trailers_of_a_request_pass_but_for_those_that_would_mean_something_to_the_next_hop(
    network: MemoryNetwork,
) -> None:
    client, backend = network.client(), network.backend()
    client.send(CHUNKED_POST)
    client.send(b"0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: evil\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n")
    assert content(backend.received) == b"0\r\nX-Sum: 1\r\n\r\n"


def test_trailers_that_come_with_the_head_pass_too(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(CHUNKED_POST + b"1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert content(backend.received) == b"1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n"
    backend.answer(OK)
    client.send(GET)
    backend.answer(OK)
    assert statuses(client.received) == [200, 200]


def test_a_body_that_comes_while_connecting_is_sent_in_order() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.post(CHUNKED_POST + b"1\r\na\r\n")
    client.post(b"1\r\nb\r\n")
    client.send(b"1\r\nc\r\n0\r\n\r\n")
    received = content(backend.received)
    assert b"".join(received.split(b"\r\n")[1::2]) == b"abc"
    assert received.endswith(b"0\r\n\r\n")


def test_the_response_body_goes_on_before_it_is_whole(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(OK[:-5])
    assert statuses(client.received) == [200]
    assert content(client.received) == b""
    backend.answer(b"he")
    assert content(client.received) == b"he"


def test_a_chunked_response_is_chunked_anew_with_its_trailers(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n")
    assert content(client.received) == b"5\r\nhello\r\n"
    backend.answer(b"0\r\nX-Sum: 1\r\nSet-Cookie: a\r\n\r\n")
    assert content(client.received) == b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
    assert head(client.received).count(b"Transfer-Encoding: chunked") == 1
    assert client.ended is None


def test_a_chunked_response_in_one_piece_is_the_same(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert content(client.received) == b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
    client.send(GET)
    assert backend.dialled == 1


def test_a_response_until_close_becomes_chunked(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.1 200 OK\r\n\r\nhel")
    backend.answer(b"lo")
    backend.connection.close()
    assert content(client.received) == b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
    assert client.ended is None


@pytest.mark.parametrize("encoding", ["chunked", "close"])
def test_an_http_1_0_client_gets_no_chunks_but_the_end_of_the_connection(network: MemoryNetwork, encoding: str) -> None:
    client, backend = network.client(), network.backend()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    if encoding == "chunked":
        backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n")
    else:
        backend.answer(b"HTTP/1.1 200 OK\r\n\r\nhello")
        backend.connection.close()
    assert content(client.received) == b"hello"
    assert b"Transfer-Encoding" not in client.received
    assert client.ended is Ended.FINISHED


def test_an_http_1_0_client_may_keep_its_connection(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    backend.answer(OK)
    assert b"\r\nConnection: keep-alive\r\n" in client.received
    assert client.ended is None


def test_an_http_1_0_client_without_a_host_gets_the_backends() -> None:
    network = MemoryNetwork()
    network.client().send(b"GET / HTTP/1.0\r\n\r\n")
    assert b"\r\nHost: 203.0.113.1:8001\r\n" in network.backend().received


def test_an_http_1_0_backend_is_understood_and_its_connection_not_kept(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    assert client.received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert client.ended is None
    assert backend.connection.ended is not None


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_a_response_to_head_has_no_content_and_keeps_both_connections(network: MemoryNetwork, answer: bytes) -> None:
    client, backend = network.client(), network.backend()
    for _ in range(2):
        client.send(b"HEAD" + GET[3:])
        backend.answer(answer)
    assert statuses(client.received) == [200, 200]
    assert client.received.endswith(b"\r\n\r\n")
    assert (b"Content-Length: 5" in client.received) is (b"Content-Length: 5" in answer)
    assert backend.dialled == 1


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_a_status_without_content_has_none(network: MemoryNetwork, status: bytes) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.1 " + status + b"\r\n\r\n")
    client.send(GET)
    backend.answer(OK)
    assert statuses(client.received) == [int(status[:3]), 200]
    assert backend.dialled == 1


def test_100_continue_passes_before_the_body(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(EXPECTING)
    assert b"Expect: 100-continue" in backend.received
    backend.answer(CONTINUE)
    assert statuses(client.received) == [100]
    client.send(b"hello")
    assert content(backend.received) == b"hello"
    backend.answer(OK)
    assert statuses(client.received) == [100, 200]


def test_103_passes_with_its_fields_and_the_connection_is_kept(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    assert statuses(client.received) == [103]
    assert b"Link: </a.css>" in client.received
    backend.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    assert statuses(client.received) == [103, 103, 200]
    client.send(GET)
    assert backend.dialled == 1


def test_an_http_1_0_client_sees_no_1xx(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    backend.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    assert statuses(client.received) == [200]


def test_a_load_report_on_a_1xx_counts_for_nothing(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(b"HTTP/1.1 103 Early Hints\r\nOpenPrequal-Load: rif=7\r\n\r\n")
    assert network.members[0].report is None
    backend.answer(OK.replace(b"\r\n\r\n", b"\r\nOpenPrequal-Load: rif=7, latency=0.5\r\n\r\n"))
    report = network.members[0].report
    assert report is not None
    assert (report.rif, report.latency_s) == (7.0, 0.5)
    assert b"OpenPrequal-Load" not in client.received


def test_an_early_response_reaches_the_client_while_it_still_sends(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(POST + b"he")
    backend.answer(OK)
    assert statuses(client.received) == [200]
    assert b"\r\nConnection: close\r\n" in client.received
    assert client.ended is Ended.FINISHED
    client.send(b"llo")
    assert network.in_flight == 0
    assert backend.connection.ended is not None


def test_a_response_that_begins_early_and_ends_late_goes_both_ways(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(CHUNKED_POST + b"1\r\na\r\n")
    backend.answer(OK[:-5])
    client.send(b"1\r\nb\r\n0\r\n\r\n")
    assert content(backend.received).endswith(b"1\r\nb\r\n0\r\n\r\n")
    backend.answer(b"hello")
    assert content(client.received) == b"hello"


def test_bytes_after_a_finished_response_reach_nobody(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(OK + b"HTTP/1.1 200 Poisoned\r\nContent-Length: 0\r\n\r\n")
    assert backend.connection.ended is not None
    client.send(GET)
    assert backend.dialled == 2
    backend.answer(OK)
    assert statuses(client.received) == [200, 200]
    assert b"Poisoned" not in client.received


def test_bytes_on_an_idle_connection_reach_nobody_even_in_the_same_turn(network: MemoryNetwork) -> None:
    client, backend = network.client(), network.backend()
    client.send(GET)
    backend.answer(OK)
    backend.connection.post(b"HTTP/1.1 200 Poisoned\r\nContent-Length: 0\r\n\r\n")
    client.send(POST + b"hello")
    assert backend.dialled == 2
    assert backend.received.count(b"POST") == 1
    backend.answer(NO_CONTENT)
    assert statuses(client.received) == [200, 204]


@given(st.lists(st.integers(0, 400), max_size=8), st.lists(st.integers(0, 200), max_size=8))
def test_any_cutting_of_request_and_response_gives_the_same(there: list[int], back: list[int]) -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(CHUNKED_POST + b"3\r\nhel\r\n2\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n" + GET, cuts=there)
    framed = content(backend.received).split(b"\r\n")
    assert framed[-4:] == [b"0", b"X-Sum: 1", b"", b""]
    assert b"".join(framed[1:-4:2]) == b"hello"
    backend.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", cuts=tuple(back))
    backend.answer(OK, cuts=tuple(back))
    assert statuses(client.received) == [200, 200]
    assert client.received.endswith(b"\r\n\r\nhello")
    assert network.in_flight == 0
    assert backend.dialled == 1
