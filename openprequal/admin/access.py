"""Who may call the admin API? Registration is a way to steal traffic, so the rule is strict."""

import hmac
import re
from ipaddress import IPv4Address as IPv4
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from typing import Final

from attrs import field, frozen
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper
from twisted.web.http_headers import Headers

_LOCAL_HOST: Final = re.compile(rb"(?:localhost|(127\.[0-9.]+)|\[::1\])(?::[0-9]*)?", re.IGNORECASE)
_RELAYED: Final = (b"origin", b"via", b"forwarded")
_RELAYED_PREFIX: Final = b"x-forwarded-"
_WRAPPERS: Final = 8


@frozen
class AccessRules:
    """The settings that decide who may call."""

    token: str | None = field(default=None, repr=False)
    """What ``Authorization: Bearer`` must carry; None or empty: no token opens anything."""
    trust_loopback: bool = True
    """False: callers on this host need the token as well, because a proxy beside us need not say that it relays."""

    def admit(self, peer: object, proxied: bool, headers: Headers) -> bool:
        """Whether a caller may use the admin API.

        :param peer: the address of the caller (an ``IAddress``).
        :param proxied: the address is hearsay: it was told by the PROXY protocol, or nobody knows how it came about.
        """
        if self.trust_loopback and not proxied and is_loopback(peer) and speaks_for_itself(headers):
            return True
        return self._has_token(headers)

    def _has_token(self, headers: Headers) -> bool:
        values = headers.getRawHeaders(b"authorization", [])
        if not self.token or len(values) != 1:
            return False
        scheme, _, token = values[0].strip().partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), self.token.encode("utf-8"))


def is_loopback(peer: object) -> bool:
    """Whether *peer* is a TCP peer on this host's loopback; a Unix socket's never is."""
    if not isinstance(peer, IPv4Address | IPv6Address) or peer.type != "TCP":
        return False
    try:
        address: IPv4 | IPv6 = ip_address(peer.host)
    except ValueError:
        return False
    if isinstance(address, IPv6) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def speaks_for_itself(headers: Headers) -> bool:
    """Whether a request came straight from a local program: neither relayed nor sent by a page in a browser.

    The Host must be a local one too, or a name that an attacker points at 127.0.0.1 (DNS rebinding) would do.
    """
    for name, _ in headers.getAllRawHeaders():
        key = name.lower()
        if key in _RELAYED or key.startswith(_RELAYED_PREFIX):
            return False
    hosts = headers.getRawHeaders(b"host", [])
    return len(hosts) == 1 and _is_local_host(hosts[0])


def told_by_proxy_protocol(transport: object) -> bool:
    """Whether the peer address of *transport* is hearsay: a PROXY protocol header said it, or there is no transport."""
    for _ in range(_WRAPPERS):
        if transport is None or isinstance(transport, HAProxyProtocolWrapper):
            return True
        if getattr(transport, "peer_is_told", False):  # by proxy_protocol/receiving.py
            return True
        inner = getattr(transport, "transport", transport)
        if inner is transport:
            return False
        transport = inner
    return True


def _is_local_host(host: bytes) -> bool:
    match = _LOCAL_HOST.fullmatch(host.strip())
    if match is None:
        return False
    if match[1] is None:
        return True
    try:
        return ip_address(match[1].decode("ascii")).is_loopback
    except ValueError:
        return False
