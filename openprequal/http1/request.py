"""A request's head: parse it, and refuse whatever two parsers could read differently (RFC 9112 sections 2, 3, 6)."""

import re
from ipaddress import IPv6Address
from typing import Any, Final

from zope.interface import implementer

from openprequal.http1.errors import MalformedMessage, UnsupportedVersion
from openprequal.http1.fields import TOKEN, Field, list_members, parse_fields
from openprequal.http1.framing import request_length
from openprequal.http1.origin import UNKNOWN
from openprequal.interfaces import IRequest

# method SP request-target SP HTTP-version, one space each, nothing else (RFC 9112 section 3). A target may hold any
# visible octet: bytes beyond ASCII are passed on as they came, as HAProxy and nginx do.
_LINE: Final = re.compile(rb"(" + TOKEN + rb") ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])")
# uri-host [ ":" port ] (RFC 9110 section 7.2, RFC 3986 section 3.2.2).
_HOST: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]+)(?::[0-9]{0,5})?")
_ABSOLUTE: Final = re.compile(rb"(?:http|https)://([^/?#]*)([^#]*)", re.IGNORECASE)

MAX_UNREAD: Final = 256
"""Bytes that are kept of a line that is no request line."""


@implementer(IRequest)
class RequestHead:
    """The head of one request as it was received; read-only, shared by requests that repeat the very same bytes."""

    __slots__ = (
        "asks_why",
        "brings_id",
        "client",
        "connection",
        "head_fields",
        "host",
        "keep_alive",
        "length",
        "logged",
        "made_by",
        "max_forwards",
        "method",
        "minor",
        "origin",
        "path",
        "proxied",
        "rendered",
        "target",
        "upgrade",
    )

    def __init__(self, method: bytes, target: bytes, minor: int, head_fields: list[Field], client: str) -> None:
        """:raises MalformedMessage: a field or the target makes the message ambiguous."""
        self.method = method
        self.minor = minor
        self.client = client
        self.origin = UNKNOWN
        """Room for ``frontend/`` to say what else it knows of the client."""
        self.head_fields = head_fields
        self.rendered: bytes | None = None
        """Room for ``forwarding/`` to remember the head it sends to the backend."""
        self.made_by: Any = None
        """Room for ``forwarding/`` to remember what makes its exchanges: its route."""
        self.logged: Any = None
        """Room for ``access_log/`` to remember what it says of it."""
        self.proxied = False
        """Room for ``frontend/`` to remember that a backend is to answer it."""
        self.brings_id = any(field.key == b"x-request-id" for field in head_fields)
        named: dict[bytes, list[bytes]] = {}
        for field in head_fields:
            if field.key in _MEANT:
                named.setdefault(field.key, []).append(field.value)
        self.asks_why = b"x-openprequal-explain" in named
        """It asks to be told why it went where it did; perhaps it may not."""
        self.length = request_length(minor, named.get(b"content-length", ()), named.get(b"transfer-encoding", ()))
        """Of the body: bytes or ``framing.CHUNKED``."""
        self.connection = list_members(b",".join(named[b"connection"])) if b"connection" in named else []
        """Members of Connection, lower case."""
        self.keep_alive = b"close" not in self.connection and (minor == 1 or b"keep-alive" in self.connection)
        asks_upgrade = minor == 1 and b"upgrade" in named and b"upgrade" in self.connection
        self.upgrade = b",".join(named[b"upgrade"]) if asks_upgrade else b""
        """What the client would change to, if it asks to (RFC 9110 section 7.8)."""
        self.max_forwards = _max_forwards(method, named.get(b"max-forwards"))
        self.host, self.target = _host_and_target(method, target, minor, named.get(b"host", []))
        self.path = self.target.partition(b"?")[0]

    def changed(self, target: bytes, head_fields: list[Field]) -> "RequestHead":
        """The same request with another target or other fields, as a hook wants it.

        :raises MalformedMessage: that would be ambiguous.
        """
        head = RequestHead(self.method, target, self.minor, head_fields, self.client)
        head.origin = self.origin
        if head.header(b"host") == self.header(b"host"):
            # It may have come from a target in absolute form, which goes before the field (RFC 9112 section 3.2.2).
            head.host = self.host
        return head

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """(name, value) pairs, as :class:`~openprequal.interfaces.IRequest` wants them."""
        return [(field.name, field.value) for field in self.head_fields]

    def header(self, name: bytes) -> bytes | None:
        """The value of the first field of that lower-case name, or None."""
        return next((field.value for field in self.head_fields if field.key == name), None)


_MEANT: Final = frozenset(
    (
        *(b"host", b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"max-forwards"),
        b"x-openprequal-explain",
    )
)


def parse_request_head(block: bytes, client: str) -> RequestHead:
    """Parse a request's head.

    :param block: all bytes before the empty line, without the last CRLF.
    :param client: address of who sent it.
    :raises MalformedMessage: not HTTP/1.x, or ambiguous.
    :raises UnsupportedVersion: well-formed, but of another version.
    :raises UnknownTransferCoding: framed by something else than ``chunked``.
    """
    lines = block.split(b"\r\n")
    match = _LINE.fullmatch(lines[0])
    if match is None:
        raise MalformedMessage(f"bad request line {lines[0][:64]!r} (RFC 9112 section 3)")
    method, target, major, minor = match.groups()
    if major != b"1" or minor not in b"01":
        raise UnsupportedVersion(f"HTTP/{major.decode()}.{minor.decode()}")
    del lines[0]
    return RequestHead(method, target, minor[0] - 48, parse_fields(lines), client)


def unread_request(data: bytes, client: str) -> RequestHead:
    """Stands for a request whose head is no good, for those who tell of it: as much as can be read of its first line.

    It has no fields. If not even the line can be read, it has no method, and the line's beginning for a target.
    """
    head = RequestHead(b"", b"/", 0, [], client)
    line = data.partition(b"\r\n")[0]
    match = _LINE.fullmatch(line)
    if match is not None and match[3] == b"1" and match[4] in b"01":
        head.method, head.target, head.minor = match[1], match[2], match[4][0] - 48
    else:
        head.target = line[:MAX_UNREAD]
    head.path = head.target.partition(b"?")[0]
    return head


def _is_authority(value: bytes) -> bool:
    """True for ``uri-host [ ":" port ]``; what stands in brackets has to be an IPv6 address."""
    if _HOST.fullmatch(value) is None:
        return False
    if not value.startswith(b"["):
        return True
    try:
        IPv6Address(value[1 : value.index(b"]")].decode("ascii"))
    except ValueError:
        return False
    return True


def _max_forwards(method: bytes, values: list[bytes] | None) -> int | None:
    """Max-Forwards counts for TRACE and OPTIONS only (RFC 9110 section 7.6.2)."""
    if values is None or method not in (b"TRACE", b"OPTIONS"):
        return None
    if len(values) > 1 or not values[0].isdigit() or len(values[0]) > 9:
        raise MalformedMessage("bad Max-Forwards (RFC 9110 section 7.6.2)")
    return int(values[0])


def _host_and_target(method: bytes, target: bytes, minor: int, hosts: list[bytes]) -> tuple[bytes | None, bytes]:
    """The authority asked for and the target in origin form (RFC 9112 sections 3.2 and 3.2.2)."""
    if len(hosts) > 1 or (not hosts and minor == 1):
        raise MalformedMessage("not exactly one Host (RFC 9112 section 3.2)")
    host = hosts[0] if hosts else None
    if host is not None and not _is_authority(host):
        raise MalformedMessage(f"bad Host {host[:64]!r} (RFC 9112 section 3.2)")
    first = target[0]
    if first == 0x2F:  # origin form
        if b"#" in target:
            raise MalformedMessage("fragment in the request target (RFC 9112 section 3.2.1)")
        return host, target
    if target == b"*":
        if method != b"OPTIONS":
            raise MalformedMessage("asterisk form without OPTIONS (RFC 9112 section 3.2.4)")
        return host, target
    if method == b"CONNECT":
        # Authority form; CONNECT is refused further on, for what it is.
        return host, target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not _is_authority(absolute[1]):
        raise MalformedMessage(f"bad request target {target[:64]!r} (RFC 9112 section 3.2)")
    rest = absolute[2]
    if not rest:
        rest = b"*" if method == b"OPTIONS" else b"/"
    elif not rest.startswith(b"/"):
        rest = b"/" + rest
    return absolute[1], rest
