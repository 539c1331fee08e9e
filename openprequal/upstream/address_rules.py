"""Where may a backend be? Asked of the address that is connected to, every time, whatever name led there."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from os.path import realpath
from pathlib import Path
from typing import Final

from attrs import frozen
from twisted.internet.error import ConnectError

from openprequal.networks import Address, Network, plain

EVERYWHERE: Final[tuple[Network, ...]] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))

SPECIAL: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        # Link-local, the metadata services of most clouds among them (RFC 3927, RFC 4291 section 2.5.6, RFC 3879).
        *("169.254.0.0/16", "fe80::/10", "fec0::/10"),
        # Other metadata services: Alibaba, Azure, Oracle, and over IPv6 AWS, Google, Scaleway.
        *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
        *("fd00:ec2::254/128", "fd20:ce::254/128", "fd00:42::42/128"),
        # What is no single host: this network, multicast, reserved and broadcast (RFC 6890).
        *("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8"),
    )
)
"""Refused unless a network within one of these is named: the whole internet does not include them."""

_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")


class AddressRefused(ConnectError):
    """The backend's name leads to no address that it may have."""

    def __init__(self, why: str) -> None:
        super().__init__(string=why)  # type: ignore[no-untyped-call]
        self.why = why

    def __str__(self) -> str:
        return self.why


def _nobody(place: str, port: int) -> bool:
    return False


@frozen
class AddressRules:
    """The settings ``backend_networks`` and ``backend_sockets``, and what this process listens on."""

    networks: tuple[Network, ...] = EVERYWHERE
    sockets: tuple[str, ...] = ()
    """Directories whose Unix sockets may be backends: through one, everything that listens on this host is reached."""
    is_own: Callable[[str, int], bool] = _nobody
    """Whether this process listens on an address and port, or on the path of a Unix socket and port 0."""

    def objection(self, host: str, port: int) -> str | None:
        """Why nobody may be connected to at the IP address *host* and *port*; None: one may."""
        objection = _objection(self.networks, host)
        if objection is None and self.is_own(host, port):
            return f"{host} port {port} is this gateway itself"
        return objection

    def socket_objection(self, path: str) -> str | None:
        """Why nobody may be connected to at the Unix socket *path*, wherever links in it lead; None: one may."""
        real = realpath(path)
        if self.is_own(real, 0):
            return f"{path} is this gateway itself"
        if not any(Path(real).is_relative_to(realpath(directory)) for directory in self.sockets):
            return f"{path} is in none of the backend_sockets directories"
        return None


# The same for ever, and tens of microseconds a connect: one a request at a backend that keeps no connection alive.
@lru_cache(4096)
def _objection(networks: tuple[Network, ...], host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return f"{host} is no IP address"
    if any(_is_special(each, networks) for each in _meanings(address)):
        return f"{host} is a link-local, metadata or other special address, which backend_networks does not name"
    if not any(plain(address) in network for network in networks):
        return f"{host} is in none of the backend_networks"
    return None


def _is_special(address: Address, networks: tuple[Network, ...]) -> bool:
    within = [special for special in SPECIAL if address in special]
    return bool(within) and not any(
        address in network and any(_is_part(network, special) for special in within) for network in networks
    )


def _meanings(address: Address) -> Iterator[Address]:
    """The addresses at which a packet to *address* may arrive: a translator or tunnel on its way takes another out."""
    address = plain(address)
    yield address
    if isinstance(address, IPv6Address):
        if address in _NAT64 or (address in _COMPATIBLE and not address.is_loopback):
            yield IPv4Address(int(address) & 0xFFFFFFFF)
        if address.sixtofour is not None:
            yield address.sixtofour
        if address.teredo is not None:
            yield from address.teredo


def _is_part(network: Network, of: Network) -> bool:
    if isinstance(network, IPv4Network):
        return isinstance(of, IPv4Network) and network.subnet_of(of)
    return isinstance(of, IPv6Network) and network.subnet_of(of)
