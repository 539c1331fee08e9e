"""However an exchange ends, it settles once, gives its in-flight count back and tells the client the truth."""

from collections.abc import Callable, Iterator

import pytest
from messages import CHUNKED_POST, GET, NO_CONTENT, OK, POST, SWITCHING, UPGRADE, content, head, statuses

from openprequal.forwarding.retry import RetryRules
from openprequal.forwarding.route import Timeouts
from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork
from openprequal.values import Backend, Ending, Outcome

TIMEOUTS = Timeouts(response_s=10.0, stall_s=20.0, queue_s=1.0, connect_s=2.0)


class Case:
    """A network of two backends, a client, and what the balancer hears; what was sent is not sent again."""

    def __init__(self) -> None:
        self.network = MemoryNetwork(backends=2, timeouts=TIMEOUTS, retries=RetryRules(attempts=0))
        self.outcomes: list[Outcome] = []
        self.started = 0
        balancer = self.network.service.balancer
        finished, started = balancer.finished, balancer.started

        def hear_finished(backend: Backend, outcome: Outcome) -> None:
            self.outcomes.append(outcome)
            finished(backend, outcome)

        def hear_started(backend: Backend) -> None:
            self.started += 1
            started(backend)

        balancer.finished = hear_finished  # type: ignore[method-assign]
        balancer.started = hear_started  # type: ignore[method-assign]
        self.client = self.network.client()
        self.first, self.second = self.network.backend(0), self.network.backend(1)

    @property
    def endings(self) -> list[Ending]:
        return [outcome.ending for outcome in self.outcomes]


@pytest.fixture
def case() -> Iterator[Case]:
    case = Case()
    yield case
    # Whatever the test did: one settle, nothing in flight, every start finished.
    assert sum(case.network.settled.values()) == 1
    assert case.network.in_flight == 0
    assert case.started == len(case.outcomes)


def test_a_response_ends_it(case: Case) -> None:
    case.client.send(GET)
    assert case.network.in_flight == 1
    case.network.clock.advance(0.25)
    case.first.answer(OK)
    assert statuses(case.client.received) == [200]
    assert content(case.client.received) == b"hello"
    assert case.outcomes == [Outcome(Ending.RESPONSE, 200, 0.25)]
    assert case.client.ended is None


def test_a_response_in_pieces_ends_it_with_its_last_byte(case: Case) -> None:
    case.client.send(GET)
    case.first.answer(OK[:-1], cuts=range(1, len(OK)))
    assert case.network.in_flight == 1
    case.first.answer(OK[-1:])
    assert content(case.client.received) == b"hello"


@pytest.mark.parametrize("refusing", ["refuse", "hang"])
def test_a_failed_connect_goes_on_at_another_backend(case: Case, refusing: str) -> None:
    getattr(case.first, refusing)()
    case.client.send(POST + b"hello")
    case.network.wait(2.5)
    assert case.second.received.endswith(b"\r\n\r\nhello")
    case.second.answer(NO_CONTENT)
    assert statuses(case.client.received) == [204]
    assert case.endings == [Ending.CONNECT_FAILED, Ending.RESPONSE]
    assert case.first.dialled == 1


def test_when_all_refuse_it_is_502(case: Case) -> None:
    case.first.refuse()
    case.second.refuse()
    case.client.send(GET)
    assert statuses(case.client.received) == [502]
    assert b"application/problem+json" in head(case.client.received)
    assert b"203.0.113" not in case.client.received
    assert case.endings == [Ending.CONNECT_FAILED] * 2
    assert (case.first.dialled, case.second.dialled) == (1, 1)


def test_when_no_connect_is_answered_it_is_504(case: Case) -> None:
    case.first.hang()
    case.second.hang()
    case.client.send(GET)
    case.network.wait(1.5)
    assert not case.client.received
    case.network.wait(3)
    assert statuses(case.client.received) == [504]


def test_a_connection_that_ends_before_the_head_is_502(case: Case) -> None:
    case.client.send(GET)
    case.first.connection.close()
    assert statuses(case.client.received) == [502]
    assert case.endings == [Ending.BROKEN]
    assert case.second.dialled == 0
    assert case.client.ended is None


@pytest.mark.parametrize("nonsense", [b"SSH-2.0-x\r\n\r\n", b"\x00", b"HTTP/1.1 200 OK\nX: y\n\n"])
def test_what_is_not_http_is_502(case: Case, nonsense: bytes) -> None:
    case.client.send(GET)
    case.first.answer(nonsense)
    assert statuses(case.client.received) == [502]
    assert case.first.connection.ended is Ended.RESET


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked, chunked",
    ],
)
def test_ambiguous_framing_is_502(case: Case, framing: bytes) -> None:
    case.client.send(GET)
    case.first.answer(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\nhello")
    assert statuses(case.client.received) == [502]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n",
    ],
)
def test_a_truncated_response_is_truncated_for_the_client_too(case: Case, start: bytes, end: str) -> None:
    case.client.send(GET)
    case.first.answer(start)
    getattr(case.first.connection, end)()
    assert b"hello" in case.client.received
    assert b"0\r\n\r\n" not in case.client.received
    assert case.client.ended is not None
    assert case.endings == [Ending.BROKEN]
    assert case.outcomes[0].status == 200


def test_a_reset_is_no_end_of_a_response_until_close(case: Case) -> None:
    case.client.send(GET)
    case.first.answer(b"HTTP/1.1 200 OK\r\n\r\nhello")
    case.first.connection.reset()
    assert b"0\r\n\r\n" not in case.client.received
    assert case.client.ended is not None
    assert case.endings == [Ending.BROKEN]


def test_a_truncated_response_resets_a_client_that_would_take_closing_for_its_end(case: Case) -> None:
    case.client.send(b"GET / HTTP/1.0\r\n\r\n")
    case.first.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    case.first.connection.close()
    assert content(case.client.received) == b"hello"
    assert case.client.ended is Ended.RESET


def test_bad_chunks_break_the_response(case: Case) -> None:
    case.client.send(GET)
    case.first.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    case.first.answer(b"zz\r\n")
    assert b"0\r\n\r\n" not in case.client.received
    assert case.client.ended is not None
    assert case.first.connection.ended is Ended.RESET


def test_no_head_in_time_is_504(case: Case) -> None:
    case.client.send(GET)
    case.network.wait(9.5)
    assert not case.client.received
    case.network.wait(1.5)
    assert statuses(case.client.received) == [504]
    assert case.endings == [Ending.TIMEOUT]
    assert case.first.connection.ended is Ended.RESET


def test_a_stalled_response_is_cut(case: Case) -> None:
    case.client.send(GET)
    case.first.answer(OK[:-1])
    case.network.wait(19)
    assert case.client.ended is None
    case.network.wait(2)
    assert case.client.ended is not None
    assert case.endings == [Ending.TIMEOUT]


def test_a_response_that_moves_is_not_stalled(case: Case) -> None:
    case.client.send(GET)
    case.first.answer(OK[:-3])
    for byte in (b"l", b"l", b"o"):
        case.network.wait(15)
        case.first.answer(byte)
    assert content(case.client.received) == b"hello"


def test_a_stalled_request_body_is_408_and_not_the_backends_fault(case: Case) -> None:
    case.client.send(POST + b"hel")
    case.network.wait(19)
    assert not case.client.received
    case.network.wait(2)
    assert statuses(case.client.received) == [408]
    assert case.endings == [Ending.CANCELLED]
    assert case.first.connection.ended is Ended.RESET


def test_a_backend_that_does_not_read_the_body_is_504(case: Case) -> None:
    case.client.send(POST.replace(b" 5", b" 5000000"))
    case.first.connection.stop_reading()
    case.client.send(b"x" * 1_000_000)
    case.network.wait(21)
    assert statuses(case.client.received) == [504]
    assert case.endings == [Ending.TIMEOUT]


def test_a_client_that_does_not_read_is_not_the_backends_fault(case: Case) -> None:
    case.client.send(GET)
    case.client.stop_reading()
    case.first.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 1_000_000)
    case.network.wait(21)
    assert case.endings == [Ending.CANCELLED]


def test_broken_chunks_from_the_client_are_400_and_not_the_backends_fault(case: Case) -> None:
    case.client.send(CHUNKED_POST + b"5\r\nhello\r\n")
    case.client.send(b"zz\r\n")
    assert statuses(case.client.received) == [400]
    assert case.client.ended is not None
    assert case.endings == [Ending.CANCELLED]
    assert not case.first.received.endswith(b"0\r\n\r\n")
    assert case.first.connection.ended is Ended.RESET


def test_shutting_down_is_503_before_a_response(case: Case) -> None:
    case.client.send(GET)
    case.network.site.shut_down()
    case.network.wait(0)
    case.network.clock.advance(0)
    assert case.endings == [Ending.CANCELLED]
    assert case.client.ended is not None


def connecting(case: Case) -> None:
    case.first.hang()
    case.client.send(GET)


def before_the_head(case: Case) -> None:
    case.client.send(GET)


def within_the_request(case: Case) -> None:
    case.client.send(POST + b"he")


def within_the_response(case: Case) -> None:
    case.client.send(GET)
    case.first.answer(OK[:-1])


def after_trailers_that_came_at_once(case: Case) -> None:
    case.client.send(CHUNKED_POST + b"0\r\nX: y\r\n\r\n")


def within_a_tunnel(case: Case) -> None:
    case.client.send(UPGRADE)
    case.first.answer(SWITCHING)


PHASES = [
    connecting,
    before_the_head,
    within_the_request,
    within_the_response,
    after_trailers_that_came_at_once,
    within_a_tunnel,
]


@pytest.mark.parametrize("end", [RawConnection.close, RawConnection.reset])
@pytest.mark.parametrize("phase", PHASES)
def test_a_client_that_goes_frees_the_backend_at_once(
    case: Case, phase: Callable[[Case], None], end: Callable[[RawConnection], None]
) -> None:
    phase(case)
    end(case.client)
    assert case.network.in_flight == 0
    assert len(case.outcomes) == 1
    assert not case.outcomes[0].failed
    for connection in case.first.connections:
        assert connection.ended is not None
    case.network.wait(60)
    assert case.second.dialled == 0


def reuse(network: MemoryNetwork) -> None:
    """Leave one idle connection at the only backend."""
    client = network.client()
    client.send(GET)
    network.backend().answer(OK)
    assert network.backend().dialled == 1


def test_the_race_with_a_backend_closing_an_idle_connection_is_repeated_once() -> None:
    network = MemoryNetwork()
    reuse(network)
    client = network.client()
    client.send(GET)
    network.backend().connection.close()
    assert network.backend().dialled == 2
    assert network.backend().connection.received.startswith(b"GET /x")
    network.backend().connection.close()
    assert network.backend().dialled == 2
    assert statuses(client.received) == [502]
    assert network.in_flight == 0


def test_a_repeated_request_brings_its_body_again() -> None:
    network = MemoryNetwork()
    reuse(network)
    client = network.client()
    client.send(b"PUT" + POST[4:] + b"hel")
    network.backend().connection.close()
    client.send(b"lo")
    assert network.backend().connection.received.endswith(b"\r\n\r\nhello")
    network.backend().answer(NO_CONTENT)
    assert statuses(client.received) == [204]


def test_a_post_is_not_repeated() -> None:
    network = MemoryNetwork()
    reuse(network)
    client = network.client()
    client.send(POST + b"hello")
    network.backend().connection.close()
    assert statuses(client.received) == [502]
    assert network.backend().dialled == 1


def test_a_request_whose_body_was_not_kept_is_not_repeated() -> None:
    network = MemoryNetwork(retries=RetryRules(body_bytes=2))
    reuse(network)
    client = network.client()
    client.send(b"PUT" + POST[4:])
    client.send(b"hel")
    network.backend().connection.close()
    assert statuses(client.received) == [502]


def test_a_request_that_was_answered_to_is_not_repeated() -> None:
    network = MemoryNetwork()
    reuse(network)
    client = network.client()
    client.send(GET)
    network.backend().answer(b"HTTP/1.1 1")
    network.backend().connection.close()
    assert statuses(client.received) == [502]


def test_a_request_that_takes_too_long_in_all_is_504() -> None:
    network = MemoryNetwork(timeouts=Timeouts(total_s=5.0))
    client = network.client()
    client.send(GET)
    network.wait(6)
    assert statuses(client.received) == [504]
    assert network.in_flight == 0


def test_without_backends_it_is_503() -> None:
    network = MemoryNetwork(backends=0)
    client = network.client()
    client.send(GET + GET)
    assert statuses(client.received) == [503, 503]
    assert b"Retry-After" in client.received
    assert client.ended is None


def test_a_request_that_was_here_before_is_508() -> None:
    network = MemoryNetwork()
    client = network.client()
    client.send(GET[:-2] + b"Via: 1.1 other, 1.0 Gateway.Test (x)\r\n\r\n")
    assert statuses(client.received) == [508]
    assert network.backend().dialled == 0
