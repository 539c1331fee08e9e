"""What does a PROXY protocol header say, in either version, and where does it end?"""

import re
import struct
from ipaddress import IPv4Address as IPv4
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from typing import Final

from attrs import frozen
from twisted.internet.address import IPv4Address, IPv6Address

from openprequal.networks import plain

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""How version 2 begins (section 2.2)."""
_LINE_START: Final = b"PROXY "
_LINE_MAX: Final = 107
"""Bytes of the longest line of version 1, its end included (section 2.1)."""
_BLOCK_MAX: Final = 4096
"""Bytes of a header of version 2 that are taken; the addresses and what load balancers add need a few hundred."""
_LINE: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP([46]) ([0-9A-Fa-f.:]+) ([0-9A-Fa-f.:]+) ([0-9]{1,5}) ([0-9]{1,5}))"
)
_START: Final = struct.Struct("!12sBBH")
_LOCAL, _PROXY = 0x20, 0x21
_TCP4, _TCP6 = 0x11, 0x21
_ADDRESSES: Final = {_TCP4: struct.Struct("!4s4sHH"), _TCP6: struct.Struct("!16s16sHH")}

Address = IPv4Address | IPv6Address


class InvalidProxyHeader(Exception):
    """What came is no PROXY header, or none that can be believed; the message is one word for a metric."""


@frozen
class ProxyHeader:
    """What the sender says about the connection that it passes on."""

    source: Address | None = None
    """Who connected to it; None: nobody, it speaks for itself (``LOCAL``), or the address is of no kind we know."""
    destination: Address | None = None
    """Where."""


_UNTOLD: Final = ProxyHeader()


def read_proxy_header(data: bytes) -> tuple[ProxyHeader, int] | None:
    """The header that *data* begins with, and its length; None: more bytes are needed.

    :raises InvalidProxyHeader: ``missing``: *data* begins with something else; ``malformed``; ``too_long``.
    """
    if SIGNATURE.startswith(data[: len(SIGNATURE)]):
        return _read_block(data) if len(data) >= _START.size else None
    if data.startswith(_LINE_START) or _LINE_START.startswith(data):
        return _read_line(data)
    raise InvalidProxyHeader("missing")


def _read_line(data: bytes) -> tuple[ProxyHeader, int] | None:
    end = data.find(b"\r\n", 0, _LINE_MAX)
    if end < 0:
        if len(data) >= _LINE_MAX:
            raise InvalidProxyHeader("too_long")
        return None
    match = _LINE.fullmatch(data[:end])
    if match is None:
        raise InvalidProxyHeader("malformed")
    if match[1] is None:
        return _UNTOLD, end + 2
    kind = IPv4 if match[1] == b"4" else IPv6
    try:
        source = _address(kind(match[2].decode("ascii")), int(match[4]))
        destination = _address(kind(match[3].decode("ascii")), int(match[5]))
    except ValueError:
        raise InvalidProxyHeader("malformed") from None
    return ProxyHeader(source, destination), end + 2


def _read_block(data: bytes) -> tuple[ProxyHeader, int] | None:
    _, command, family, rest = _START.unpack_from(data)
    if command not in (_LOCAL, _PROXY) or family >> 4 > 3 or family & 0x0F > 2:
        raise InvalidProxyHeader("malformed")
    length = _START.size + rest
    if length > _BLOCK_MAX:
        raise InvalidProxyHeader("too_long")
    if len(data) < length:
        return None
    layout = _ADDRESSES.get(family)
    if command == _LOCAL or layout is None:
        return _UNTOLD, length
    if rest < layout.size:
        raise InvalidProxyHeader("malformed")
    # What follows the addresses (type, length, value) is for others.
    source, destination, source_port, destination_port = layout.unpack_from(data, _START.size)
    kind = IPv4 if family == _TCP4 else IPv6
    return ProxyHeader(_address(kind(source), source_port), _address(kind(destination), destination_port)), length


def _address(ip: IPv4 | IPv6, port: int) -> Address:
    """:raises ValueError: there is no such port."""
    if port > 65535:
        raise ValueError(port)
    ip = plain(ip)
    return IPv4Address("TCP", str(ip), port) if isinstance(ip, IPv4) else IPv6Address("TCP", str(ip), port)


def line_of(source: object, destination: object) -> bytes:
    """The header of version 1 for a connection from *source* to *destination*; ``UNKNOWN`` unless both are TCP."""
    pair = _pair(source, destination)
    if pair is None:
        return b"PROXY UNKNOWN\r\n"
    (one, one_port), (other, other_port) = pair
    return f"PROXY TCP{one.version} {one} {other} {one_port} {other_port}\r\n".encode("ascii")


def block_of(source: object, destination: object) -> bytes:
    """The same of version 2; ``LOCAL`` unless both are TCP."""
    pair = _pair(source, destination)
    if pair is None:
        return _START.pack(SIGNATURE, _LOCAL, 0, 0)
    (one, one_port), (other, other_port) = pair
    family = _TCP4 if one.version == 4 else _TCP6
    addresses = _ADDRESSES[family].pack(one.packed, other.packed, one_port, other_port)
    return _START.pack(SIGNATURE, _PROXY, family, len(addresses)) + addresses


def _pair(source: object, destination: object) -> tuple[tuple[IPv4 | IPv6, int], tuple[IPv4 | IPv6, int]] | None:
    """Both as addresses of one family; None: one of them is none."""
    if not isinstance(source, Address) or not isinstance(destination, Address):
        return None
    one, other = _ip(source.host), _ip(destination.host)
    if one.version != other.version:
        one, other = _as_ipv6(one), _as_ipv6(other)
    return (one, source.port), (other, destination.port)


def _ip(host: str) -> IPv4 | IPv6:
    return plain(ip_address(host.partition("%")[0]))


def _as_ipv6(ip: IPv4 | IPv6) -> IPv6:
    return ip if isinstance(ip, IPv6) else IPv6(f"::ffff:{ip}")
