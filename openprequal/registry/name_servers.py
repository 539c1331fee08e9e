"""What do name servers answer? Over UDP, over TCP where the answer is too long for it (``twisted.names``)."""

import os
from collections.abc import Sequence
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.names import dns
from twisted.names.client import Resolver

from openprequal.registry.resolv_conf import ResolvConf, read_resolv_conf

RESOLV_CONF: Final = "/etc/resolv.conf"
TIMEOUTS_S: Final = (1, 2)
"""Each server is asked again after the first, given up after the second."""


class NameServers(Protocol):
    """Those who are asked."""

    def candidates(self, name: str) -> Sequence[str]:
        """The full names that *name* may mean."""

    def query(self, name: str, kind: int) -> "Deferred[Sequence[dns.RRHeader]]":
        """The records of *kind* (``dns.A``) that the full *name* has; none: there are others, or none at all.

        Fails with ``DNSNameError`` if there is no such name, with something else if nobody answers, or not well.
        """

    def close(self) -> None:
        """Close what is open."""


class SystemNameServers:
    """Those that the host asks, or others; which, and the search domains, is read again when the file has changed."""

    def __init__(self, reactor: Any, servers: Sequence[tuple[str, int]] = (), path: str = RESOLV_CONF) -> None:
        """:param servers: in the place of those of the file *path*."""
        self._reactor = reactor
        self._servers = servers
        self._path = path
        self._read_at: int | None = None
        self._conf = ResolvConf()
        self._resolver: Any = None

    def candidates(self, name: str) -> Sequence[str]:
        return self._now().candidates(name)

    def query(self, name: str, kind: int) -> "Deferred[Sequence[dns.RRHeader]]":
        self._now()
        if self._resolver is None:
            servers = list(self._servers or self._conf.servers)
            self._resolver = Resolver(servers=servers, timeout=TIMEOUTS_S, reactor=self._reactor)
        found: Deferred[Any] = self._resolver.query(dns.Query(name.encode("ascii"), kind, dns.IN))
        return found.addCallback(lambda sections: [record for record in sections[0] if record.type == kind])

    def close(self) -> None:
        resolver, self._resolver = self._resolver, None
        for connection in [] if resolver is None else resolver.connections:
            connection.transport.loseConnection()

    def _now(self) -> ResolvConf:
        try:
            changed_at = os.stat(self._path).st_mtime_ns
            if changed_at != self._read_at:
                with open(self._path, encoding="ascii", errors="replace") as lines:
                    self._conf = read_resolv_conf(lines)
                self._read_at = changed_at
                self.close()
        except OSError:
            pass  # as it was; at first, as if it were empty
        return self._conf
