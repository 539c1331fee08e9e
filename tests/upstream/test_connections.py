"""The connections of one backend: kept, reused, bounded, expiring; and a small GET over them."""

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from openprequal.testing.memory_transport import Ended, MemoryTransport
from openprequal.testing.network import GATEWAY, RawBackend
from openprequal.upstream.connection import UpstreamConnection
from openprequal.upstream.connections import Connections
from openprequal.upstream.fetch import MAX_CONTENT, Answer, Fetch, get_request

REQUEST = get_request("/healthz", "a.test:8001")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Case:
    """Connections to one raw backend."""

    def __init__(self, max_idle: int = 2) -> None:
        self.clock = Clock()
        self.backend = RawBackend(self.clock, 0, 2.0)
        self.connections = Connections(self.backend.dial, self.clock, max_idle=max_idle, idle_timeout_s=30.0)
        self.results: list[Answer | Exception] = []

    def fetch(self) -> Fetch:
        fetch = Fetch(self.connections, REQUEST, self.results.append)
        fetch.start()
        self.clock.advance(0)
        return fetch

    def answered(self) -> Answer:
        [answer] = self.results
        assert isinstance(answer, Answer)
        return answer


@pytest.fixture
def case() -> Case:
    return Case()


def test_one_connection_is_used_again(case: Case) -> None:
    for _ in range(3):
        case.fetch()
        case.backend.answer(OK)
    assert len(case.results) == 3
    assert (case.backend.dialled, case.connections.opened, case.connections.idle) == (1, 1, 1)


def test_no_more_idle_connections_are_kept_than_allowed(case: Case) -> None:
    for _ in range(4):
        case.fetch()
    for connection in case.backend.connections:
        connection.send(OK)
    assert case.connections.idle == 2
    assert [connection.ended is None for connection in case.backend.connections].count(True) == 2


def test_the_connection_used_last_is_used_first(case: Case) -> None:
    case.fetch()
    case.fetch()
    for connection in case.backend.connections:
        connection.send(OK)
    case.fetch()
    first, second = case.backend.connections
    assert (first.received.count(REQUEST), second.received.count(REQUEST)) == (1, 2)


def test_a_connection_that_is_idle_too_long_is_closed(case: Case) -> None:
    case.fetch()
    case.backend.answer(OK)
    case.clock.advance(30)
    case.connections.expire(case.clock.seconds())
    assert case.connections.idle == 1
    case.clock.advance(1)
    case.connections.expire(case.clock.seconds())
    case.clock.advance(0)
    assert case.connections.idle == 0
    assert case.backend.connection.ended is not None


def test_a_connection_whose_last_bytes_the_backend_never_takes_is_closed_in_the_end(case: Case) -> None:
    made: list[UpstreamConnection] = []
    case.connections.connect(made.append, case.results.append)
    case.clock.advance(0)
    [connection] = made
    case.backend.connection.stop_reading()
    connection.send(bytes(1_000_000))
    case.connections.finish(connection)
    case.clock.advance(30)
    case.connections.expire(case.clock.seconds())
    case.clock.advance(0)
    assert case.backend.connection.ended is None
    case.clock.advance(1)
    case.connections.expire(case.clock.seconds())
    case.clock.advance(0)
    assert case.backend.connection.ended is Ended.RESET


def test_an_idle_connection_that_the_backend_closes_is_forgotten(case: Case) -> None:
    case.fetch()
    case.backend.answer(OK)
    case.backend.connection.close()
    assert case.connections.idle == 0
    assert case.connections.take() is None


def test_a_connection_on_which_unasked_bytes_came_is_not_handed_out(case: Case) -> None:
    case.fetch()
    case.backend.answer(OK)
    taken = case.connections.take()
    assert taken is not None
    case.connections.give_back(taken)
    taken.dataReceived(b"HTTP/1.1 200 OK\r\n\r\n")
    assert case.connections.take() is None


def test_when_the_backend_has_left_idle_connections_close_now_and_busy_ones_later(case: Case) -> None:
    case.fetch()
    case.fetch()
    busy, idle = case.backend.connections
    idle.send(OK)
    case.connections.close()
    case.clock.advance(0)
    assert idle.ended is not None
    assert busy.ended is None
    busy.send(OK)
    assert busy.ended is not None
    assert case.connections.idle == 0
    assert len(case.results) == 2


def test_aborting_closes_every_connection_at_once(case: Case) -> None:
    case.fetch()
    case.fetch()
    case.backend.connections[0].send(OK)
    case.connections.abort()
    case.clock.advance(0)
    assert all(connection.ended is Ended.RESET for connection in case.backend.connections)


def test_giving_up_a_connect_calls_nobody(case: Case) -> None:
    called: list[object] = []
    case.backend.hang()
    case.connections.connect(called.append, called.append).cancel()
    case.clock.advance(5)
    assert called == []


def test_a_failed_connect_says_why(case: Case) -> None:
    made: list[UpstreamConnection] = []
    failed: list[Exception] = []
    case.backend.refuse()
    case.connections.connect(made.append, failed.append)
    case.clock.advance(0)
    assert (len(made), len(failed)) == (0, 1)


# ---- fetch ----------------------------------------------------------------------------------------------------------


def test_an_answer_is_handed_over_whole_however_it_is_cut() -> None:
    raw = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nT: 1\r\n\r\n"
    for cut in range(len(raw)):
        case = Case()
        case.fetch()
        case.backend.answer(raw, cuts=(cut,))
        assert (case.answered().status, case.answered().content) == (200, b"ok")
        assert case.connections.idle == 1


def test_a_1xx_before_the_answer_is_passed_over(case: Case) -> None:
    case.fetch()
    case.backend.answer(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    assert case.answered().status == 200


def test_an_answer_that_ends_with_the_connection_is_complete(case: Case) -> None:
    case.fetch()
    case.backend.answer(b"HTTP/1.0 200 OK\r\n\r\nok")
    case.backend.connection.close()
    assert case.answered().content == b"ok"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda backend: backend.connection.close(),
        lambda backend: backend.connection.reset(),
        lambda backend: backend.answer(b"nonsense\r\n\r\n"),
        lambda backend: backend.answer(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        lambda backend: backend.answer(OK.replace(b": 2", b": 1000000") + b"x" * (MAX_CONTENT + 1)),
    ],
)
def test_no_complete_answer_is_an_exception_once(case: Case, spoil: Callable[[RawBackend], None]) -> None:
    case.fetch()
    spoil(case.backend)
    case.clock.advance(0)
    [result] = case.results
    assert isinstance(result, Exception)
    assert case.backend.connection.ended is not None
    assert case.connections.idle == 0


def test_a_stale_connection_is_replaced_once(case: Case) -> None:
    case.fetch()
    case.backend.answer(OK)
    case.fetch()
    case.backend.connection.close()
    case.clock.advance(0)
    assert case.backend.dialled == 2
    case.backend.answer(OK)
    assert len(case.results) == 2
    assert isinstance(case.results[1], Answer)


def test_a_fetch_given_up_is_silent(case: Case) -> None:
    fetch = case.fetch()
    fetch.cancel()
    case.clock.advance(0)
    assert case.backend.connection.ended is Ended.RESET
    case.backend.answer(OK)
    assert case.results == []


def test_a_fetch_given_up_while_connecting_is_silent(case: Case) -> None:
    case.backend.hang()
    case.fetch().cancel()
    case.clock.advance(5)
    assert case.results == []


def test_small_writes_to_a_backend_are_not_held_back_for_its_acknowledgements(case: Case) -> None:
    connection = UpstreamConnection(lambda _: None)
    transport = MemoryTransport(case.clock, connection, GATEWAY, GATEWAY)
    connection.makeConnection(transport)
    assert transport.getTcpNoDelay()
