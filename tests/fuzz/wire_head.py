"""What is in a message's head, octet by octet (RFC 9112 sections 2 to 5)?"""

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


def all_in(data: bytes, allowed: Iterable[int]) -> bool:
    """Is *data* at least one octet, all of them *allowed*?"""
    return bool(data) and all(octet in allowed for octet in data)


def visible(octet: int) -> bool:
    """VCHAR or obs-text (RFC 9110 section 5.5)."""
    return 0x21 <= octet != 0x7F


def read_head(data: bytes, at: int) -> tuple[list[bytes], int]:
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


def read_fields(lines: list[bytes]) -> Fields:
    """(name, value) of each line (RFC 9112 section 5).

    :raises Malformed: one is no field line.
    """
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not all_in(name, TCHAR):
            raise Malformed(f"field line {line[:40]!r}")
        if any(not visible(octet) and octet not in b" \t" for octet in value):
            raise Malformed(f"field value {line[:40]!r}")
        fields.append((name, value.strip(b" \t")))
    return fields


def check_host(host: bytes) -> None:
    """:raises Malformed: it is no ``uri-host [ ":" port ]`` (RFC 9110 section 7.2)."""
    if host.startswith(b"["):
        name, bracket, port = host[1:].partition(b"]")
        good = bool(bracket) and all_in(name, IP_CHARS)
    else:
        name, colon, rest = host.partition(b":")
        port = colon + rest
        good = all_in(name, HOST_CHARS)
    if not good or (port and (port[:1] != b":" or len(port) > 6 or any(octet not in DIGITS for octet in port[1:]))):
        raise Malformed(f"host {host[:40]!r}")


def check_target(method: bytes, target: bytes) -> None:
    """:raises Malformed: it has none of the four forms (RFC 9112 section 3.2)."""
    if not target or not all(visible(octet) for octet in target):
        raise Malformed("target")
    if method == b"CONNECT" or (method == b"OPTIONS" and target == b"*"):
        return
    if b"#" in target:
        raise Malformed("fragment")
    if target[:1] != b"/":
        scheme, separator, rest = target.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            raise Malformed("target")
        check_host(rest.partition(b"/")[0].partition(b"?")[0])
