"""Where does a head end, and is what has come so far still going to be one? (RFC 9112 sections 2.1 and 2.2)"""

import re
from typing import Final

from openprequal.http1.errors import MalformedMessage

_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)+")
BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_BARE_CR: Final = re.compile(rb"\r(?!\n|\Z)")


def after_empty_lines(data: bytes) -> bytes:
    """*data* without the empty lines it begins with."""
    empty = _EMPTY_LINES.match(data)
    return data[empty.end() :] if empty is not None else data


def find_head_end(data: bytes) -> int:
    """Index of the CRLF CRLF that ends the head, or -1 if more is needed.

    :raises MalformedMessage: a bare CR or LF, or a first byte that begins no message: waiting for more would only keep
        a client that speaks something else hanging until its time-out.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0 and data:
        if BARE_LF.search(data) or _BARE_CR.search(data):
            raise MalformedMessage("bare CR or LF (RFC 9112 section 2.2)")
        if data[0] < 0x21 or data[0] > 0x7E:
            raise MalformedMessage("not HTTP (RFC 9112 section 2.1)")
    return end
