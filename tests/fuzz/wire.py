"""What is in these bytes, by the letter of RFC 9112? Written apart from the gateway's parsers, forgiving nothing.

It reads octet by octet where the gateway uses regular expressions, so that both are unlikely to share a mistake.
"""

from tests.fuzz.wire_body import body_length, read_body
from tests.fuzz.wire_head import (
    DIGITS,
    TCHAR,
    Fields,
    Incomplete,
    Malformed,
    Message,
    all_in,
    check_host,
    check_target,
    read_fields,
    read_head,
    visible,
)

__all__ = [
    "Fields",
    "Incomplete",
    "Malformed",
    "Message",
    "origin_form",
    "read_request",
    "read_request_head",
    "read_response",
]


def origin_form(message: Message) -> bytes:
    """What a proxy asks the backend for (RFC 9112 section 3.2.2)."""
    if message.target[:1] == b"/" or b"://" not in message.target:
        return message.target
    rest = message.target.partition(b"://")[2]
    at = min((rest.find(mark) for mark in (b"/", b"?") if mark in rest), default=len(rest))
    path = rest[at:]
    if not path:
        return b"*" if message.method == b"OPTIONS" else b"/"
    return path if path[:1] == b"/" else b"/" + path


def read_request_head(data: bytes, at: int, *, blank_lines: bool = True) -> tuple[Message, int]:
    """The head at *at* and the length of the body that follows it, -1 for chunked.

    :param blank_lines: skip empty lines before it (RFC 9112 section 2.2).
    """
    while blank_lines and data[at : at + 2] == b"\r\n":
        at += 2
    if data[at:] in (b"", b"\r"):
        raise Incomplete
    lines, end = read_head(data, at)
    parts = lines[0].split(b" ")
    if len(parts) != 3 or not all_in(parts[0], TCHAR) or parts[2] not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise Malformed(f"request line {lines[0][:40]!r}")
    message = Message((parts[0], parts[1]), parts[2][-1] - 48, read_fields(lines[1:]), at, end, end)
    check_target(message.method, message.target)
    hosts = message.values(b"host")
    if len(hosts) > 1 or (not hosts and message.minor == 1):
        raise Malformed("Host")
    for host in hosts:
        check_host(host)
    if message.method in (b"TRACE", b"OPTIONS"):
        forwards = message.values(b"max-forwards")
        if len(forwards) > 1 or any(not all_in(value, DIGITS) or len(value) > 9 for value in forwards):
            raise Malformed("Max-Forwards")
    return message, body_length(message) or 0


def read_request(data: bytes, at: int = 0, *, blank_lines: bool = True) -> Message:
    """The request at *at*.

    :raises Malformed: there is none.
    :raises Incomplete: there is not all of one.
    """
    message, length = read_request_head(data, at, blank_lines=blank_lines)
    try:
        read_body(data, message, length)
    except Malformed as error:
        raise Malformed(str(error), message.method) from error
    return message


def read_response(data: bytes, at: int, method: bytes, *, upgrade: bool = False, closed: bool = False) -> Message:
    """The response at *at*, with the 1xx before it.

    :param method: of the request it answers.
    :param upgrade: that request asked for one: 101 is its final response.
    :param closed: the connection was closed in good order after *data*.
    :raises Malformed: there is none.
    :raises Incomplete: there is not all of one.
    """
    informational: list[Message] = []
    while True:
        lines, end = read_head(data, at)
        version, _, rest = lines[0].partition(b" ")
        status, _, reason = rest.partition(b" ")
        if version not in (b"HTTP/1.0", b"HTTP/1.1") or len(status) != 3 or not all_in(status, DIGITS):
            raise Malformed(f"status line {lines[0][:40]!r}")
        if status[0] == 0x30 or any(not visible(octet) and octet not in b" \t" for octet in reason):
            raise Malformed(f"status line {lines[0][:40]!r}")
        message = Message((status, reason), version[-1] - 48, read_fields(lines[1:]), at, end, end)
        length = body_length(message)
        if message.status >= 200:
            break
        if message.status == 101:
            if not upgrade or not message.members(b"upgrade"):
                raise Malformed("101 without an upgrade, or to nothing")
            break
        informational.append(message)
        at = end
    message.informational = informational
    if method == b"HEAD" or message.status in (101, 204, 304):
        return message
    if length is None:
        message.until_close = True
        message.body, message.end = data[end:], len(data)
        if not closed:
            raise Incomplete
    else:
        read_body(data, message, length)
    return message
