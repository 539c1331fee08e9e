"""Which IP addresses does a backend's name have now? Asked when it joins and from time to time, never per request."""

from collections.abc import Sequence
from ipaddress import ip_address

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer


class Addresses:
    """The addresses of one host; the last good answer is kept when resolving fails."""

    def __init__(self, resolver: IHostnameResolver, host: str) -> None:
        self._resolver = resolver
        self._host = host
        self._literal = _is_literal(host)
        self._known: tuple[str, ...] = (host,) if self._literal else ()

    def known(self) -> Sequence[str]:
        """The addresses to connect to now; empty while the name has never resolved."""
        return self._known

    def refresh(self) -> "Deferred[None]":
        """Ask again; fires when the answer is in, whatever it was."""
        done: Deferred[None] = Deferred()
        if self._literal:
            done.callback(None)
        else:
            self._resolver.resolveHostName(_Answer(self, done), self._host)
        return done

    def learned(self, addresses: Sequence[str]) -> None:
        """An answer came; an empty one changes nothing."""
        if addresses:
            self._known = tuple(dict.fromkeys(addresses))


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@implementer(IResolutionReceiver)
class _Answer:
    def __init__(self, addresses: Addresses, done: "Deferred[None]") -> None:
        self._addresses = addresses
        self._done = done
        self._found: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do: an answer that is no longer wanted does no harm."""

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv4Address | IPv6Address):
            self._found.append(address.host)

    def resolutionComplete(self) -> None:
        self._addresses.learned(self._found)
        self._done.callback(None)
