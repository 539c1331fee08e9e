"""Whose request is it, when proxies of ours stand in front? What limits are counted by."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Network
from operator import attrgetter
from typing import Final

from openprequal.interfaces import IRequest
from openprequal.networks import Network, address_of, is_within

MAX_HOPS: Final = 32
"""Members of X-Forwarded-For that are looked at, from the last; nobody has so many proxies of their own."""
IPV6_CHARACTERS: Final = 45
"""The longest an address gets (``INET6_ADDRSTRLEN`` without its end)."""
IPV6_PREFIX: Final = 64
"""One network of a site, of which every host has as many addresses as it likes (RFC 4291 section 2.5.4)."""


def true_client(trusted: Sequence[Network]) -> Callable[[IRequest], str]:
    """What tells the address that a request comes from: the peer, or behind *trusted* proxies the one they tell.

    X-Forwarded-For is read from its end as long as those who wrote it are trusted, so that nothing counts that a client
    wrote itself. A member that is no address is what a trusted proxy wrote and stands for itself.
    """

    @lru_cache(maxsize=4096)
    def last_untrusted(peer: str, told: bytes) -> str:
        if not is_within(peer, trusted):
            return peer
        for member in reversed(told.rsplit(b",", MAX_HOPS)[-MAX_HOPS:]):
            hop = _without_port(member.strip().decode("ascii", "replace"))
            if not hop:
                break
            peer = hop[:IPV6_CHARACTERS]
            if not is_within(peer, trusted):
                break
        return peer

    def client(request: IRequest) -> str:
        told = [value for name, value in request.fields if len(name) == 15 and name.lower() == b"x-forwarded-for"]
        return last_untrusted(request.client, told[0] if len(told) == 1 else b",".join(told))

    return client if trusted else attrgetter("client")


@lru_cache(maxsize=4096)
def client_network(client: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that an IPv6 address is in."""
    if ":" not in client:
        return client
    address = address_of(client)
    if isinstance(address, IPv4Address):
        return str(address)
    if address is None:
        return client
    return str(IPv6Network((address.packed, IPV6_PREFIX), strict=False))


def _without_port(node: str) -> str:
    """Some proxies tell the port too: ``192.0.2.1:40000``, ``[2001:db8::1]:40000``."""
    if node.startswith("["):
        return node[1:].partition("]")[0]
    host, colon, port = node.partition(":")
    return node if ":" in port or not colon else host
