"""Heads over a limit, and heads just below it (RFC 9110 section 5.4, RFC 6585 section 5)."""

from .case import HOST, Answer, Case, Ends
from .phrases import message, passed

LINE = b"GET / HTTP/1.1"


def limited(name: str, section: str, sent: bytes, *status: int) -> Case:
    """A head over a limit."""
    return Case(f"limit: {name}", section, (sent,), (Answer(status),), Ends.CLOSED, seen=())


CASES: list[Case] = [
    limited("a request line over 8 KiB", "RFC 9110 15.5.15", message(b"GET /" + b"a" * 9000 + b" HTTP/1.1", HOST), 414),
    limited(
        "a request line of 100 KiB", "RFC 9110 15.5.15", message(b"GET /" + b"a" * 100_000 + b" HTTP/1.1", HOST), 414
    ),
    limited(
        "a header block over 32 KiB in one field", "RFC 6585 5", message(LINE, HOST, b"X-A: " + b"a" * 40_000), 431, 400
    ),
    limited(
        "a header block over 32 KiB in many fields",
        "RFC 6585 5",
        message(LINE, HOST, *[b"X-%d: " % index + b"a" * 900 for index in range(60)]),
        431,
        400,
    ),
    limited(
        "more than 100 fields",
        "RFC 6585 5",
        message(LINE, HOST, *[b"X-%d: 1" % index for index in range(150)]),
        431,
        400,
    ),
    limited("a method of 10 KiB", "RFC 9112 3", message(b"A" * 10_000 + b" / HTTP/1.1", HOST), 400, 414, 501),
    passed(
        "limit: a request line of 7 KiB is fine",
        "RFC 9112 3",
        message(b"GET /" + b"a" * 7000 + b" HTTP/1.1", HOST),
        b"GET /" + b"a" * 7000 + b" HTTP/1.1",
    ),
    passed(
        "limit: a field of 7 KiB is fine",
        "RFC 9110 5.4",
        message(LINE, HOST, b"X-A: " + b"a" * 7000),
        has=(b"X-A: " + b"a" * 7000,),
    ),
    passed(
        "limit: ninety fields are fine",
        "RFC 9110 5.4",
        message(LINE, HOST, *[b"X-%d: 1" % index for index in range(90)]),
        has=(b"X-0: 1", b"X-89: 1"),
    ),
]
