"""Where does the body end? One decoder for each way of framing (RFC 9112 sections 6 and 7.1)."""

import re
from typing import Final, Protocol

from openprequal.http1.errors import FieldsTooLarge, MalformedMessage
from openprequal.http1.fields import TOKEN, Field, parse_fields
from openprequal.http1.framing import CHUNKED, UNTIL_CLOSE
from openprequal.http1.head_block import has_bare_lf

MAX_CHUNK_LINE: Final = 1024
MAX_TRAILERS: Final = 16384
MAX_REMEMBERED_LINES: Final = 1024
MAX_REMEMBERED_BYTES: Final = 16

# chunk-size [ chunk-ext ] (RFC 9112 section 7.1.1). 15 digits cannot overflow anybody's 64-bit integer.
_CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[ \t]*" + TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + TOKEN + rb"|"
    rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*'
)


class BodyDecoder(Protocol):
    """Takes bytes off the wire, gives the content."""

    trailers: list[Field]

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Take *data*; give its content and, once the body has ended, the bytes after the end, else None.

        :raises MalformedMessage: the body's framing is broken.
        """

    def at_close(self) -> bool:
        """The connection closed: is that the end of the body?"""


class LengthBody:
    """A body of known length."""

    __slots__ = ("left", "trailers")

    def __init__(self, length: int) -> None:
        self.left = length
        self.trailers: list[Field] = []

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        left = self.left - len(data)
        if left > 0:
            self.left = left
            return data, None
        self.left = 0
        if left == 0:
            return data, b""
        return data[:left], data[left:]

    def at_close(self) -> bool:
        return self.left == 0


class UntilCloseBody:
    """A response's body that ends with the connection (RFC 9112 section 6.3, rule 8)."""

    __slots__ = ("trailers",)

    def __init__(self) -> None:
        self.trailers: list[Field] = []

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        return data, None

    def at_close(self) -> bool:
        return True


class ChunkedBody:
    """The chunked transfer coding (RFC 9112 section 7.1), strictly: CRLF only, extensions checked and dropped."""

    __slots__ = ("_buffer", "_left", "_step", "trailers")

    _SIZE, _DATA, _DATA_END, _TRAILERS = range(4)

    def __init__(self) -> None:
        self.trailers: list[Field] = []
        self._buffer = b""
        self._left = 0
        self._step = self._SIZE

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        content: list[bytes] = []
        at = 0
        while True:
            if self._step == self._DATA:
                piece = data[at : at + self._left]
                content.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return b"".join(content), None
                self._step = self._DATA_END
            if self._step == self._DATA_END:
                after = data[at : at + 2]
                if after != b"\r\n":
                    if after not in (b"", b"\r"):
                        raise MalformedMessage("chunk data is not followed by CRLF (RFC 9112 section 7.1)")
                    break
                at += 2
                self._step = self._SIZE
            if self._step == self._SIZE:
                end_of_line = data.find(b"\r\n", at)
                if end_of_line < 0 or end_of_line - at > MAX_CHUNK_LINE:
                    self._check_line(data, at, end_of_line)
                    break
                line = data[at:end_of_line]
                left = _remembered.get(line, -1)
                if left < 0:
                    left = _chunk_size(line)
                at = end_of_line + 2
                end = at + left
                if left and data[end : end + 2] == b"\r\n":
                    # A chunk that is here as a whole, as each of a flood of small ones is.
                    content.append(data[at:end])
                    at = end + 2
                    continue
                self._left = left
                self._step = self._DATA if left else self._TRAILERS
            if self._step == self._TRAILERS:
                if data[at : at + 2] == b"\r\n":
                    return b"".join(content), data[at + 2 :]
                end_of_trailers = data.find(b"\r\n\r\n", at)
                # The last three bytes may be of the end itself: a limit must not depend on how bytes were cut.
                if (len(data) - 3 if end_of_trailers < 0 else end_of_trailers) - at > MAX_TRAILERS:
                    raise FieldsTooLarge("trailer section too large")
                if end_of_trailers < 0:
                    if has_bare_lf(data, at):
                        raise MalformedMessage("bare LF in a trailer section (RFC 9112 section 2.2)")
                    break
                self.trailers = parse_fields(data[at:end_of_trailers].split(b"\r\n"))
                return b"".join(content), data[end_of_trailers + 4 :]
        self._buffer = data[at:]
        return b"".join(content), None

    def at_close(self) -> bool:
        return False

    @staticmethod
    def _check_line(data: bytes, at: int, end_of_line: int) -> None:
        """Refuse an endless chunk line, and one that can no longer become right, without waiting for its end."""
        if (len(data) - 1 if end_of_line < 0 else end_of_line) - at > MAX_CHUNK_LINE:
            raise MalformedMessage("chunk line too long")
        if end_of_line < 0 and data.find(b"\n", at) >= 0:
            raise MalformedMessage("bare LF in a chunk line (RFC 9112 section 2.2)")


_remembered: dict[bytes, int] = {}


def _chunk_size(line: bytes) -> int:
    """The size in a chunk's line; short lines come again and again and are remembered, within bounds.

    :raises MalformedMessage: it is none.
    """
    match = _CHUNK_LINE.fullmatch(line)
    if match is None:
        raise MalformedMessage(f"bad chunk line {line[:32]!r}")
    size = int(match[1], 16)
    if len(line) <= MAX_REMEMBERED_BYTES:
        if len(_remembered) >= MAX_REMEMBERED_LINES:
            _remembered.clear()
        _remembered[line] = size
    return size


def body_decoder(length: int) -> BodyDecoder:
    """The decoder for a body of that length (see :mod:`openprequal.http1.framing`)."""
    if length == CHUNKED:
        return ChunkedBody()
    if length == UNTIL_CLOSE:
        return UntilCloseBody()
    return LengthBody(length)


def chunk(content: bytes) -> bytes:
    """*content* as one chunk; nothing for nothing, since an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(content), content) if content else b""


def last_chunk(trailers: list[Field]) -> bytes:
    """The end of a chunked body, with its trailer section."""
    if not trailers:
        return b"0\r\n\r\n"
    return b"0\r\n" + b"".join([field.wire for field in trailers]) + b"\r\n"
