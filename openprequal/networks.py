"""Is an address in one of these networks?"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address


def is_within(host: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Whether *host*, an IP address, is in one of *networks*; what is no address (a name, nothing) is in none.

    An IPv4 address in IPv6 clothes (RFC 4291 section 2.5.5.2) counts as what it is.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks if network.version == address.version)
