"""A response's head: parse it as strictly as a request's (RFC 9112 sections 4 and 6)."""

import re
from typing import Final

from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import Field, list_members, parse_fields
from openprequal.http1.framing import response_length
from openprequal.http1.phrases import PHRASES

# HTTP-version SP status-code [ SP reason-phrase ]: the last space is required, but many servers leave it out when
# they have no phrase, and everybody accepts that.
_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t \x21-\x7e\x80-\xff]*))?")
_MEANT: Final = frozenset((b"content-length", b"transfer-encoding", b"connection", b"upgrade"))
_NOTHING: Final[tuple[bytes, ...]] = ()


class ResponseHead:
    """The head of one response as it was received; read-only."""

    __slots__ = (
        "_method",
        "connection",
        "fields",
        "forwarded",
        "keep_alive",
        "length",
        "minor",
        "reason",
        "status",
        "upgrade",
    )

    def __init__(self, status: int, reason: bytes, minor: int, fields: list[Field], method: bytes) -> None:
        """:raises MalformedMessage: its framing is ambiguous."""
        self.status = status
        self.reason = reason
        self.minor = minor
        self.fields = fields
        self._method = method
        self.forwarded: object = None
        """Room for ``forwarding/`` to remember what of it goes on to the client."""
        content_length: list[bytes] = []
        transfer_encoding: list[bytes] = []
        connection: list[bytes] = []
        upgrade: list[bytes] = []
        for field in fields:
            key = field.key
            if key in _MEANT:
                if key == b"content-length":
                    content_length.append(field.value)
                elif key == b"connection":
                    connection.append(field.value)
                elif key == b"transfer-encoding":
                    transfer_encoding.append(field.value)
                else:
                    upgrade.append(field.value)
        self.length = response_length(method, status, minor, content_length, transfer_encoding)
        """Of the body: bytes, ``framing.CHUNKED`` or ``framing.UNTIL_CLOSE``."""
        self.connection = list_members(b",".join(connection)) if connection else _NOTHING
        """Members of Connection, lower case."""
        self.keep_alive = b"close" not in self.connection and (minor == 1 or b"keep-alive" in self.connection)
        self.upgrade = b",".join(upgrade)

    def changed(self, status: int, fields: list[tuple[bytes, bytes]]) -> "ResponseHead":
        """The same head with another status or other fields, as a hook wants it."""
        reason = self.reason if status == self.status else PHRASES.get(status, b"")
        return ResponseHead(status, reason, self.minor, [Field(name, value) for name, value in fields], self._method)


def parse_response_head(block: bytes, method: bytes) -> ResponseHead:
    """Parse a response's head.

    :param block: all bytes before the empty line, without the last CRLF.
    :param method: of the request it answers, which decides whether a body follows.
    :raises MalformedMessage: not HTTP/1.x, or ambiguous.
    """
    lines = block.split(b"\r\n")
    match = _LINE.fullmatch(lines[0])
    if match is None:
        raise MalformedMessage(f"bad status line {lines[0][:64]!r} (RFC 9112 section 4)")
    minor, status, reason = match.groups()
    del lines[0]
    return ResponseHead(int(status), reason or b"", minor[0] - 48, parse_fields(lines), method)
