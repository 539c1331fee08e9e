"""Is a backend to be registered this gateway itself? Then it would send every request to itself for ever."""

from ipaddress import ip_address

from twisted.internet.address import IPv4Address, IPv6Address

from openprequal.listening import ListeningService
from openprequal.values import Backend


class OwnAddress:
    """Knows what this process listens on.

    :ivar listening: its listeners, known only once everything is put together.
    """

    def __init__(self) -> None:
        self.listening: list[ListeningService] = []

    def objection(self, backend: Backend) -> str | None:
        """Why *backend* cannot be one; None: it is somebody else.

        Only names and addresses of this host that are plain to see are recognised here; a request that comes back by
        another name is stopped by Via (508).
        """
        for service in self.listening:
            for address in service.addresses:
                if (
                    isinstance(address, IPv4Address | IPv6Address)
                    and address.port == backend.port
                    and (backend.host == address.host or _is_this_host(backend.host))
                ):
                    return f"{backend.url} is this gateway itself"
        return None


def _is_this_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
