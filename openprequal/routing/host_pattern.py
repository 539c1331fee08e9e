"""Which hosts does a route take, and which of them says so most exactly?"""

import re
from ipaddress import IPv6Address
from typing import Final

import idna
from attrs import frozen

from openprequal.errors import ConfigurationError

MAX_NAME: Final = 253
"""Octets of a domain name (RFC 1035 section 2.3.4); no pattern matches longer ones."""
_NAME: Final = re.compile(rb"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_ALLOWED: Final = "a name like a.example, *.a.example for all names below it, or an address; a port may follow"


@frozen
class HostPattern:
    """A name, or all names below it."""

    name: bytes
    """Lower case, as :func:`host_and_port` has it; of a wildcard what follows ``*.``."""
    wildcard: bool = False
    port: bytes = b""
    """The port that Host must name; empty: whatever it names."""

    @property
    def rank(self) -> tuple[int, int, int]:
        """The lower goes before: names before wildcards, longer ones before shorter, with a port before without."""
        return (int(self.wildcard), -self.name.count(b".") if self.wildcard else 0, int(not self.port))

    def __str__(self) -> str:
        port = b":" + self.port if self.port else b""
        return ((b"*." if self.wildcard else b"") + self.name + port).decode("ascii")


ANY_HOST_RANK: Final = (2, 0, 0)
"""The rank of a route that names no host."""


def host_and_port(authority: bytes | None) -> tuple[bytes, bytes]:
    """The host in lower case, without a dot at its end, and the port or nothing.

    :param authority: what a request asked for; None: it had no Host, and so has no name.
    """
    if authority is None:
        return b"", b""
    if authority.startswith(b"["):
        address, _, port = authority[1:].partition(b"]")
        return b"[%b]" % IPv6Address(address.decode("ascii")).compressed.encode("ascii"), port[1:]
    name, _, port = authority.partition(b":")
    return name.lower().rstrip(b"."), port


def host_pattern(text: str, where: str) -> HostPattern:
    """What *text* in the configuration means; names beyond ASCII become what clients send (RFC 5890).

    :param where: names the place, for the error.
    :raises ConfigurationError: no such host can be asked for.
    """
    try:
        return _parsed(text)
    except ValueError:  # UnicodeError too
        raise ConfigurationError(f"{where}: {text!r} cannot be used: must be {_ALLOWED}") from None


def _parsed(text: str) -> HostPattern:
    wildcard = text.startswith("*.")
    rest = text[2:] if wildcard else text
    if rest.startswith("["):
        name, port = host_and_port(rest.encode("ascii"))
        if wildcard:
            raise ValueError(text)
    else:
        host, _, digits = rest.partition(":")
        host = host.rstrip(".")
        if not host.isascii():
            host = idna.encode(host, uts46=True).decode("ascii")
        name, port = host.lower().encode("ascii"), digits.encode("ascii")
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            raise ValueError(text)
    if rest.endswith(":") or (port and not 1 <= int(port) <= 65535):
        raise ValueError(text)
    return HostPattern(name, wildcard, port)
