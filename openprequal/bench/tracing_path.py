"""What does tracing cost a request? In its way, and beside it; in memory."""

import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final

from openprequal.bench.hot_path import REPEATS, microseconds
from openprequal.forwarding.accompanied import NOBODY
from openprequal.forwarding.journey import Attempt, Journey
from openprequal.http1.request import RequestHead, parse_request_head
from openprequal.tracing.exporter import TURN
from openprequal.tracing.spans import spans_of
from openprequal.tracing.trace import Trace
from openprequal.tracing.tracer import Tracer
from openprequal.tracing.wire import export_request
from openprequal.values import Backend, Ending, Outcome

HEAD: Final = (
    "GET /shop/articles/17?colour=red HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    "Accept: text/html\r\nAccept-Language: en\r\nCookie: session=0123456789abcdef"
)
PARENT: Final = "\r\ntraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0%d"
CASES: Final = {
    "begins a trace, not recorded": ("", 0.0),
    "begins a trace, recorded": ("", 1.0),
    "brings a trace, not recorded": (PARENT % 0, 1.0),
    "brings a trace, recorded": (PARENT % 1, 1.0),
}
_BITS: Final = Random(1).getrandbits
_BACKENDS: Final = [Backend(f"http://127.0.0.1:{10_000 + number}") for number in range(16)]


def journey_of(head: RequestHead, number: int) -> Journey:
    """A request that one backend has answered."""
    now = time.monotonic()
    journey = Journey(head, now, NOBODY)
    journey.service, journey.route, journey.status = "default", "shop", 200
    attempt = Attempt(_BACKENDS[number % 16], "cold", now)
    attempt.sent_at = now
    attempt.end(Outcome(Ending.RESPONSE, 200, 0.002), now + 0.003, 0.002)
    journey.attempts.append(attempt)
    journey.ended_at = now + 0.003
    return journey


def _passing(fields: str, ratio: float) -> Callable[[int], None]:
    """What goes by a tracer: each request, its attempt, and its end."""
    head = parse_request_head((HEAD + fields).encode(), "192.0.2.1")
    told: list[tuple[Journey, Trace]] = []
    tracer = Tracer(lambda client: True, ratio, _BITS, lambda *recorded: told.append(recorded))
    journey = journey_of(head, 0)
    (attempt,) = journey.attempts

    def work(count: int) -> None:
        for _ in range(count):
            attempt.span_id = 0
            tracer.began(journey)
            assert journey.lines is not None
            journey.lines(attempt)
            tracer.ended(journey)
        told.clear()

    return work


def _recorded(count: int) -> list[tuple[Journey, Trace]]:
    head = parse_request_head(HEAD.encode(), "192.0.2.1")
    journeys = [journey_of(head, number) for number in range(count)]
    return [(each, Trace(_BITS(128), None, sampled=True, link=None, bits=_BITS)) for each in journeys]


def _making(recorded: list[tuple[Journey, Trace]], count: int) -> None:
    for number in range(0, count, TURN):
        spans: list[bytes] = []
        for journey, trace in recorded[number : number + TURN]:
            spans += spans_of(journey, trace, 1.7e9, _BITS)
        export_request((), "bench", "1", spans)


def report(count: int) -> None:
    """Measure and print a line for each case."""
    sys.stdout.write(f"tracing, µs a request with one attempt; least of {REPEATS} repeats of {count}\n")
    for name, case in CASES.items():
        sys.stdout.write(f"{'in its way: ' + name:<44}{microseconds(_passing(*case), count, time.thread_time):6.2f}\n")
        sys.stdout.flush()
    beside = microseconds(partial(_making, _recorded(count)), count, time.thread_time)
    sys.stdout.write(f"{'beside it: two spans made':<44}{beside:6.2f}\n")
