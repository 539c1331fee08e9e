"""How long is the body? Decided over the parsed head, before anything is sent on (RFC 9112 section 6)."""

import re
from collections.abc import Sequence
from typing import Final

from openprequal.http1.errors import MalformedMessage, UnknownTransferCoding
from openprequal.http1.fields import list_members

# A body's length is an int: its bytes, or one of these.
CHUNKED: Final = -1
UNTIL_CLOSE: Final = -2

_DIGITS: Final = re.compile(rb"[0-9]{1,18}")


def request_length(minor: int, content_length: Sequence[bytes], transfer_encoding: Sequence[bytes]) -> int:
    """Length of a request's body: bytes, or CHUNKED (RFC 9112 section 6.3, rules 3 to 7).

    :param minor: the minor version, 0 or 1.
    :param content_length: values of all Content-Length fields.
    :param transfer_encoding: values of all Transfer-Encoding fields.
    :raises MalformedMessage: ambiguous or malformed.
    :raises UnknownTransferCoding: framed by something else than ``chunked``.
    """
    if transfer_encoding:
        _only_chunked(minor, content_length, transfer_encoding)
        return CHUNKED
    return _content_length(content_length) if content_length else 0


def response_length(
    method: bytes, status: int, minor: int, content_length: Sequence[bytes], transfer_encoding: Sequence[bytes]
) -> int:
    """Length of a response's body: bytes, CHUNKED or UNTIL_CLOSE (RFC 9112 section 6.3, rules 1 to 8).

    Fields that frame nothing (in answer to HEAD, with 204 and 304) are checked all the same.

    :param method: of the request it answers.
    :raises MalformedMessage: ambiguous or malformed, unknown codings included.
    """
    if transfer_encoding:
        _only_chunked(minor, content_length, transfer_encoding)
        length = CHUNKED
    else:
        length = _content_length(content_length) if content_length else UNTIL_CLOSE
    if method == b"HEAD" or status in (204, 304) or status < 200:
        return 0
    return length


def _only_chunked(minor: int, content_length: Sequence[bytes], transfer_encoding: Sequence[bytes]) -> None:
    if content_length:
        raise MalformedMessage("Content-Length together with Transfer-Encoding (RFC 9112 section 6.1)")
    if minor == 0:
        raise MalformedMessage("Transfer-Encoding in HTTP/1.0 (RFC 9112 section 6.1)")
    codings = list_members(b",".join(transfer_encoding))
    if codings == [b"chunked"]:
        return
    if b"chunked" in codings[:-1] or not codings:
        raise MalformedMessage(
            "Transfer-Encoding applies chunked twice or not last, or is empty (RFC 9112 section 6.1)"
        )
    raise UnknownTransferCoding(f"Transfer-Encoding {b', '.join(codings)[:64]!r}")


def _content_length(values: Sequence[bytes]) -> int:
    # RFC 9110 section 8.6 would allow a repeated identical value to be merged; a front end that refuses is safe
    # whatever the other side does.
    if len(values) > 1:
        raise MalformedMessage("several Content-Length fields (RFC 9112 section 6.3)")
    if _DIGITS.fullmatch(values[0]) is None:
        raise MalformedMessage(f"Content-Length {values[0][:32]!r} (RFC 9112 section 6.3)")
    return int(values[0])
