"""How are spans written? The part of protobuf and OTLP that they need.

A writer of our own instead of OpenTelemetry's, which takes ten times as long, in the process that handles the requests
(``docs/decisions/0028-tracing.md``). The messages are those of opentelemetry-proto 1.x,
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
_VARINT, _FIXED64, _LENGTH = 0, 1, 2
_DOUBLE: Final = Struct("<d").pack
_KIND_AND_TIMES: Final = Struct("<BBBQBQ").pack
# Flags, field 16. Bit 0: sampled; bit 8: it is known whether the parent is another process's, which bit 9 says.
_LOCAL_PARENT: Final = b"\x85\x01" + (0x101).to_bytes(4, "little")
_REMOTE_PARENT: Final = b"\x85\x01" + (0x301).to_bytes(4, "little")
_FAILED: Final = bytes((15 << 3 | 2, 2, 3 << 3, ERROR))


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
    return block(number, _key(key) + block(2, held))


@lru_cache
def _key(key: str) -> bytes:
    return block(1, key.encode("ascii"))


@lru_cache(_MOST_REMEMBERED, typed=True)
def often(key: str, value: str | int | bool) -> bytes:
    """An attribute of a span, one of few: names of services and backends, statuses. It is remembered."""
    return attribute(9, key, value)


def text(key: str, value: str) -> bytes:
    """An attribute of a span that may be any text: what a client makes up."""
    held, known = value.encode("utf-8", "replace"), _key(key)
    size = len(held)
    if len(known) + size > 0x7F - 4:
        return attribute(9, key, value)
    return b"\x4a%c%b\x12%c\x0a%c%b" % (len(known) + size + 4, known, size + 2, size, held)


def seconds(key: str, value: float) -> bytes:
    """An attribute of a span that is a time."""
    known = _key(key)
    return b"\x4a%c%b\x12\x09\x21%b" % (len(known) + 11, known, _DOUBLE(value))


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
    :param attributes: by :func:`often`, :func:`text` and :func:`seconds`.
    :param link: by :func:`link_to`; empty: none.
    """
    return b"".join(
        (
            b"\x0a\x10",
            trace_id,
            b"\x12\x08",
            span_id.to_bytes(8),
            block(3, state) if state else b"",
            b"\x22\x08" + parent_id.to_bytes(8) if parent_id else b"",
            block(5, name.encode("utf-8", "replace")),
            _KIND_AND_TIMES(0x30, kind, 0x39, began_ns, 0x41, ended_ns),
            *attributes,
            link,
            _FAILED if failed else b"",
            _REMOTE_PARENT if remote_parent else _LOCAL_PARENT,
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
