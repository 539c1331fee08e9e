"""Gateways: which of them are told of this backend? Those named, and all behind a name that says so."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IReactorTime, IResolutionReceiver
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.agent.heartbeat import Heartbeat
from openprequal.clocks import Periodic

EVERY_ADDRESS: Final = "dns+http"
"""Scheme of a URL that means every address of its name."""

RESOLVE_S: Final = 10.0
"""A gateway that is new behind a name is told within this; so is one whose name did not resolve before."""

MISSES: Final = 3
"""An address is given up when so many answers in a row were without it: servers of names answer in part, too."""


class Gateways(Service):
    """A :class:`~openprequal.agent.heartbeat.Heartbeat` for each gateway; those behind a name come and go with it."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        resolver: IHostnameResolver,
        proxy_urls: Iterable[str],
        heartbeat_to: Callable[[str], Heartbeat],
    ) -> None:
        """
        :param proxy_urls: ``http(s)://host:port``, or ``dns+http://name:port``.
        :param heartbeat_to: makes the heartbeat for one gateway by its URL.
        """
        urls = list(proxy_urls)
        self._resolver = resolver
        self._heartbeat_to = heartbeat_to
        self._named = {url: heartbeat_to(url) for url in urls if urlsplit(url).scheme != EVERY_ADDRESS}
        self._behind: dict[str, dict[str, Heartbeat]] = {
            url: {} for url in urls if urlsplit(url).scheme == EVERY_ADDRESS
        }
        self._missed: Counter[tuple[str, str]] = Counter()
        self._counts_of_gone: Counter[str] = Counter()
        self._resolving = Periodic(clock, RESOLVE_S, self._resolve, "names of gateways")

    @property
    def counts(self) -> Mapping[str, int]:
        """Heartbeats so far by result, ``accepted`` or ``failed``, to all gateways."""
        counts = Counter(self._counts_of_gone)
        for heartbeat in self._all():
            counts.update(heartbeat.counts)
        return counts

    def startService(self) -> None:
        """Tell every gateway at once."""
        super().startService()  # type: ignore[no-untyped-call]
        for heartbeat in self._named.values():
            heartbeat.startService()
        if self._behind:
            self._resolving.start(now=True)

    def stopService(self) -> "Deferred[None]":
        """Unregister everywhere; fires when all have been told or did not listen. Never fails."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._resolving.stop()
        return gatherResults([heartbeat.stopService() for heartbeat in self._all()]).addCallback(lambda _: None)

    def beat_now(self) -> None:
        """Tell every gateway at once, because there is news."""
        for heartbeat in self._all():
            heartbeat.beat_now()

    def _all(self) -> list[Heartbeat]:
        return [*self._named.values(), *(each for behind in self._behind.values() for each in behind.values())]

    def _resolve(self) -> None:
        for url in self._behind:
            name = urlsplit(url).hostname or ""
            self._resolver.resolveHostName(_Answer(lambda hosts, url=url: self._resolved(url, hosts)), name)  # type: ignore[misc]

    def _resolved(self, url: str, hosts: set[str]) -> None:
        """An answer without any address changes nothing: that the name's server fails says nothing of the gateways."""
        if not self.running or not hosts:
            return
        parts = urlsplit(url)
        behind = self._behind[url]
        for host in sorted(hosts):
            self._missed.pop((url, host), None)
            if host not in behind:
                shown = f"[{host}]" if ":" in host else host
                behind[host] = self._heartbeat_to(f"http://{shown}:{parts.port or 80}")
                behind[host].startService()
        for host in set(behind) - hosts:
            self._missed[url, host] += 1
            if self._missed[url, host] >= MISSES:
                del self._missed[url, host]
                gone = behind.pop(host)
                self._counts_of_gone.update(gone.counts)
                gone.stopService()


@implementer(IResolutionReceiver)
class _Answer:
    def __init__(self, done: Callable[[set[str]], None]) -> None:
        self._done = done
        self._found: set[str] = set()

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Nothing to do: an answer that is no longer wanted does no harm."""

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv4Address | IPv6Address):
            self._found.add(address.host)

    def resolutionComplete(self) -> None:
        self._done(self._found)
