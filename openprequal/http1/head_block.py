"""Where does a head end, and is what has come so far still going to be one? (RFC 9112 sections 2.1 and 2.2)"""

import re
from typing import Final

from openprequal.http1.errors import MalformedMessage

_EMPTY_LINES: Final = re.compile(rb"(?:\r\n)+")


def after_empty_lines(data: bytes) -> bytes:
    """*data* without the empty lines it begins with."""
    empty = _EMPTY_LINES.match(data)
    return data[empty.end() :] if empty is not None else data


def has_bare_lf(data: bytes, at: int = 0) -> bool:
    """Is there an LF without its CR, from *at* on, which is the beginning of a line?"""
    # Counting takes a hundredth of what a regular expression does: it is done for each piece of a head that drags on.
    return data.count(b"\n", at) > data.count(b"\r\n", at)


def find_head_end(data: bytes) -> int:
    """Index of the CRLF CRLF that ends the head, or -1 if more is needed.

    :raises MalformedMessage: a bare CR or LF, or a first byte that begins no message: waiting for more would only keep
        a client that speaks something else hanging until its time-out.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0 and data:
        if has_bare_lf(data) or data.count(b"\r") - data.endswith(b"\r") > data.count(b"\r\n"):
            raise MalformedMessage("bare CR or LF (RFC 9112 section 2.2)")
        if data[0] < 0x21 or data[0] > 0x7E:
            raise MalformedMessage("not HTTP (RFC 9112 section 2.1)")
    return end
