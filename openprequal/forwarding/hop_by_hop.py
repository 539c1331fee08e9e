"""Which fields end at this hop (RFC 9110 section 7.6.1), in either direction."""

from typing import Final

from openprequal.forwarding.vouching import plain_name
from openprequal.http1.fields import Field
from openprequal.probing.report_reader import REPORT_FIELDS

HOP_BY_HOP: Final = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        # Credentials for, and challenges by, this hop (RFC 9110 section 11.7).
        b"proxy-authenticate",
        b"proxy-authorization",
    )
)

# What Connection must not be able to remove: it would change what the message means to the next hop, or strip what this
# gateway vouches for (RFC 9110 section 7.6.1 forbids listing fields meant for all recipients).
PROTECTED: Final = frozenset(
    (
        b"host",
        b"content-length",
        b"content-type",
        b"content-encoding",
        b"content-range",
        b"authorization",
        b"cookie",
        b"set-cookie",
        b"cache-control",
        b"date",
        b"via",
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-request-id",
    )
)

# What a client asks of this hop and is told by it, nobody else: a token may be in it.
EXPLAIN: Final = frozenset((b"x-openprequal-explain",))

# Load reports and the hint that asks for a scaled one: trust is one hop, so they are consumed, and never taken from or
# shown to a client. Whether a backend shall write a report is between it and us too.
LOAD_REPORTS: Final = REPORT_FIELDS | {b"endpoint-load-metrics-format", b"openprequal-hint"}

# Trailer fields that would change how a message is framed, routed or processed after the fact (RFC 9110 section 6.5.1).
_FORBIDDEN_TRAILERS: Final = (
    HOP_BY_HOP
    | PROTECTED
    | LOAD_REPORTS
    | EXPLAIN
    | {
        b"trailer",
        b"expect",
        b"max-forwards",
        b"te",
        b"age",
        b"expires",
        b"location",
        b"retry-after",
        b"vary",
        b"warning",
    }
)


def named_by_connection(members: list[bytes] | tuple[bytes, ...]) -> frozenset[bytes]:
    """Field names that Connection makes hop-by-hop; empty in the common case."""
    return frozenset(members) - PROTECTED if members else frozenset()


def forwardable_trailers(trailers: list[Field], ours: bytes | None = None) -> list[Field]:
    """Trailer fields that may go on.

    :param ours: plain name of a field that nobody but us may send.
    """
    return [field for field in trailers if field.key not in _FORBIDDEN_TRAILERS and plain_name(field.key) != ours]
