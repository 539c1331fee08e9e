"""Journeys that are over, and what makes lines of them."""

import json
from collections.abc import Sequence
from typing import Any

from openprequal.access_log.formats import Format, format_of
from openprequal.access_log.stamps import Stamps
from openprequal.forwarding.accompanied import NOBODY
from openprequal.forwarding.journey import Attempt, Journey
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.limiting.true_client import true_client
from openprequal.networks import Network
from openprequal.values import Backend, Ending, Outcome

BEGAN_AT = 100.0
EPOCH_S = 1_795_521_600.0
"""2026-11-24T12:00:00Z, at monotonic 0."""


def line_maker(text: str, *, query: bool = True, trusted: Sequence[Network] = ()) -> Format:
    stamps = Stamps(lambda: 0.0, lambda: EPOCH_S)
    return format_of(text, stamps, true_client(trusted), query=query)


def request(
    target: bytes = b"/x?y=1", *fields: tuple[bytes, bytes], method: bytes = b"GET", client: str = "192.0.2.1"
) -> RequestHead:
    head_fields = [Field(b"Host", b"a.test"), *(Field(name, value) for name, value in fields)]
    return RequestHead(method, target, 1, head_fields, client)


def journey(head: RequestHead | None = None, *, attempts: int = 1, **changes: Any) -> Journey:
    """Of a request that took 0.25 s, and was answered with 200 by the last of so many attempts."""
    made = Journey(head or request(), BEGAN_AT, NOBODY)
    made.status, made.service, made.response_bytes = 200, "default", 5
    made.ended_at = BEGAN_AT + 0.25
    made.request_id = b"cafe-1"
    for number in range(attempts):
        attempt = made.attempt = Attempt(Backend(f"http://10.0.0.{number + 1}:80"), "cold", BEGAN_AT)
        made.attempts.append(attempt)
        last = number == attempts - 1
        if last:
            attempt.sent_at = BEGAN_AT + 0.001
        outcome = Outcome(Ending.RESPONSE, 200, 0.2) if last else Outcome(Ending.CONNECT_FAILED, None, None)
        attempt.end(outcome, BEGAN_AT + 0.25, outcome.latency_s)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def fields(made: Journey, **options: Any) -> dict[str, Any]:
    """What the JSON line of *made* says."""
    told: dict[str, Any] = json.loads(line_maker("json", **options)(made))
    return told
