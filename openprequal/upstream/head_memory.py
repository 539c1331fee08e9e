"""Parsing a response's head once: a backend sends the same head again and again, but for its load report.

Parsing depends on nothing but the bytes, so equal bytes may share one :class:`ResponseHead`, and with it whatever
``forwarding/`` remembers there. The load report is what differs each time: our line, and right behind it those of
prequal-rs where an agent of ours writes both. It is cut out first, checked, and handed over beside the head. The memory
is bounded, and forgets everything when full: heads change with their Date once a second, so that old ones are worth
nothing.
"""

import re
from collections.abc import Sequence
from typing import Final

from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import Field
from openprequal.http1.response import ResponseHead, parse_response_head

_LOAD_LINE: Final = b"\r\nOpenPrequal-Load: "
_OTHER_LOAD_LINES: Final = (b"\r\nOpenprequal-Load: ", b"\r\nopenprequal-load: ")
"""As twisted.web and as ASGI servers spell it."""
_VALUE: Final = re.compile(rb"[\t \x21-\x7e\x80-\xff]*")  # field-value, RFC 9110 section 5.5
_AFTER_NAME: Final = len(_LOAD_LINE)
_ECHO_STARTS: Final = (b"\r\nx-prequal-", b"\r\nX-Prequal-")
_ECHO: Final = re.compile(rb"(?i)(?:\r\nx-prequal-(?:rif|latency-us): [0-9]{1,20}(?=\r\n|\Z))+")
_NOTHING: Final[tuple[Field, ...]] = ()

MAX_HEADS: Final = 1024
MAX_HEAD_BYTES: Final = 2048

_heads: dict[bytes, ResponseHead] = {}


def forget_heads() -> None:
    """What was remembered with the heads no longer holds: the rules for what goes on have changed."""
    _heads.clear()


def read_response_head(block: bytes, method: bytes) -> tuple[ResponseHead, bytes | None, Sequence[Field]]:
    """The head in *block*; the value of its OpenPrequal-Load field if it has one as our agents write it; and the fields
    right behind that say the same in another format.

    A report in another spelling, or a second one, stays among the head's fields like any other.

    :param block: all bytes before the empty line, without the last CRLF.
    :param method: of the request it answers.
    :raises MalformedMessage: not HTTP/1.x, or ambiguous.
    """
    load = None
    echoes: Sequence[Field] = _NOTHING
    at = block.find(_LOAD_LINE)
    if at < 0:
        for line in _OTHER_LOAD_LINES:
            if (at := block.find(line)) > 0:
                break
    if at > 0:
        end = block.find(b"\r\n", at + _AFTER_NAME)
        if end < 0:
            load = block[at + _AFTER_NAME :]
            block = block[:at]
        else:
            load = block[at + _AFTER_NAME : end]
            if block.startswith(_ECHO_STARTS, end) and (echo := _ECHO.match(block, end)) is not None:
                # Not by parse_field, whose memory is for lines that come again.
                echoes = [Field(*line.split(b": ")) for line in echo[0][2:].split(b"\r\n")]
                end = echo.end()
            block = block[:at] + block[end:]
        if _VALUE.fullmatch(load) is None:
            raise MalformedMessage("control character in a field value (RFC 9110 section 5.5)")
    if method == b"HEAD":  # frames nothing, so the same bytes mean another head
        return parse_response_head(block, method), load, echoes
    head = _heads.get(block)
    if head is None:
        head = parse_response_head(block, method)
        if len(block) <= MAX_HEAD_BYTES:
            if len(_heads) >= MAX_HEADS:
                _heads.clear()
            _heads[block] = head
    return head, load, echoes
