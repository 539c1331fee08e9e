"""The registry that follows names: which backends does the DNS say there are? Addresses, and SRV records (RFC 2782)."""

from collections.abc import Iterator
from math import gcd
from socket import AF_INET6, inet_ntop
from typing import Annotated, Any, Literal, Self

from attrs import define, field
from pydantic import Field, StringConstraints, model_validator
from twisted.internet.defer import Deferred, gatherResults
from twisted.names import dns

from openprequal.clocks import Periodic
from openprequal.errors import RegistrationRefused
from openprequal.interfaces import RegistryContext
from openprequal.registry.backend_url import canonical_url
from openprequal.registry.dns_answers import DnsAnswers
from openprequal.registry.name_servers import NameServers, SystemNameServers
from openprequal.registry.parameters import RegistryParameters, read_parameters
from openprequal.registry.resolv_conf import DNS_PORT
from openprequal.registry.sourced import SourcedRegistry
from openprequal.values import DEFAULT_SERVICE, Backend

TICK_S = 0.25

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?"
Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$")]
NameAndPort = Annotated[str, StringConstraints(pattern=rf"^{_NAME}:[0-9]{{1,5}}$")]
ServerAddress = Annotated[str, StringConstraints(pattern=r"^([0-9.]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?$")]


class DnsNames(RegistryParameters):
    """The names of one service's backends."""

    names: tuple[NameAndPort, ...] = ()
    """Names with a port, like `api.internal:8080`: each address of one (A, AAAA) is a backend."""
    srv: tuple[Name, ...] = ()
    """Names of SRV records, like `_http._tcp.api.internal`: they tell port, priority and weight."""


class DnsParameters(DnsNames):
    """What may be set on it."""

    services: dict[str, DnsNames] = Field({}, json_schema_extra={"allowed": "a table of tables with names and srv"})
    """The same for services by name; what stands beside it is for the service `default`."""
    scheme: Literal["http", "https"] = "http"
    """How backends are spoken to. With https there can be SRV records only, whose targets are what certificates are
    for."""
    servers: tuple[ServerAddress, ...] = Field((), json_schema_extra={"allowed": "addresses like 10.0.0.53:53"})
    """Name servers; none: those of /etc/resolv.conf, whose search domains count in any case."""
    ttl_min_seconds: float = Field(1.0, gt=0, le=86_400)
    """An answer counts for so long at least."""
    ttl_max_seconds: float = Field(300.0, gt=0, le=86_400)
    """An answer counts for so long at most."""
    retry_seconds: float = Field(5.0, ge=0.25, le=3600)
    """Asked again after so long where there was no answer, or none that is believed."""
    missing_times: int = Field(3, ge=1, le=1000)
    """That there is no such name, or nothing behind it any more, is believed when said so often in a row."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        all_names: tuple[DnsNames, ...] = (self, *self.services.values())
        if not any(each.names or each.srv for each in all_names):
            raise ValueError("there are neither names nor srv: nobody could be found")
        for place in (*self.servers, *(place for each in all_names for place in each.names)):
            if not 1 <= _host_and_port(place)[1] <= 65_535:
                raise ValueError(f"{place}: there are ports from 1 to 65535")
        if self.scheme == "https" and any(each.names for each in all_names):
            raise ValueError("names lead to addresses, for which there are no certificates: use srv with https")
        return self


@define(eq=False)
class _Source:
    """One name of one service, and who was found by it last."""

    service: str
    name: str
    port: int | None
    """None: it is the name of SRV records."""
    due: float = 0.0
    asking: "Deferred[None] | None" = None
    found: list[Backend] = field(factory=list)


class DnsRegistry(SourcedRegistry):
    """Knows the backends that names lead to; asks again when the answers are too old, each by itself."""

    def __init__(self, context: RegistryContext, servers: NameServers | None = None) -> None:
        """
        :param servers: who is asked, in the place of name servers.
        :raises ConfigurationError: a parameter cannot be used.
        """
        super().__init__("the DNS", context.max_backends)
        self._parameters = parameters = read_parameters(DnsParameters, context.parameters, "dns")
        self._clock = context.clock
        self._rng = context.rng
        self._servers = servers or SystemNameServers(
            context.reactor, [_host_and_port(each) for each in parameters.servers]
        )
        self._answers = DnsAnswers(self._servers, parameters.missing_times)
        of_services = [(DEFAULT_SERVICE, parameters), *parameters.services.items()]
        self._sources = [source for service, names in of_services for source in _sources(service, names)]
        self._periodic = Periodic(context.clock, TICK_S, self._tick, "asking the DNS")

    def start(self) -> None:
        self._periodic.start(now=True)

    def stop(self) -> "Deferred[None]":
        self._periodic.stop()
        # What was asked is answered or too late within a few seconds.
        asking = [source.asking for source in self._sources if source.asking is not None]
        return gatherResults(asking).addCallback(lambda _: self._servers.close())

    def _tick(self) -> None:
        now = self._clock.seconds()
        for source in self._sources:
            if source.asking is None and source.due <= now:
                # Others wait for it too, at the end.
                done: Deferred[None] = Deferred()
                source.asking = done
                Deferred.fromCoroutine(self._refresh(source)).addErrback(self._failed).chainDeferred(done)

    def _failed(self, failure: Any) -> None:
        self.log.failure("asking the DNS failed, going on", failure=failure)

    async def _refresh(self, source: _Source) -> None:
        ttl_s: float | None = None
        try:
            found, ttl_s = await self._ask(source)
            if self._periodic.running:
                source.found = found
                self._learned(backend for each in self._sources for backend in each.found)
        finally:
            source.asking = None
            if ttl_s is None:
                ttl_s = self._parameters.retry_seconds * (0.8 + 0.4 * self._rng.random())
            source.due = self._clock.seconds() + ttl_s

    async def _ask(self, source: _Source) -> tuple[list[Backend], float | None]:
        """Who is found by it, and for how long that may be believed; None: it should be asked again soon."""
        if source.port is not None:
            addresses, ttl_s = await self._addresses(source.name)
            return list(self._backends(source, [(each, source.port, 0, 1) for each in addresses])), ttl_s
        (answer,) = await self._answers.ask(source.name, dns.SRV)
        # A target "." says that there is decidedly no such service (RFC 2782).
        records = [(str(record.target), record) for record in answer.records if str(record.target).strip(".")]
        ttls = [self._bounded(answer.ttl_s)]
        hosts = {target: [target] for target, _ in records}
        if self._parameters.scheme == "http":
            for target in hosts:
                if not self._periodic.running:
                    break  # nobody wants to know any more
                hosts[target], ttl_s = await self._addresses(f"{target.removesuffix('.')}.")
                ttls.append(ttl_s)
        places = [
            (host, record.port, record.priority, max(record.weight, 1))
            for target, record in records
            for host in hosts[target]
        ]
        return list(self._backends(source, places)), None if None in ttls else min(ttls)  # type: ignore[type-var]

    async def _addresses(self, name: str) -> tuple[list[str], float | None]:
        four, six = await self._answers.ask(name, dns.A, dns.AAAA)
        addresses = sorted(record.dottedQuad() for record in four.records)
        addresses += sorted(inet_ntop(AF_INET6, record.address) for record in six.records)
        ttls = [answer.ttl_s for answer in (four, six) if answer.ttl_s is not None]
        if four.uncertain or six.uncertain or not ttls:
            return addresses, None
        return addresses, self._bounded(min(ttls))

    def _bounded(self, ttl_s: float | None) -> float | None:
        """*ttl_s*, not shorter nor longer than it may be."""
        if ttl_s is None:
            return None
        return min(max(ttl_s, self._parameters.ttl_min_seconds), self._parameters.ttl_max_seconds)

    def _backends(self, source: _Source, places: list[tuple[str, int, int, int]]) -> Iterator[Backend]:
        """Backends from host, port, priority and weight; those of equal weights weigh 1."""
        unit = gcd(*(weight for *_, weight in places)) or 1
        for host, port, priority, weight in sorted(places, key=lambda place: place[2]):
            bracketed = f"[{host}]" if ":" in host else host
            try:
                url = canonical_url(f"{self._parameters.scheme}://{bracketed}:{port}")
            except RegistrationRefused as refused:
                self.log.warn("{name} leads to what is no backend: {why}", name=source.name, why=refused.reason)
            else:
                yield Backend(url, source.service, weight / unit, priority=priority)


def _sources(service: str, names: DnsNames) -> Iterator[_Source]:
    for each in names.names:
        name, port = _host_and_port(each)
        yield _Source(service, name, port)
    for name in names.srv:
        yield _Source(service, name, None)


def _host_and_port(text: str) -> tuple[str, int]:
    """What a backend's place says, which has a port, or a name server's, which may."""
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = text, ""
    return host.strip("[]"), int(port or DNS_PORT)
