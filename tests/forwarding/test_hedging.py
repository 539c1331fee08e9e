"""A request that waits longer than most is sent to a second backend too; who answers first is heard."""

from collections.abc import Callable, Iterator

import pytest
from attempts import Attempts
from messages import GET, NO_CONTENT, OK, POST, content, statuses

from openprequal.forwarding.route import Timeouts
from openprequal.routing.lateness import Lateness
from openprequal.values import Ending

DELAY_S = 1.0


class Case(Attempts):
    """Backends, a client and its GET, which the first backend has."""

    def __init__(self, backends: int = 3) -> None:
        super().__init__(backends, timeouts=Timeouts(response_s=10.0))
        self.lateness = self.network.service.lateness = Lateness(95.0, self.network.clock.seconds)
        self.lateness.delay_s = DELAY_S

    def ask(self, request: bytes = GET) -> None:
        self.client.send(request)

    def wait(self, seconds: float = DELAY_S) -> None:
        self.network.wait(seconds)
        self.lateness.tick()
        self.network.clock.advance(0)


@pytest.fixture
def case() -> Iterator[Case]:
    case = Case()
    yield case
    case.client.close()
    assert case.network.in_flight == 0
    assert sum(case.network.settled.values()) == 1


def test_no_second_backend_is_asked_before_the_delay(case: Case) -> None:
    case.ask()
    case.wait(DELAY_S - 0.1)
    assert not case.at(1).received


def test_after_the_delay_a_second_is_asked_and_no_third(case: Case) -> None:
    case.ask()
    case.wait()
    assert case.at(1).received.startswith(b"GET /x ")
    case.wait(5)
    assert not case.at(2).received
    assert case.network.in_flight == 2
    assert case.network.service.retry_budget.counts == {"hedge": 1}


@pytest.mark.parametrize(
    "response", [OK, OK[:-2], b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"]
)
def test_when_the_second_answers_first_the_first_was_too_slow(case: Case, response: bytes) -> None:
    case.ask()
    case.wait()
    case.at(1).answer(response)
    assert statuses(case.client.received) == [200]
    assert case.at(0).connection.ended is not None
    assert case.endings[0] is Ending.TIMEOUT
    assert case.network.in_flight == int(response != OK)


def test_a_chunked_response_of_the_second_with_trailers_passes_whole(case: Case) -> None:
    case.ask()
    case.wait()
    case.at(1).answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n")
    assert case.client.received.endswith(b"5\r\nhello\r\n0\r\nT: 1\r\n\r\n")
    assert case.network.in_flight == 0


def test_when_the_first_answers_first_the_second_is_cancelled(case: Case) -> None:
    case.ask()
    case.wait()
    case.at(0).answer(OK)
    assert content(case.client.received) == b"hello"
    assert case.at(1).connection.ended is not None
    assert case.endings == [Ending.CANCELLED, Ending.RESPONSE]


def test_the_connection_of_the_winner_is_kept(case: Case) -> None:
    case.ask()
    case.wait()
    case.at(1).answer(NO_CONTENT)
    assert [member.connections.idle for member in case.network.members[:2]] == [0, 1]


def test_an_error_of_the_second_is_not_taken(case: Case) -> None:
    case.ask()
    case.wait()
    case.at(1).answer(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
    assert not case.client.received
    case.at(0).answer(OK)
    assert statuses(case.client.received) == [200]


def closes(case: Case) -> None:
    case.at(1).connection.close()


def refuses(case: Case) -> None:
    pass


@pytest.mark.parametrize("fail", [closes, refuses])
def test_a_second_that_fails_changes_nothing(case: Case, fail: Callable[[Case], None]) -> None:
    if fail is refuses:
        case.at(1).refuse()
    case.ask()
    case.wait()
    fail(case)
    assert case.network.in_flight == 1
    case.at(0).answer(OK)
    assert statuses(case.client.received) == [200]


def test_when_the_first_breaks_the_second_is_waited_for(case: Case) -> None:
    case.ask()
    case.wait()
    case.at(0).connection.close()
    assert not case.at(2).received
    case.at(1).answer(OK)
    assert statuses(case.client.received) == [200]
    assert case.endings == [Ending.BROKEN, Ending.RESPONSE]


def test_when_both_break_a_third_is_asked(case: Case) -> None:
    case.ask()
    case.wait()
    case.at(0).connection.close()
    case.at(1).connection.close()
    case.at(2).answer(OK)
    assert statuses(case.client.received) == [200]


def test_a_client_that_goes_frees_both(case: Case) -> None:
    case.ask()
    case.wait()
    case.client.close()
    assert case.network.in_flight == 0
    assert case.endings == [Ending.CANCELLED] * 2


def test_a_time_out_ends_both(case: Case) -> None:
    case.ask()
    case.wait()
    case.network.wait(10)
    assert statuses(case.client.received) == [504]
    assert case.network.in_flight == 0


def test_a_post_is_not_hedged(case: Case) -> None:
    case.ask(POST + b"hello")
    case.wait(5)
    assert not case.at(1).received


def test_without_another_backend_nothing_is_done() -> None:
    case = Case(backends=1)
    case.ask()
    case.wait(5)
    case.at(0).answer(OK)
    assert statuses(case.client.received) == [200]
    assert case.at(0).dialled == 1


def test_the_delay_is_a_percentile_of_the_last_responses() -> None:
    lateness = Lateness(90.0, lambda: 0.0)
    for milliseconds in range(99):
        lateness.answered(milliseconds / 1000)
    lateness.tick()
    assert lateness.delay_s is None
    lateness.answered(0.099)
    lateness.tick()
    assert lateness.delay_s == 0.09
