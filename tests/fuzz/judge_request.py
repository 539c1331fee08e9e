"""Is what a backend was asked what the client asked?"""

from tests.fuzz.scripted_backend import Served
from tests.fuzz.wire import Fields, Message, origin_form

# Fields that a proxy drops, adds or writes anew: not compared.
OURS = frozenset(
    b"connection keep-alive proxy-connection te transfer-encoding upgrade proxy-authenticate proxy-authorization host"
    b" content-length via x-forwarded-for x-forwarded-proto x-forwarded-host forwarded openprequal-load x-prequal-rif"
    b" x-prequal-latency-us x-in-flight x-estimated-latency endpoint-load-metrics endpoint-load-metrics-bin".split()
)


def end_to_end(message: Message, also: frozenset[bytes] = frozenset()) -> Fields:
    """The fields of *message* that must arrive as they are."""
    named = frozenset(message.members(b"connection")) - {b"close", b"keep-alive"}
    dropped = OURS | also | named
    return [(name, value) for name, value in message.fields if name.lower() not in dropped]


def trailers(message: Message) -> Fields:
    """The trailer fields that well-formed messages bring."""
    return [(name, value) for name, value in message.trailers if name.lower().startswith(b"x-trailer")]


def same_request(asked: Message, got: Message) -> bool:
    """Does *got*, at a backend, come from *asked*?"""
    return got.method == asked.method and got.target == origin_form(asked)


def request_complaints(asked: Message, served: Served) -> list[str]:
    """How the request that *served* got differs from *asked*."""
    got = served.head
    complaints = []
    named = frozenset(asked.members(b"connection"))
    ours = named | {b"max-forwards"}
    if not asked.values(b"x-request-id"):
        ours |= {b"x-request-id"}
        if len(got.values(b"x-request-id")) != 1:
            complaints.append("not one X-Request-Id")
    if end_to_end(got, ours) != end_to_end(asked, ours):
        complaints.append(f"fields {end_to_end(got, ours)} instead of {end_to_end(asked, ours)}")
    if got.minor != 1 or len(got.values(b"host")) != 1:
        complaints.append(f"{got.line!r} without one Host or not HTTP/1.1")
    if got.values(b"x-forwarded-for") != [b"192.0.2.1"]:
        complaints.append(f"X-Forwarded-For {got.values(b'x-forwarded-for')}")
    if served.whole is not None:
        if served.whole.body != asked.body:
            complaints.append(f"body {served.whole.body[:100]!r} instead of {asked.body[:100]!r}")
        if trailers(served.whole) != trailers(asked):
            complaints.append(f"trailers {served.whole.trailers} instead of {asked.trailers}")
    return [f"{asked.line!r}: {complaint}" for complaint in complaints]
