"""Gateways: which of them are told of this backend? Those named, and all behind a name that says so."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IReactorTime, IResolutionReceiver
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.agent.behind_name import RESOLVE_S, BehindName, means_every_address
from openprequal.agent.heartbeat import Heartbeat
from openprequal.clocks import Periodic


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
        self._named = {url: heartbeat_to(url) for url in urls if not means_every_address(url)}
        self._names = [BehindName(url) for url in urls if means_every_address(url)]
        self._behind: dict[tuple[BehindName, str], Heartbeat] = {}
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
        if self._names:
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
        return [*self._named.values(), *self._behind.values()]

    def _resolve(self) -> None:
        for name in self._names:
            self._resolver.resolveHostName(_Answer(lambda hosts, name=name: self._resolved(name, hosts)), name.name)  # type: ignore[misc]

    def _resolved(self, name: BehindName, hosts: set[str]) -> None:
        if not self.running:
            return
        new, gone = name.answered(hosts)
        for url in new:
            heartbeat = self._behind[name, url] = self._heartbeat_to(url)
            heartbeat.startService()
        for url in gone:
            heartbeat = self._behind.pop((name, url))
            self._counts_of_gone.update(heartbeat.counts)
            heartbeat.stopService()


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
