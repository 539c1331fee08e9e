"""How does a message become bytes on a stream, and what messages are in the bytes that came?

A frame is the lengths of head and payload, four bytes each, most significant first; the head, a JSON object; and the
payload, any bytes. AMP, Twisted's own, ends at 64 KiB a value, which the metrics of a thousand backends are beyond.
"""

import json
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import Any, Final, NamedTuple

MOST: Final = 1 << 26
"""Bytes of a head, and of a payload, at most; more is no message of ours."""

_LENGTHS: Final = Struct("!II")


class BadFrame(Exception):
    """What came is no message; the stream cannot be read any further."""


class Message(NamedTuple):
    """One message."""

    head: Mapping[str, Any]
    payload: bytes = b""


def frame(message: Message) -> bytes:
    """*message* as bytes.

    :raises ValueError: it is longer than a frame may be.
    """
    head = json.dumps(message.head).encode("ascii")
    if len(head) > MOST or len(message.payload) > MOST:
        raise ValueError(f"a message of {len(head)} and {len(message.payload)} bytes: at most {MOST} each")
    return _LENGTHS.pack(len(head), len(message.payload)) + head + message.payload


class Frames:
    """Cuts a stream into messages, however it comes in."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with *data*.

        :raises BadFrame: it holds none.
        """
        unread = self._unread
        unread += data
        while len(unread) >= _LENGTHS.size:
            head_bytes, payload_bytes = _LENGTHS.unpack_from(unread)
            if head_bytes > MOST or payload_bytes > MOST:
                raise BadFrame(f"lengths of {head_bytes} and {payload_bytes} bytes")
            head_end = _LENGTHS.size + head_bytes
            end = head_end + payload_bytes
            if len(unread) < end:
                return
            head, payload = _head(bytes(unread[_LENGTHS.size : head_end])), bytes(unread[head_end:end])
            del unread[:end]
            yield Message(head, payload)


def _head(text: bytes) -> Mapping[str, Any]:
    try:
        head = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"a head that is not JSON: {error}") from None
    if not isinstance(head, dict):
        raise BadFrame("a head that is no object")
    return head
