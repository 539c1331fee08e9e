"""Which trace does a request belong to, by its own word? W3C Trace Context, the Recommendation (level 1)."""

import re
from typing import Final

from attrs import frozen

from openprequal.http1.fields import Field

TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"
MOST_MEMBERS: Final = 32
"""Of a tracestate (section 3.3.1.1)."""

_SAMPLED: Final = 1
# Section 3.2: lower case only; what a later version has after the flags is set off by a dash.
_PARENT: Final = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
# Sections 3.3.1.3.1 and 3.3.1.3.2, with keys as level 2 has them, which are all those of level 1 and a few more.
_MEMBER: Final = re.compile(rb"[a-z0-9][a-z0-9_*/@-]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


@frozen
class TraceContext:
    """What a request says of its trace."""

    trace_id: int
    span_id: int
    """Of what sent it."""
    sampled: bool
    """Whoever sent it records it."""
    state: bytes
    """What other systems want to be passed on; empty: nothing."""


def trace_context(fields: list[Field]) -> TraceContext | None:
    """What *fields* say; None: nothing, or nothing that can be read, which is as good (section 4.3)."""
    told = [field.value for field in fields if field.key == TRACEPARENT]
    if len(told) != 1:
        return None
    match = _PARENT.fullmatch(told[0])
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == b"ff" or (version == b"00" and rest is not None):
        return None
    trace, span = int(trace_id, 16), int(span_id, 16)
    if not trace or not span:
        return None
    state = _state([field.value for field in fields if field.key == TRACESTATE])
    return TraceContext(trace, span, bool(int(flags, 16) & _SAMPLED), state)


def _state(values: list[bytes]) -> bytes:
    """Several fields are one list, in order (RFC 9110 section 5.3). One that cannot be read is dropped whole."""
    if not values:
        return b""
    whole = values[0] if len(values) == 1 else b", ".join(values)
    members = [member for part in whole.split(b",") if (member := part.strip(b" \t"))]
    if not members or len(members) > MOST_MEMBERS or not all(_MEMBER.fullmatch(member) for member in members):
        return b""
    return whole


def trace_lines(trace_id: int, span_id: int, *, sampled: bool, state: bytes) -> bytes:
    """The field lines that say it to the next hop; of the flags only the one that level 1 knows goes on."""
    parent = b"traceparent: 00-%032x-%016x-%02x\r\n" % (trace_id, span_id, sampled)
    return parent + b"tracestate: " + state + b"\r\n" if state else parent
