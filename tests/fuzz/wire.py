"""What is in these bytes, by the letter of RFC 9112? Written apart from the gateway's parsers, forgiving nothing.

It reads octet by octet where the gateway uses regular expressions, so that both are unlikely to share a mistake.
"""

from collections.abc import Iterable
from string import ascii_letters, digits, hexdigits

from attrs import define, field

TCHAR = frozenset(("!#$%&'*+-.^_`|~" + digits + ascii_letters).encode())
HEX = frozenset(hexdigits.encode())
DIGITS = frozenset(digits.encode())
HOST_CHARS = frozenset(("-._~!$&'()*+,;=%" + digits + ascii_letters).encode())
IP_CHARS = HEX | frozenset(b":.")

Fields = list[tuple[bytes, bytes]]


class Malformed(Exception):
    """It is no message and can never become one; ``method``: that of the request, if its head was good."""

    def __init__(self, why: str, method: bytes = b"") -> None:
        super().__init__(why)
        self.method = method


class Incomplete(Exception):
    """It could still become a message."""


@define
class Message:
    """A request or response, from ``start`` to ``end`` in the bytes it was read from."""

    line: tuple[bytes, ...]
    minor: int
    fields: Fields
    start: int
    head_end: int
    end: int
    body: bytes = b""
    trailers: Fields = field(factory=list)
    informational: list["Message"] = field(factory=list)
    """1xx heads that came before a response."""
    until_close: bool = False

    @property
    def method(self) -> bytes:
        return self.line[0]

    @property
    def target(self) -> bytes:
        return self.line[1]

    @property
    def status(self) -> int:
        return int(self.line[0])

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]

    def members(self, name: bytes) -> list[bytes]:
        """Members of a comma-separated field, lower case."""
        parts = b",".join(self.values(name)).lower().split(b",")
        return [part.strip(b" \t") for part in parts if part.strip(b" \t")]

    @property
    def persistent(self) -> bool:
        """Does the sender want the connection to stay? (RFC 9112 section 9.3)"""
        options = self.members(b"connection")
        return b"close" not in options and (self.minor == 1 or b"keep-alive" in options)


def _all_in(data: bytes, allowed: Iterable[int]) -> bool:
    return bool(data) and all(octet in allowed for octet in data)


def _visible(octet: int) -> bool:
    return 0x21 <= octet != 0x7F


def _head(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The lines of the head that begins at *at*, and where it ends."""
    lines: list[bytes] = []
    start = at
    while True:
        end = at
        while end < len(data) and data[end] not in b"\r\n":
            end += 1
        if end >= len(data) - 1:
            if data[end:] in (b"", b"\r"):
                raise Incomplete
            raise Malformed("bare LF")
        if data[end : end + 2] != b"\r\n":
            raise Malformed("bare CR or LF")
        if end == at and at != start:
            return lines, end + 2
        lines.append(data[at:end])
        at = end + 2


def _fields(lines: list[bytes]) -> Fields:
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _all_in(name, TCHAR):
            raise Malformed(f"field line {line[:40]!r}")
        if any(not _visible(octet) and octet not in b" \t" for octet in value):
            raise Malformed(f"field value {line[:40]!r}")
        fields.append((name, value.strip(b" \t")))
    return fields


def _length(message: Message) -> int | None:
    """Bytes of the body; -1: chunked; None: no field says (RFC 9112 section 6.3)."""
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    if codings:
        if lengths or message.minor == 0 or message.members(b"transfer-encoding") != [b"chunked"]:
            raise Malformed("Transfer-Encoding")
        return -1
    if not lengths:
        return None
    if len(lengths) > 1 or not _all_in(lengths[0], DIGITS) or len(lengths[0]) > 18:
        raise Malformed("Content-Length")
    return int(lengths[0])


def _quoted_end(line: bytes, at: int) -> int:
    """Where the quoted string that begins at *at* ends."""
    at += 1
    while at < len(line) and line[at] != 0x22:
        at += 2 if line[at] == 0x5C else 1
    if at >= len(line):
        raise Malformed("quoted string")
    return at + 1


def _chunk_size(line: bytes) -> int:
    """chunk-size [ chunk-ext ] (RFC 9112 section 7.1.1)."""
    at = 0
    while at < len(line) and line[at] in HEX:
        at += 1
    if not 1 <= at <= 15 or len(line) > 1024:
        raise Malformed("chunk size")
    size = int(line[:at], 16)
    if any((octet < 0x20 and octet != 9) or octet == 0x7F for octet in line):
        raise Malformed("control character in a chunk line")

    def skip(allowed: Iterable[int]) -> int:
        nonlocal at
        start = at
        while at < len(line) and line[at] in allowed:
            at += 1
        return at - start

    while at < len(line):
        skip(b" \t")
        if line[at : at + 1] != b";":
            raise Malformed("chunk extension")
        at += 1
        skip(b" \t")
        if not skip(TCHAR):
            raise Malformed("chunk extension's name")
        name_end = at
        skip(b" \t")
        if line[at : at + 1] != b"=":
            at = name_end
            continue
        at += 1
        skip(b" \t")
        if line[at : at + 1] == b'"':
            at = _quoted_end(line, at)
        elif not skip(TCHAR):
            raise Malformed("chunk extension's value")
    return size


def _read_chunks(data: bytes, at: int, message: Message) -> None:
    while True:
        line_end = at
        while line_end < len(data) and data[line_end] not in b"\r\n":
            line_end += 1
        if data[line_end : line_end + 2] != b"\r\n":
            if data[line_end:] in (b"", b"\r"):
                raise Incomplete
            raise Malformed("end of a chunk line")
        size = _chunk_size(data[at:line_end])
        at = line_end + 2
        if not size:
            break
        message.body += data[at : at + size]
        at += size
        if data[at : at + 2] != b"\r\n":
            if data[at:] in (b"", b"\r"):
                raise Incomplete
            raise Malformed("end of a chunk")
        at += 2
    if data[at : at + 2] == b"\r\n":
        message.end = at + 2
        return
    if data[at:] in (b"", b"\r"):
        raise Incomplete
    lines, message.end = _head(data, at)
    message.trailers = _fields(lines)


def _read_body(data: bytes, message: Message, length: int) -> None:
    at = message.head_end
    if length < 0:
        _read_chunks(data, at, message)
        return
    message.body = data[at : at + length]
    message.end = at + len(message.body)
    if len(message.body) < length:
        raise Incomplete


def _check_host(host: bytes) -> None:
    if host.startswith(b"["):
        name, bracket, port = host[1:].partition(b"]")
        good = bool(bracket) and _all_in(name, IP_CHARS)
    else:
        name, colon, rest = host.partition(b":")
        port = colon + rest
        good = _all_in(name, HOST_CHARS)
    if not good or (port and (port[:1] != b":" or len(port) > 6 or any(octet not in DIGITS for octet in port[1:]))):
        raise Malformed(f"host {host[:40]!r}")


def _check_target(method: bytes, target: bytes) -> None:
    if not target or not all(_visible(octet) for octet in target):
        raise Malformed("target")
    if method == b"CONNECT" or (method == b"OPTIONS" and target == b"*"):
        return
    if b"#" in target:
        raise Malformed("fragment")
    if target[:1] != b"/":
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            raise Malformed("target")
        _check_host(rest.partition(b"/")[0].partition(b"?")[0])


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
    lines, end = _head(data, at)
    parts = lines[0].split(b" ")
    if len(parts) != 3 or not _all_in(parts[0], TCHAR) or parts[2] not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise Malformed(f"request line {lines[0][:40]!r}")
    message = Message((parts[0], parts[1]), parts[2][-1] - 48, _fields(lines[1:]), at, end, end)
    _check_target(message.method, message.target)
    hosts = message.values(b"host")
    if len(hosts) > 1 or (not hosts and message.minor == 1):
        raise Malformed("Host")
    for host in hosts:
        _check_host(host)
    if message.method in (b"TRACE", b"OPTIONS"):
        forwards = message.values(b"max-forwards")
        if len(forwards) > 1 or any(not _all_in(value, DIGITS) or len(value) > 9 for value in forwards):
            raise Malformed("Max-Forwards")
    return message, _length(message) or 0


def read_request(data: bytes, at: int = 0, *, blank_lines: bool = True) -> Message:
    """The request at *at*.

    :raises Malformed: there is none.
    :raises Incomplete: there is not all of one.
    """
    message, length = read_request_head(data, at, blank_lines=blank_lines)
    try:
        _read_body(data, message, length)
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
        lines, end = _head(data, at)
        version, _, rest = lines[0].partition(b" ")
        status, _, reason = rest.partition(b" ")
        if version not in (b"HTTP/1.0", b"HTTP/1.1") or len(status) != 3 or not _all_in(status, DIGITS):
            raise Malformed(f"status line {lines[0][:40]!r}")
        if status[0] == 0x30 or any(not _visible(octet) and octet not in b" \t" for octet in reason):
            raise Malformed(f"status line {lines[0][:40]!r}")
        message = Message((status, reason), version[-1] - 48, _fields(lines[1:]), at, end, end)
        length = _length(message)
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
        _read_body(data, message, length)
    return message
