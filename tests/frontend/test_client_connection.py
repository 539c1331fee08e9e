"""A client's connection: keep-alive, pipelining, limits, time-outs and its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.frontend.client_connection import QUIET_S
from openprequal.frontend.limits import Limits
from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork

GET = b"GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"


def statuses(client: RawConnection) -> list[int]:
    return [int(part[:3]) for part in client.received.split(b"HTTP/1.1 ")[1:]]


# ---- one request after the other ------------------------------------------------------------------------------------


def test_a_connection_carries_many_requests() -> None:
    network = MemoryNetwork()
    client = network.client()
    for number in range(3):
        client.send(GET.replace(b"/x", b"/%d" % number))
        network.backend().answer(OK)
    assert statuses(client) == [200] * 3
    assert b"GET /2 " in network.backend().received
    assert network.backend().dialled == 1


def test_the_same_bytes_again_are_the_same_request_with_another_id() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    heads = []
    for _ in range(3):
        client.send(GET)
        heads.append(backend.connection.news())
        backend.answer(OK)
    assert len(set(heads)) == 3
    assert len({head.partition(b"X-Request-Id")[0] for head in heads}) == 1


def test_the_same_bytes_over_another_connection_name_another_client() -> None:
    network = MemoryNetwork()
    for host in ("192.0.2.7", "192.0.2.8"):
        client = network.client(host)
        client.send(GET)
        client.send(b"")
        assert b"X-Forwarded-For: " + host.encode() + b"\r\n" in network.backend().connection.news()
        network.backend().answer(OK)


def test_pipelined_requests_are_answered_in_order_one_at_a_time() -> None:
    network = MemoryNetwork(backends=2)
    client = network.client()
    client.send(b"".join(GET.replace(b"/x", b"/%d" % number) for number in range(3)))
    assert network.in_flight == 1
    for number in range(3):
        backend = network.backend(number % 2)
        assert b"GET /%d " % number in backend.received
        assert b"GET /%d " % (number + 1) not in network.backend(0).received + network.backend(1).received
        backend.answer(OK.replace(b"ok", b"%02d" % number))
    assert [part[-2:] for part in client.received.split(b"HTTP/1.1 ")[1:]] == [b"00", b"01", b"02"]


def test_a_request_after_a_body_begins_where_the_body_ends() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    client.send(CHUNKED + b"1\r\nx\r\n0\r\n\r\n" + GET)
    backend.answer(OK)
    assert backend.received.count(b"GET /x") == 1
    backend.answer(OK)
    assert statuses(client) == [200, 200]


def test_a_long_burst_of_requests_that_are_refused_is_no_recursion() -> None:
    network = MemoryNetwork(backends=0, limits=Limits(pipelined_bytes=10**7))
    client = network.client()
    client.send(GET * 5000)
    assert statuses(client) == [503] * 5000


def test_connection_close_is_kept_to() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET[:-2] + b"Connection: close\r\n\r\n" + GET)
    network.backend().answer(OK)
    assert statuses(client) == [200]
    assert b"\r\nConnection: close\r\n" in client.received
    assert client.ended is Ended.FINISHED
    assert network.backend().received.count(b"GET /x") == 1


@given(st.lists(st.integers(0, 200), max_size=10))
def test_requests_are_understood_however_they_are_cut(cuts: list[int]) -> None:
    network = MemoryNetwork(backends=0)
    client = network.client()
    client.send(b"\r\n" + GET + b"\r\n\r\n" + GET + CHUNKED + b"1\r\nx\r\n0\r\n\r\n", cuts=cuts)
    answered = statuses(client)
    # The body may come after the refusal, which then ends the connection: what was answered is the same.
    assert answered == [503, 503, 503]


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (CHUNKED + b"zz\r\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
    ],
)
def test_a_bad_request_is_refused_with_a_close_before_a_backend_hears_of_it(data: bytes, status: int) -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(data + GET)
    assert statuses(client) == [status]
    assert client.ended is Ended.FINISHED
    assert network.refused == [status]
    assert network.backend().dialled == 0
    client.send(GET)
    assert statuses(client) == [status]


def test_requests_before_a_bad_one_are_answered_first() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET + b"nonsense\r\n\r\n")
    network.backend().answer(OK)
    assert statuses(client) == [200, 400]
    assert client.ended is Ended.FINISHED


LIMITS = Limits(request_line_bytes=40, header_bytes=100, header_fields=3, body_bytes=10)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 26), None),
        (b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * 27), 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 72), None),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n" % (b"x" * 73), 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n", None),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\nZ: 3\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", None),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n0123456789a", 413),
        (CHUNKED.replace(b".test", b"") + b"5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n", None),
        (CHUNKED.replace(b".test", b"") + b"b\r\n0123456789a\r\n0\r\n\r\n", 413),
    ],
)
def test_limits_do_not_depend_on_how_bytes_are_cut(data: bytes, status: int | None) -> None:
    for cuts in ([], range(1, len(data)), *([cut] for cut in range(1, len(data)))):
        network = MemoryNetwork(limits=LIMITS)
        client = network.client()
        client.send(data, cuts=cuts)
        if status is None:
            assert client.received == b""
            network.backend().answer(OK)
            assert statuses(client) == [200]
        else:
            assert statuses(client) == [status]
            assert network.in_flight == 0


def test_a_head_without_end_is_refused_at_the_limit() -> None:
    network = MemoryNetwork(limits=LIMITS)
    client = network.client()
    client.send(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100)
    assert statuses(client) == [431]


# ---- time -----------------------------------------------------------------------------------------------------------


def test_a_head_that_does_not_end_in_time_is_408() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET[:-2])
    network.wait(6)
    client.send(b"X")
    network.wait(3)
    assert client.received == b""
    network.wait(2)
    assert statuses(client) == [408]
    assert client.ended is Ended.FINISHED


def test_an_idle_connection_is_closed_without_a_word() -> None:
    network = MemoryNetwork()
    silent, used = network.client(), network.client()
    network.wait(50)
    used.send(GET)
    network.backend().answer(OK)
    network.wait(30)
    assert (silent.received, silent.ended) == (b"", Ended.FINISHED)
    assert used.ended is None
    network.wait(50)
    assert used.ended is Ended.FINISHED
    assert not network.site.connections


def test_a_client_that_goes_on_sending_after_the_last_response_is_cut_off() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(b"nonsense\r\n\r\n")
    for _ in range(6):
        client.send(b"x" * 100_000)
        network.wait(0.5)
    assert not network.site.connections
    assert statuses(client) == [400]


def test_a_client_that_closes_after_the_last_response_is_gone_at_once() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(b"nonsense\r\n\r\n")
    client.close()
    assert not network.site.connections


# ---- the gateway ends -----------------------------------------------------------------------------------------------


def test_draining_closes_connections_that_have_been_idle_for_a_while_at_once() -> None:
    network = MemoryNetwork()
    client = network.client()
    network.wait(QUIET_S + 0.5)
    network.site.drain()
    network.clock.advance(0)
    assert client.ended is Ended.FINISHED


def test_draining_leaves_others_open_for_a_request_that_may_be_on_its_way() -> None:
    network = MemoryNetwork()
    asks, is_silent = network.client(), network.client()
    network.site.drain()
    network.wait(QUIET_S / 2)
    assert network.site.busy == 2
    asks.send(GET)
    network.backend().answer(OK)
    assert statuses(asks) == [200]
    assert asks.ended is Ended.FINISHED
    network.wait(QUIET_S)
    assert is_silent.ended is Ended.FINISHED
    assert network.site.busy == 0


def test_draining_finishes_what_is_under_way_and_then_closes() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET)
    network.site.drain()
    assert network.site.busy == 1
    network.backend().answer(OK)
    assert statuses(client) == [200]
    assert b"\r\nConnection: close\r\n" in client.received
    assert client.ended is Ended.FINISHED
    assert network.site.busy == 0


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", b"k"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"0\r\n\r\n"),
    ],
)
def test_a_connection_whose_response_has_begun_without_a_close_carries_one_more_request(
    begun: bytes, rest: bytes
) -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET)
    network.backend().connection.send(begun)
    network.site.drain()
    network.backend().connection.send(rest)
    network.wait(QUIET_S / 2)
    assert b"Connection: close" not in client.received
    client.send(GET)
    network.backend().answer(OK)
    assert statuses(client) == [200, 200]
    assert b"\r\nConnection: close\r\n" in client.received
    assert client.ended is Ended.FINISHED


def test_a_connection_whose_response_had_begun_is_closed_when_nothing_follows() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET)
    network.backend().connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    network.site.drain()
    network.backend().connection.send(b"k")
    network.wait(QUIET_S + 0.5)
    assert client.ended is Ended.FINISHED
    assert network.site.busy == 0


def test_a_connection_made_while_draining_carries_one_request() -> None:
    network = MemoryNetwork()
    network.site.drain()
    client = network.client()
    client.send(GET + GET)
    network.backend().answer(OK)
    assert statuses(client) == [200]
    assert client.ended is Ended.FINISHED


def test_shutting_down_ends_every_connection() -> None:
    network = MemoryNetwork()
    idle, busy = network.client(), network.client()
    busy.send(GET)
    network.site.shut_down()
    network.clock.advance(0)
    assert idle.ended is not None
    assert busy.ended is not None
    assert network.in_flight == 0
    assert not network.site.connections


def test_a_head_that_repeats_has_a_body_of_its_own_each_time() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    head = b"POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n"
    for pieces in ([head + b"one"], [head, b"two"], [head + b"th", b"r"], [head + b"fou" + head + b"fiv"]):
        for piece in pieces:
            client.send(piece)
        backend.answer(OK)
    backend.answer(OK)
    assert [part[-3:] for part in backend.received.split(b"POST ")[1:]] == [b"one", b"two", b"thr", b"fou", b"fiv"]
    assert client.received.count(b"HTTP/1.1 200 OK") == 5


def test_a_chunked_head_that_repeats_is_framed_anew() -> None:
    network = MemoryNetwork()
    client, backend = network.client(), network.backend()
    head = b"POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n"
    for content in (b"first", b"second"):
        client.send(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
        backend.answer(OK)
        assert backend.received.endswith(b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
