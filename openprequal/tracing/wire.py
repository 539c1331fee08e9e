"""How are spans written? The part of protobuf and OTLP that they need.

A writer of our own instead of the library's: a span takes about 5 µs with it and about 50 with protobuf's, in a process
that handles a request in 30 (``docs/decisions/0028-tracing.md``). The messages are those of opentelemetry-proto 1.x,
``opentelemetry/proto/trace/v1/trace.proto``; the tests read them with the library.
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import Final

SERVER: Final = 2
CLIENT: Final = 3
ERROR: Final = 2
"""Of ``Status.StatusCode``: that of what went well is left unset."""

_MOST_REMEMBERED: Final = 4096
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_DOUBLE: Final = Struct("<d").pack
_FIXED64_OF: Final = Struct("<Q").pack
_FIXED32_OF: Final = Struct("<I").pack


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte, the last first."""
    if number < 0x80:
        return bytes((number,))
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def block(number: int, content: bytes) -> bytes:
    """Field *number* as text, bytes or a message; those up to 15 are all there are here."""
    size = len(content)
    return (
        bytes((number << 3 | _LENGTH, size)) + content if size < 0x80 else _tag(number, _LENGTH, varint(size)) + content
    )


def _tag(number: int, kind: int, rest: bytes) -> bytes:
    return varint(number << 3 | kind) + rest


def attribute(number: int, key: str, value: str | int | float | bool) -> bytes:
    """A ``KeyValue`` in field *number*; integers are not negative."""
    if isinstance(value, str):
        held = block(1, value.encode("utf-8", "replace"))
    elif isinstance(value, bool):
        held = _tag(2, _VARINT, varint(value))
    elif isinstance(value, int):
        held = _tag(3, _VARINT, varint(value))
    else:
        held = _tag(4, _FIXED64, _DOUBLE(value))
    return block(number, block(1, key.encode("ascii")) + block(2, held))


@lru_cache(_MOST_REMEMBERED, typed=True)
def often(key: str, value: str | int | bool) -> bytes:
    """An attribute of a span, one of few: the names of services, backends, statuses. It is remembered."""
    return attribute(9, key, value)


def seldom(key: str, value: str | int | float) -> bytes:
    """An attribute of a span that may be any: what a client makes up, a time."""
    return attribute(9, key, value)


def span(
    trace_id: bytes,
    span_id: int,
    parent_id: int,
    name: str,
    kind: int,
    began_ns: int,
    ended_ns: int,
    attributes: Iterable[bytes],
    *,
    state: bytes = b"",
    remote_parent: bool = False,
    failed: bool = False,
    link: bytes = b"",
) -> bytes:
    """One ``Span`` of a trace that is sampled.

    :param trace_id: 16 bytes.
    :param parent_id: 0: it is the first of its trace.
    :param attributes: by :func:`often` and :func:`seldom`.
    :param link: by :func:`link_to`; empty: none.
    """
    # Bit 0: sampled; bit 8: it is known whether the parent is another process's, which bit 9 says.
    flags = 0x101 | 0x200 if remote_parent else 0x101
    return b"".join(
        (
            b"\x0a\x10",
            trace_id,
            b"\x12\x08",
            span_id.to_bytes(8),
            block(3, state) if state else b"",
            b"\x22\x08" + parent_id.to_bytes(8) if parent_id else b"",
            block(5, name.encode("utf-8", "replace")),
            b"\x30",
            varint(kind),
            b"\x39",
            _FIXED64_OF(began_ns),
            b"\x41",
            _FIXED64_OF(ended_ns),
            *attributes,
            link,
            block(15, _tag(3, _VARINT, varint(ERROR))) if failed else b"",
            _tag(16, _FIXED32, _FIXED32_OF(flags)),
        )
    )


def link_to(trace_id: int, span_id: int, state: bytes) -> bytes:
    """A ``Link`` to a span of another trace."""
    told = block(3, state) if state else b""
    return block(13, block(1, trace_id.to_bytes(16)) + block(2, span_id.to_bytes(8)) + told)


def export_request(
    resource: Iterable[tuple[str, str | int]], scope: str, version: str, spans: Iterable[bytes]
) -> bytes:
    """An ``ExportTraceServiceRequest`` of *spans*.

    :param resource: attributes of who sends them.
    :param scope: name of what made them, with its *version*.
    """
    of_whom = block(1, b"".join(attribute(1, key, value) for key, value in resource))
    made_by = block(1, block(1, scope.encode("utf-8")) + block(2, version.encode("utf-8")))
    scoped = made_by + b"".join([block(2, each) for each in spans])
    return block(1, of_whom + block(2, scoped))
