"""Which trace a request is of, what its backends are told of it, and whether it is recorded."""

from random import Random

import pytest
from forwarding.attempts import Attempts
from forwarding.messages import GET, OK
from traced import PARENT, SPAN, TRACE, Case, asking

from openprequal.forwarding.accompanied import NOBODY
from openprequal.forwarding.journey import Journey
from openprequal.forwarding.retry import RetryRules
from openprequal.http1.request import parse_request_head
from openprequal.tracing.trace import Trace
from openprequal.tracing.trace_context import TraceContext
from openprequal.tracing.tracer import Tracer


def test_a_request_without_a_trace_begins_one() -> None:
    case = Case()
    sent = case.ask()
    ((journey, trace),) = case.told
    assert (sent.trace_id, sent.span_id) == (trace.trace_id, journey.attempts[0].span_id)
    assert trace.parent_id == 0
    assert sent.sampled
    assert sent.span_id != trace.span_id


def test_a_trace_that_is_believed_goes_on_with_the_attempt_as_the_parent() -> None:
    case = Case()
    sent = case.ask(b"traceparent: " + PARENT, b"tracestate: a=1, b=2")
    ((journey, trace),) = case.told
    assert sent == TraceContext(TRACE, journey.attempts[0].span_id, True, b"a=1, b=2")
    assert (trace.trace_id, trace.parent_id) == (TRACE, SPAN)
    assert case.at(0).received.count(b"traceparent") == 1
    assert case.at(0).received.lower().count(b"tracestate") == 1


def test_a_trace_that_is_not_believed_is_linked_to_and_goes_no_further() -> None:
    case = Case(believed=False)
    sent = case.ask(b"traceparent: " + PARENT, b"tracestate: a=1")
    ((_, trace),) = case.told
    assert (sent.trace_id != TRACE, sent.state, trace.parent_id) == (True, b"", 0)
    assert trace.link == TraceContext(TRACE, SPAN, True, b"a=1")
    assert PARENT not in case.at(0).received


@pytest.mark.parametrize("line", [b"traceparent: " + PARENT.upper(), b"tracestate: a=1"])
def test_what_cannot_be_read_does_not_go_on(line: bytes) -> None:
    case = Case()
    sent = case.ask(line)
    assert (sent.trace_id != TRACE, sent.state) == (True, b"")
    assert line not in case.at(0).received


def test_each_attempt_is_told_a_span_of_its_own() -> None:
    case = Case(retries=RetryRules(statuses=frozenset({503})))
    case.client.send(GET)
    case.at(0).answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    case.at(1).answer(OK)
    first, second = case.told_to(0), case.told_to(1)
    ((journey, _),) = case.told
    assert [first.span_id, second.span_id] == [attempt.span_id for attempt in journey.attempts]
    assert first.trace_id == second.trace_id
    assert first.span_id != second.span_id


def test_one_attempt_is_one_span_even_on_a_second_connection() -> None:
    case = Case(1)
    case.ask()
    case.client.send(GET)
    case.at(0).connection.close()
    case.network.wait(0)
    case.at(0).answer(OK)
    _, _, broken, fresh = case.at(0).received.split(b"traceparent: ")
    assert broken[:55] == fresh[:55]


def test_the_word_of_a_believed_parent_decides_whether_it_is_recorded() -> None:
    case = Case(ratio=1.0)
    assert not case.ask(b"traceparent: " + PARENT[:-1] + b"0").sampled
    assert case.told == []
    case = Case(ratio=0.0)
    assert case.ask(b"traceparent: " + PARENT).sampled
    assert len(case.told) == 1


def test_who_is_not_believed_cannot_have_itself_recorded() -> None:
    case = Case(believed=False, ratio=0.0)
    assert not case.ask(b"traceparent: " + PARENT).sampled
    assert case.told == []


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (0.25, 200, 300), (1.0, 1000, 1000)])
def test_the_ratio_is_the_share_that_is_recorded(ratio: float, least: int, most: int) -> None:
    told: list[Trace] = []
    tracer = Tracer(lambda client: True, ratio, Random(1).getrandbits, lambda _, trace: told.append(trace))
    request = parse_request_head(GET[:-4], "192.0.2.1")
    for _ in range(1000):
        journey = Journey(request, 0.0, NOBODY)
        tracer.began(journey)
        tracer.ended(journey)
    assert least <= len(told) <= most


def test_a_gateway_that_traces_nothing_passes_a_trace_on_unchanged() -> None:
    case = Attempts(1)
    case.client.send(asking(b"Traceparent: " + PARENT, b"TraceState: a=1", b"tracestate: b=2"))
    assert b"Traceparent: " + PARENT + b"\r\nTraceState: a=1\r\ntracestate: b=2\r\n" in case.at(0).received


def test_one_that_names_its_trace_in_connection_takes_nothing_away() -> None:
    case = Case()
    assert case.ask(b"Connection: traceparent, tracestate", b"traceparent: " + PARENT).trace_id == TRACE
