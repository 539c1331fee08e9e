"""What happened to a request is written down where somebody witnesses it."""

from typing import Any

import pytest
from attempts import Attempts
from messages import GET, NO_CONTENT, OK, POST, SWITCHING, UPGRADE, statuses
from twisted.internet.task import Clock
from witnessing import Remembering

from openprequal.forwarding.hooked_exchange import TrafficHooks
from openprequal.forwarding.journey import HEDGE, Attempt, Journey
from openprequal.forwarding.retry import RetryRules
from openprequal.forwarding.route import Timeouts
from openprequal.limiting.rate_limits import RateRule
from openprequal.routing.lateness import Lateness
from openprequal.values import Ending, Outcome


class Case(Attempts):
    """A network with a witness."""

    def __init__(self, backends: int = 2, *more: Any, **network: Any) -> None:
        self.witness = Remembering()
        super().__init__(backends, witnesses=(self.witness, *more), **network)

    @property
    def journey(self) -> Journey:
        return self.witness.journey

    @property
    def asked(self) -> list[tuple[str, str | None, Ending | None]]:
        return [
            (attempt.backend.url, attempt.reason, attempt.outcome and attempt.outcome.ending)
            for attempt in self.journey.attempts
        ]

    def url(self, number: int) -> str:
        return self.network.members[number].backend.url


def test_one_that_is_answered_tells_of_its_backend_and_its_times() -> None:
    case = Case()
    case.client.send(GET)
    case.network.wait(2)
    case.at(0).answer(OK)
    journey = case.journey
    (attempt,) = journey.attempts
    assert case.asked == [(case.url(0), "rotation", Ending.RESPONSE)]
    assert (journey.service, journey.status, journey.response_bytes) == ("default", 200, 5)
    assert not attempt.reused
    assert attempt.sent_at is not None
    assert attempt.head_at is not None
    assert attempt.head_at - attempt.sent_at == pytest.approx(2)
    assert journey.ended_at - journey.began_at == pytest.approx(2)


def test_content_is_counted_both_ways() -> None:
    case = Case()
    case.client.send(POST + b"he")
    case.client.send(b"llo")
    case.at(0).answer(OK[:-2])
    case.at(0).answer(OK[-2:])
    assert (case.journey.request_bytes, case.journey.response_bytes) == (5, 5)


def test_the_request_id_is_the_one_that_the_backend_got() -> None:
    case = Case()
    case.client.send(GET)
    case.at(0).answer(OK)
    assert case.journey.request_id
    assert b"X-Request-Id: %b\r\n" % case.journey.request_id in case.at(0).received


def test_the_request_id_that_a_client_brings_is_kept() -> None:
    case = Case()
    case.client.send(GET[:-2] + b"X-Request-Id: mine\r\n\r\n")
    case.at(0).answer(OK)
    assert case.journey.request_id == b"mine"


def test_a_second_try_is_a_second_attempt() -> None:
    case = Case(retries=RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    case.at(1).answer(OK)
    assert case.asked == [
        (case.url(0), "rotation", Ending.RESPONSE),
        (case.url(1), "rotation", Ending.RESPONSE),
    ]
    assert [attempt.outcome and attempt.outcome.status for attempt in case.journey.attempts] == [503, 200]


def test_a_refused_connect_is_an_attempt_that_sent_nothing() -> None:
    case = Case()
    case.at(0).refuse()
    case.client.send(GET)
    case.network.wait(0)
    case.at(1).answer(OK)
    first, second = case.journey.attempts
    assert first.outcome == Outcome(Ending.CONNECT_FAILED, None, None)
    assert first.sent_at is None
    assert second.sent_at is not None


def test_a_connection_that_was_there_is_said_to_be_reused() -> None:
    case = Case(1)
    for _ in range(2):
        case.client.send(GET)
        case.at(0).answer(NO_CONTENT)
    assert [journey.attempts[0].reused for journey in case.witness.over] == [False, True]


def test_a_hedge_is_an_attempt_beside_the_first() -> None:
    case = Case()
    lateness = case.network.service.lateness = Lateness(95.0, case.network.clock.seconds)
    lateness.delay_s = 1.0
    case.client.send(GET)
    case.network.wait(1)
    lateness.tick()
    case.network.clock.advance(0)
    case.at(1).answer(OK)
    assert case.asked == [(case.url(0), "rotation", Ending.TIMEOUT), (case.url(1), HEDGE, Ending.RESPONSE)]


def test_a_hedge_that_loses_was_cancelled() -> None:
    case = Case()
    lateness = case.network.service.lateness = Lateness(95.0, case.network.clock.seconds)
    lateness.delay_s = 1.0
    case.client.send(GET)
    case.network.wait(1)
    lateness.tick()
    case.network.clock.advance(0)
    case.at(0).answer(OK)
    assert case.asked == [(case.url(0), "rotation", Ending.RESPONSE), (case.url(1), HEDGE, Ending.CANCELLED)]


def test_a_hedge_has_ended_when_its_request_has() -> None:
    class Looking(Remembering):
        def ended(self, journey: Journey) -> None:
            super().ended(journey)
            endings.append([attempt.outcome and attempt.outcome.ending for attempt in journey.attempts])

    endings: list[list[Ending | None]] = []
    case = Case(2, Looking())
    lateness = case.network.service.lateness = Lateness(95.0, case.network.clock.seconds)
    lateness.delay_s = 1.0
    case.client.send(GET)
    case.network.wait(1)
    lateness.tick()
    case.network.clock.advance(0)
    case.client.close()
    assert endings == [[Ending.CANCELLED, Ending.CANCELLED]]


def test_the_wait_for_room_is_told() -> None:
    case = Case(1, max_in_flight=1, queue_max=1, timeouts=Timeouts(queue_s=5.0))
    case.client.send(GET)
    other = case.network.client()
    other.send(GET)
    case.network.wait(2)
    case.at(0).answer(OK)
    case.at(0).answer(OK)
    assert [journey.queued_s for journey in case.witness.over] == [0.0, pytest.approx(2)]


def test_the_wait_of_one_that_gets_no_room_is_told_too() -> None:
    case = Case(1, max_in_flight=1, queue_max=1, timeouts=Timeouts(queue_s=5.0))
    case.client.send(GET)
    other = case.network.client()
    other.send(GET)
    case.network.wait(6)
    assert case.journey.status == 503
    assert case.journey.queued_s > 5.0


def test_the_wait_of_one_whose_client_goes_is_told_too() -> None:
    case = Case(1, max_in_flight=1, queue_max=1, timeouts=Timeouts(queue_s=5.0))
    case.client.send(GET)
    other = case.network.client()
    other.send(GET)
    case.network.wait(2)
    other.close()
    assert (case.journey.status, case.journey.queued_s) == (None, pytest.approx(2))


def test_one_whose_client_goes_has_no_status() -> None:
    case = Case()
    case.client.send(GET)
    case.client.close()
    assert case.journey.status is None
    assert case.asked == [(case.url(0), "rotation", Ending.CANCELLED)]


def test_an_answer_of_the_gateways_says_why_and_how_long_it_was() -> None:
    case = Case(0)
    case.client.send(GET)
    journey = case.journey
    assert (journey.status, journey.attempts, journey.service) == (503, [], "default")
    assert journey.error is not None
    assert b"Content-Length: %d\r\n" % journey.response_bytes in case.client.received


def test_one_over_a_rate_limit_has_no_service() -> None:
    case = Case(rate_limits=[RateRule("all", "all", 1.0, 1.0)])
    case.client.send(GET)
    case.at(0).answer(OK)
    case.client.send(GET)
    journey = case.witness.over[1]
    assert (journey.status, journey.service, journey.attempts) == (429, None, [])


def test_a_response_that_breaks_is_said_to_be_broken() -> None:
    case = Case()
    case.client.send(GET)
    case.at(0).answer(OK[:-2])
    case.at(0).connection.close()
    assert (case.journey.status, case.journey.broken, case.journey.response_bytes) == (200, True, 3)


def test_a_tunnel_is_counted_until_its_end() -> None:
    case = Case()
    case.client.send(UPGRADE)
    case.at(0).answer(SWITCHING)
    case.at(0).answer(b"hello")
    case.client.send(b"you")
    case.client.close()
    assert (case.journey.status, case.journey.request_bytes, case.journey.response_bytes) == (101, 3, 5)


def test_hooks_change_nothing_of_what_is_written_down() -> None:
    seen: list[bytes] = []
    clock = Clock()
    hooks = TrafficHooks(clock, 1.0, lambda hook: None, request=lambda request: seen.append(request.method))
    case = Case(hooks=hooks, clock=clock)
    case.client.send(POST + b"hello")
    case.at(0).answer(OK)
    assert seen == [b"POST"]
    assert case.asked == [(case.url(0), "rotation", Ending.RESPONSE)]
    assert case.journey.request_bytes == 5


def test_lines_of_a_witness_go_to_the_backend_with_each_attempt() -> None:
    class Counting(Remembering):
        def began(self, journey: Journey) -> None:
            super().began(journey)
            journey.lines = lambda attempt: b"X-Attempt: %d\r\n" % len(journey.attempts)

    case = Case(2, Counting(), retries=RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    case.at(1).answer(OK)
    assert b"X-Attempt: 1\r\n" in case.at(0).received
    assert b"X-Attempt: 2\r\n" in case.at(1).received


def test_a_witness_that_fails_costs_the_request_nothing_and_is_logged_once(logged: list[str]) -> None:
    class Failing(Remembering):
        def ended(self, journey: Journey) -> None:
            raise RuntimeError("on purpose")

    case = Case(2, Failing())
    for number in range(2):
        case.client.send(GET)
        case.at(number).answer(OK)
    assert statuses(case.client.received) == [200, 200]
    assert len(logged) == 1


def test_an_attempt_ends_once() -> None:
    attempt = Attempt(Case().network.members[0].backend, None, 0.0)
    attempt.end(Outcome(Ending.TIMEOUT, None, None), 1.0)
    attempt.end(Outcome(Ending.CANCELLED, None, None), 2.0)
    assert (attempt.outcome, attempt.ended_at) == (Outcome(Ending.TIMEOUT, None, None), 1.0)
