"""What is recorded gets to the collector, beside the requests, and is dropped and counted where it cannot."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from collecting import Collector, spans_in
from forwarding.messages import GET
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.task import Clock

from openprequal.forwarding.accompanied import NOBODY
from openprequal.forwarding.journey import Journey
from openprequal.http1.request import parse_request_head
from openprequal.tracing import exporter as exporting
from openprequal.tracing.exporter import BATCH, LAST_TRY_S, POST_TIMEOUT_S, QUEUE_MAX, TURN, Destination, Exporter
from openprequal.tracing.trace import Trace

REQUEST = parse_request_head(GET[:-4], "192.0.2.1")
DESTINATION = Destination(
    b"http://collector:4318/v1/traces?key=secret", [("service.name", "edge")], [(b"X-Key", b"secret")]
)


class CountingClock(Clock):
    turns = 0

    def callLater(self, when: float, what: Any, *args: Any, **kw: Any) -> Any:
        self.turns += 1
        return super().callLater(when, what, *args, **kw)


class Case:
    def __init__(self) -> None:
        self.clock = CountingClock()
        self.collector = Collector()
        self.counts: Counter[str] = Counter()
        self.bits = Random(1).getrandbits
        self.exporter = Exporter(
            self.clock, self.collector, DESTINATION, wall_clock=lambda: 1.7e9, bits=self.bits, counts=self.counts
        )

    def add(self, count: int) -> None:
        for _ in range(count):
            trace = Trace(self.bits(128), None, sampled=True, link=None, bits=self.bits)
            self.exporter.add(Journey(REQUEST, self.clock.seconds(), NOBODY), trace)

    def tick(self) -> None:
        """A second goes by, with as many turns of the reactor as are wanted."""
        self.clock.advance(1)
        self.exporter.tick()
        for _ in range(QUEUE_MAX // TURN + 10):
            self.clock.advance(0)

    @property
    def posted(self) -> list[int]:
        """Spans in each post."""
        return [len(spans_in(content)) for _, _, content in self.collector.posts]


def test_what_was_recorded_is_posted_with_the_next_tick() -> None:
    case = Case()
    case.add(3)
    assert case.collector.posts == []
    case.tick()
    assert case.posted == [3]
    assert case.counts == {"exported": 3}


def test_a_post_says_what_it_is_and_brings_the_fields_that_were_set() -> None:
    case = Case()
    case.add(1)
    case.tick()
    ((url, headers, _),) = case.collector.posts
    assert url == b"http://collector:4318/v1/traces?key=secret"
    assert headers.getRawHeaders("Content-Type") == ["application/x-protobuf"]
    assert headers.getRawHeaders("X-Key") == ["secret"]


def test_nothing_is_posted_when_nothing_was_recorded() -> None:
    case = Case()
    case.tick()
    assert case.collector.posts == []


def test_many_are_sent_in_batches() -> None:
    case = Case()
    case.add(2 * BATCH + 1)
    case.tick()
    assert case.posted == [BATCH, BATCH, 1]


def test_no_turn_of_the_reactor_makes_more_than_a_few() -> None:
    case = Case()
    case.add(3 * TURN)
    case.exporter.tick()
    assert case.posted == []
    case.clock.advance(0)
    assert case.posted == [3 * TURN]
    assert case.clock.turns >= 2


def test_what_finds_the_queue_full_is_dropped_and_counted() -> None:
    case = Case()
    case.add(QUEUE_MAX + 2)
    assert case.counts == {"queue_full": 2}
    case.tick()
    assert sum(case.posted) == QUEUE_MAX


def test_one_post_at_a_time() -> None:
    case = Case()
    case.collector.status = None
    case.add(1)
    case.tick()
    case.add(1)
    case.tick()
    assert case.posted == [1]
    case.collector.answer()
    assert case.posted == [1, 1]


def test_a_collector_that_is_away_gets_the_same_again_once_it_is_back() -> None:
    case = Case()
    case.collector.failure = Refused()
    case.add(2)
    case.tick()
    case.collector.failure = None
    case.tick()
    assert case.posted == [2, 2]
    assert case.collector.posts[0][2] == case.collector.posts[1][2]
    assert case.counts == {"exported": 2}


@pytest.mark.parametrize("status", [429, 503])
def test_so_does_one_that_says_that_it_is_busy(status: int) -> None:
    case = Case()
    case.collector.status = status
    case.add(1)
    case.tick()
    case.collector.status = 200
    case.tick()
    assert case.counts == {"exported": 1}


def test_the_pauses_grow_and_then_it_is_given_up() -> None:
    case = Case()
    case.collector.failure = Refused()
    case.add(2)
    tried = []
    for second in range(60):
        before = len(case.collector.posts)
        case.tick()
        if len(case.collector.posts) > before:
            tried.append(second)
    assert tried == [0, 1, 3, 7, 15, 31]
    assert case.counts == {"unreachable": 2}


def test_a_collector_that_says_how_long_to_wait_is_obeyed() -> None:
    case = Case()
    case.collector.status, case.collector.fields = 503, {"Retry-After": "5"}
    case.add(1)
    for _ in range(5):
        case.tick()
    assert len(case.collector.posts) == 1
    case.tick()
    assert len(case.collector.posts) == 2


@pytest.mark.parametrize("wait", ["-1", "soon", "9" * 40, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_what_makes_no_sense_as_a_time_to_wait_is_ignored(wait: str) -> None:
    case = Case()
    case.collector.status, case.collector.fields = 503, {"Retry-After": wait}
    case.add(1)
    case.tick()
    case.tick()
    assert len(case.collector.posts) == 2


def test_what_is_refused_is_dropped_and_counted() -> None:
    case = Case()
    case.collector.status = 400
    case.add(3)
    case.tick()
    case.tick()
    assert case.posted == [3]
    assert case.counts == {"refused": 3}


def test_one_that_never_answers_is_given_up_and_tried_again() -> None:
    case = Case()
    case.collector.status = None
    case.add(1)
    case.tick()
    case.clock.advance(POST_TIMEOUT_S)
    assert case.collector.cancelled == 1
    case.collector.status = 200
    case.tick()
    assert case.counts == {"exported": 1}


def test_what_goes_wrong_is_logged_once_and_so_is_that_it_works_again(logged: list[str]) -> None:
    case = Case()
    case.collector.status = 401
    for status in (401, 401, 200, 200):
        case.collector.status = status
        case.add(1)
        case.tick()
    assert len(logged) == 2
    assert "401" in logged[0]
    assert "secret" not in "".join(logged)


def test_a_request_that_cannot_be_told_costs_its_batch_and_no_more(
    logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case()
    case.add(1)
    with monkeypatch.context() as patched:
        patched.setattr(exporting, "spans_of", lambda *_: 1 / 0)
        case.tick()
    assert len(logged) == 1
    case.add(1)
    case.tick()
    assert case.posted == [1]


def ended(closing: "Deferred[None]") -> bool:
    done: list[object] = []
    closing.addBoth(done.append)
    return done == [None]


def test_the_end_sends_what_is_left() -> None:
    case = Case()
    case.add(2)
    assert ended(case.exporter.close())
    assert case.posted == [2]


def test_the_end_waits_for_nothing_where_nothing_is_left() -> None:
    assert ended(Case().exporter.close())


def test_the_end_waits_for_a_collector_that_does_not_answer_but_not_long() -> None:
    case = Case()
    case.collector.status = None
    case.add(1)
    closing = case.exporter.close()
    assert not closing.called
    case.clock.advance(LAST_TRY_S)
    assert ended(closing)
    assert case.clock.getDelayedCalls() == []
