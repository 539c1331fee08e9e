"""Does this process listen there itself? Then a backend there would send every request to us for ever."""

import socket
from contextlib import suppress
from ipaddress import ip_address
from os import fsdecode
from os.path import realpath
from typing import Final

from twisted.internet.address import IPv4Address as TCP4
from twisted.internet.address import IPv6Address as TCP6
from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import IAddress

from openprequal.listening import ListeningService
from openprequal.networks import Address, plain

_NOT_OURS: Final = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Addresses for documentation, which no host has (RFC 5737, RFC 3849)."""


class OwnAddress:
    """Knows what this process listens on.

    A gateway that is reached by another address, as through a forwarded port, is not recognised here; a request that
    comes back that way is stopped by Via (508).

    :ivar listening: its listeners, known only once everything is put together.
    """

    def __init__(self) -> None:
        self.listening: list[ListeningService] = []

    def is_own(self, place: str, port: int) -> bool:
        """Whether a connection to *place*, an IP address, and *port* would end here.

        :param place: with port 0 the path of a Unix socket.
        """
        return any(_leads_to(bound, place, port) for service in self.listening for bound in service.addresses)


def _leads_to(bound: IAddress, place: str, port: int) -> bool:
    if isinstance(bound, UNIXAddress):
        return not port and bound.name is not None and realpath(fsdecode(bound.name)) == place
    if not isinstance(bound, TCP4 | TCP6) or bound.port != port:
        return False
    address, listening = plain(ip_address(place)), plain(ip_address(bound.host or "0.0.0.0"))
    if listening.is_unspecified or address.is_unspecified:
        return is_this_host(address)
    return address == listening


def is_this_host(address: Address) -> bool:
    """Whether *address* is one of this host's. Sends nothing."""
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    # Where addresses may be bound before the host has them (ip_nonlocal_bind), binding says nothing; then only the
    # host's first addresses are known, which it would itself send from.
    if _can_bind(family, _NOT_OURS[family]):
        return _source_towards(family, str(address)) == str(address)
    return _can_bind(family, str(address))


def _can_bind(family: socket.AddressFamily, address: str) -> bool:
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as trial:
        trial.bind((address, 0))
        return True
    return False


def _source_towards(family: socket.AddressFamily, address: str) -> str:
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as trial:
        trial.connect((address, 9))
        return str(trial.getsockname()[0])
    return ""
