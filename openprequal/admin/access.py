"""Who may call the admin API? Registration is a way to steal traffic, so the rule is strict."""

import hmac
import re
from collections.abc import Callable, Collection, Sequence
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from attrs import field, frozen
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.protocols.haproxy._wrapper import HAProxyProtocolWrapper
from twisted.web.http_headers import Headers
from twisted.web.iweb import IRequest

from openprequal.networks import Address, Network, address_of
from openprequal.upstream.address_rules import EVERYWHERE

_LOCAL_HOST: Final = re.compile(rb"(?:localhost|(127\.[0-9.]+)|\[::1\])(?::[0-9]*)?", re.IGNORECASE)
_RELAYED: Final = (b"via", b"forwarded")
_RELAYED_PREFIX: Final = b"x-forwarded-"
_WRAPPERS: Final = 8


@frozen
class AccessRules:
    """The settings that decide who may call."""

    tokens: Callable[[], Collection[str]] = field(default=tuple, repr=False)
    """What ``Authorization: Bearer`` must carry one of, now; empty: no token opens anything."""
    trust_loopback: bool = True
    """False: callers on this host need a token as well, because a proxy beside us need not say that it relays."""
    networks: tuple[Network, ...] = EVERYWHERE
    """Where callers with a token may be; those at a Unix socket are let in by its permissions."""
    own_origin: bool = False
    """The admin API has listeners of its own, so that a page of the same origin can only be our own. On the proxied
    port it may be any backend's."""

    def objection(self, peer: object, proxied: bool, headers: Headers) -> str | None:
        """Why a caller may not use the admin API, without saying what would have been right; None: it may.

        :param peer: the address of the caller (an ``IAddress``).
        :param proxied: the address is hearsay: it was told by the PROXY protocol, or nobody knows how it came about.
        """
        local = self.trust_loopback and not proxied and is_loopback(peer)
        if local and speaks_for_itself(headers, self.own_origin):
            return None
        if not self._is_in_networks(peer):
            return "your address is in none of the admin_networks"
        if not self._has_token(headers):
            return "call from the gateway's own host, or send Authorization: Bearer with its token"
        return None

    def objection_to_page(self, peer: object) -> str | None:
        """Why a caller may not even have the page that it could enter its token in; None: it may."""
        if (self.trust_loopback and is_loopback(peer)) or self._is_in_networks(peer):
            return None
        return "your address is in none of the admin_networks"

    def _is_in_networks(self, peer: object) -> bool:
        if isinstance(peer, UNIXAddress):
            return True
        address = _ip_of(peer)
        if address is None:
            return self.networks == EVERYWHERE
        return any(address in network for network in self.networks)

    def _has_token(self, headers: Headers) -> bool:
        values = headers.getRawHeaders(b"authorization", [])
        if len(values) != 1:
            return False
        scheme, _, told = values[0].strip().partition(b" ")
        told = told.strip()
        if scheme.lower() != b"bearer" or not told:
            return False
        # Digests are of one length, and all are looked at, so that the time says nothing of any of them.
        digest = sha256(told).digest()
        matches = [hmac.compare_digest(digest, sha256(token.encode("utf-8")).digest()) for token in self.tokens()]
        return any(matches)


def name_of(peer: object) -> str:
    """Who *peer* is, in log and events."""
    return "a Unix socket" if isinstance(peer, UNIXAddress) else str(_ip_of(peer) or "somebody")


def is_loopback(peer: object) -> bool:
    """Whether *peer* is a TCP peer on this host's loopback; a Unix socket's never is."""
    address = _ip_of(peer)
    return address is not None and address.is_loopback


def _ip_of(peer: object) -> Address | None:
    """The IP address of a TCP peer, an IPv4 one however it is written; None: it has none."""
    if not isinstance(peer, IPv4Address | IPv6Address) or peer.type != "TCP":
        return None
    return address_of(peer.host)


def speaks_for_itself(headers: Headers, own_origin: bool = False) -> bool:
    """Whether a request came straight from a local program: neither relayed nor sent by a page in a browser.

    The Host must be a local one too, or a name that an attacker points at 127.0.0.1 (DNS rebinding) would do.

    :param own_origin: a page of the very origin that is asked is a local program too.
    """
    hosts = headers.getRawHeaders(b"host", [])
    if len(hosts) != 1 or not _is_local_host(hosts[0]):
        return False
    for name, values in headers.getAllRawHeaders():
        key = name.lower()
        if key in _RELAYED or key.startswith(_RELAYED_PREFIX):
            return False
        if key == b"origin" and not (own_origin and _is_origin(values, hosts[0])):
            return False
        # A browser says it of requests without an Origin too, such as for another site's images (Fetch Metadata).
        if key == b"sec-fetch-site" and any(value not in (b"same-origin", b"none") for value in values):
            return False
    return True


def _is_origin(values: Sequence[bytes], host: bytes) -> bool:
    return len(values) == 1 and values[0] in (b"http://" + host, b"https://" + host)


def objection_to(access: AccessRules, request: IRequest) -> str | None:
    """Why the caller of *request* may not use the admin API; None: it may."""
    proxied = told_by_proxy_protocol(getattr(request, "transport", None))
    return access.objection(request.getClientAddress(), proxied, request.requestHeaders)


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
