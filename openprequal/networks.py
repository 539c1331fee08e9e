"""Which IP address does a text mean, and is it in one of these networks?"""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def plain(address: Address) -> Address:
    """*address*, or the IPv4 address that it writes as IPv6 (RFC 4291 section 2.5.5.2): packets to it are IPv4 packets.

    So an IPv4 peer shows on a socket for both families.
    """
    return getattr(address, "ipv4_mapped", None) or address


def address_of(host: str) -> Address | None:
    """The plain address that *host* is, without its zone (RFC 4007 section 11); None: it is none, but a name, say."""
    try:
        return plain(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def is_within(host: str, networks: Collection[Network]) -> bool:
    """Whether *host*, an IP address, is in one of *networks*; what is no address is in none."""
    address = address_of(host) if networks else None
    return address is not None and any(address in network for network in networks)
