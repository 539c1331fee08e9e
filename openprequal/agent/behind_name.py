"""BehindName: which gateways are behind a name, by the answers of whoever resolves it?"""

from collections import Counter
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

EVERY_ADDRESS: Final = "dns+http"
"""Scheme of a URL that means every address of its name."""

RESOLVE_S: Final = 10.0
"""A gateway that is new behind a name is told within this; so is one whose name did not resolve before."""

MISSES: Final = 3
"""An address is given up when so many answers in a row were without it: servers of names answer in part, too."""


class BehindName:
    """The addresses of one ``dns+http://name:port`` as they come and go.

    :ivar name: what to resolve.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.name = parts.hostname or ""
        self._port = parts.port or 80
        self._hosts: set[str] = set()
        self._missed: Counter[str] = Counter()

    def answered(self, hosts: Collection[str]) -> tuple[list[str], list[str]]:
        """The URLs of gateways that are new, and of those that are given up, now that the name has led to *hosts*.

        An answer without any address changes nothing: that the name's server fails says nothing of the gateways.
        """
        if not hosts:
            return [], []
        new = sorted(set(hosts) - self._hosts)
        self._hosts.update(new)
        gone = []
        for host in sorted(self._hosts):
            if host in hosts:
                self._missed.pop(host, None)
                continue
            self._missed[host] += 1
            if self._missed[host] >= MISSES:
                del self._missed[host]
                self._hosts.discard(host)
                gone.append(host)
        return [self._url(host) for host in new], [self._url(host) for host in gone]

    def _url(self, host: str) -> str:
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"


def means_every_address(url: str) -> bool:
    """Whether *url* names gateways by their common name rather than one of them."""
    return urlsplit(url).scheme == EVERY_ADDRESS
