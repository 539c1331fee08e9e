"""Clients, a gateway and backends in memory: the real way of a request, on a virtual clock and without a socket.

The connections, exchanges, services and limits are those of the running gateway; only the far ends are the test's:

    network = MemoryNetwork(backends=2)
    client = network.client()
    client.send(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
    assert network.backend(0).received.startswith(b"GET / HTTP/1.1")
    network.backend(0).answer(b"HTTP/1.1 204 No Content\\r\\n\\r\\n")
    assert client.received.startswith(b"HTTP/1.1 204")
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any
from weakref import WeakValueDictionary

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.error import TimeoutError as ConnectTimedOut
from twisted.internet.task import Clock
from twisted.web.server import Site

from openprequal.balancing.round_robin import RoundRobin
from openprequal.forwarding.accompanied import accompanied
from openprequal.forwarding.downstream import Downstream, ProxyExchange
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.hedged_exchange import HedgedExchange
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.journey import Witness
from openprequal.forwarding.recorded_exchange import RecordedExchange, RecordedHedgedExchange, RecordedHookedExchange
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.retry import RetryRules
from openprequal.forwarding.route import Route, Timeouts
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.limits import Limits
from openprequal.frontend.rate_limited import rate_limited
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.interfaces import BalancerContext, IBalancer
from openprequal.limiting.rate_limits import RateLimits, RateRule
from openprequal.metrics.window import WindowAverage
from openprequal.networks import Network
from openprequal.probing.report_reader import ReportReader
from openprequal.routing.concurrency_limit import ConcurrencyLimit
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.routing.sessions import Sessions
from openprequal.routing.sticky_service import StickyService
from openprequal.testing.memory_transport import Ended, MemoryTransport, RawConnection
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.values import Backend

GATEWAY = IPv4Address("TCP", "198.51.100.1", 8000)
CLIENT_HOST = "192.0.2.1"
PSEUDONYM = b"gateway.test"
EXPIRE_EVERY_S = 0.5


class RawBackend:
    """A backend whose every byte is the test's. It accepts connections until told otherwise.

    :ivar backend: what it is registered as.
    :ivar connections: those it accepted, in order, those that have ended included.
    :ivar dialled: how often the gateway tried to connect.
    """

    def __init__(self, clock: Clock, number: int, connect_timeout_s: float) -> None:
        self.backend = Backend(url=f"http://203.0.113.{number + 1}:8001")
        self.connections: list[RawConnection] = []
        self.dialled = 0
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._accepts: bool | None = True
        self._refusal: Exception = Refused()

    def accept(self) -> None:
        """Take connections from now on."""
        self._accepts = True

    def refuse(self, why: Exception | None = None) -> None:
        """Refuse connections from now on.

        :param why: what the gateway is told; None: that the backend did.
        """
        self._accepts = False
        self._refusal = why or Refused()

    def hang(self) -> None:
        """Leave attempts to connect unanswered from now on."""
        self._accepts = None

    @property
    def connection(self) -> RawConnection:
        """The latest connection."""
        return self.connections[-1]

    @property
    def received(self) -> bytes:
        """Everything it was ever sent, connection after connection."""
        return b"".join(connection.received for connection in self.connections)

    def answer(self, data: bytes, *, cuts: Iterable[int] = ()) -> None:
        """Send *data* on the latest connection; see :meth:`RawConnection.send`."""
        self.connection.send(data, cuts=cuts)

    def member(self, backend: Backend | None = None, *, max_idle: int = 4) -> Member:
        """It as a member of a service, nothing connected yet.

        :param backend: what it was registered as, where that is more than an address.
        """
        backend = backend or self.backend
        connections = Connections(self.dial, self._clock, max_idle=max_idle, idle_timeout_s=60.0)
        addresses = Addresses(None, backend.host)  # type: ignore[arg-type]  # an IP address is never resolved
        return Member(backend, connections, connections, addresses, WindowAverage(300.0))

    def dial(self, factory: Any, preface: bytes = b"") -> "Deferred[Any]":
        """A connection to this backend, as :data:`openprequal.upstream.connections.Dial`."""
        self.dialled += 1
        delay_s = self._connect_timeout_s if self._accepts is None else 0.0
        done: Deferred[Any] = Deferred(lambda _: arrival.cancel())
        arrival = self._clock.callLater(delay_s, self._arrived, self._accepts, factory, preface, done)
        return done

    def _arrived(self, accepts: bool | None, factory: Any, preface: bytes, done: "Deferred[Any]") -> None:
        if not accepts:
            done.errback(ConnectTimedOut() if accepts is None else self._refusal)
            return
        protocol = factory.buildProtocol(None)
        here = IPv4Address("TCP", self.backend.host, self.backend.port)
        transport = MemoryTransport(self._clock, protocol, GATEWAY, here)
        self.connections.append(RawConnection(self._clock, transport))
        protocol.makeConnection(transport)
        transport.write(preface)
        done.callback(protocol)


class MemoryNetwork:
    """A gateway between raw clients and raw backends.

    :ivar clock: drives everything; :meth:`wait` advances it and does what the gateway does from time to time.
    :ivar rate_limited: requests over a rate limit, by its name.
    :ivar turned_away: connections that there was no room for, by the limit they met.
    :ivar cut: connections ended because they took too long, by why.
    :ivar refused: statuses of the requests that were refused before they had an exchange.
    :ivar exchange: makes the exchange of a proxied request, for a frontend of another kind.
    :ivar service: the one service, with its balancer, members and counts.
    """

    def __init__(
        self,
        backends: int = 1,
        *,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        balancer: IBalancer | None = None,
        hooks: TrafficHooks | None = None,
        admin: Site | None = None,
        max_in_flight: int | None = None,
        queue_max: int = 0,
        max_idle: int = 16,
        max_connections: int = 1000,
        max_connections_per_client: int | None = None,
        trusted_proxies: tuple[Network, ...] = (),
        rate_limits: Sequence[RateRule] = (),
        clock: Clock | None = None,
        reports: ReportReader | None = None,
        strip_reports: bool = True,
        make_exchange: Callable[[Route, Downstream, RequestHead], Exchange] = Exchange,
        retries: RetryRules | None = None,
        retry_share: float = 0.2,
        limit: ConcurrencyLimit | None = None,
        sessions: Sessions | None = None,
        witnesses: Sequence[Witness] = (),
        **request_rules: Any,
    ) -> None:
        """
        :param backends: how many, all up.
        :param balancer: round robin unless given.
        :param trusted_proxies: networks of peers that are believed when they tell who the client is.
        :param clock: one that the hooks use too.
        :param reports: reads the backends' load reports; in every format unless given.
        :param strip_reports: reports are removed before clients see them.
        :param make_exchange: makes the exchange of a request where there are no hooks.
        :param retries: when another backend is tried; as the gateway does unless told otherwise, unless given.
        :param retry_share: see :class:`~openprequal.routing.service.Service`.
        :param limit: of all requests under way; none unless given.
        :param sessions: which requests belong together, without *limit*; none do unless given.
        :param witnesses: told of each request.
        :param request_rules: attributes of :class:`~openprequal.forwarding.request_head.RequestRules` to set.
        """
        self.clock = clock or Clock()
        self.refused: list[int] = []
        timeouts = timeouts or Timeouts()
        context = BalancerContext(self.clock, Random(1), ScriptedProbes(self.clock), {})
        options: dict[str, Any] = {
            "max_in_flight": max_in_flight,
            "queue_max": queue_max,
            "reports": reports,
            "retry_share": retry_share,
        }
        self.service: Service
        balancer = balancer or RoundRobin(context)
        if sessions is not None:
            self.service = StickyService("default", balancer, sessions=sessions, **options)
        elif limit is not None:
            self.service = LimitedService("default", balancer, limit=limit, **options)
        else:
            self.service = Service("default", balancer, **options)
        self.members: list[Member] = []
        self._backends: list[RawBackend] = []
        self._max_idle = max_idle
        for number in range(backends):
            self._join(RawBackend(self.clock, number, timeouts.connect_s))
        date = HttpDate(self.clock.seconds)
        rules: dict[str, Any] = {"pseudonym": PSEUDONYM, "request_ids": RequestIds(Random(1)), **request_rules}
        rules.setdefault("trusted_proxies", trusted_proxies)
        route = Route(
            now=self.clock.seconds,
            service=self.service,
            request_rules=RequestRules(**rules),
            response_rules=ResponseRules(
                via=Field(b"Via", b"1.1 " + PSEUDONYM), date=date, strip_reports=strip_reports
            ),
            timeouts=timeouts,
            retries=retries or RetryRules(),
        )

        def exchange(client: Downstream, request: RequestHead) -> Exchange:
            if witnesses:
                if hooks is None:
                    hedging = self.service.lateness is not None
                    return (RecordedHedgedExchange if hedging else RecordedExchange)(route, client, request)
                return RecordedHookedExchange(hooks, route, client, request)
            if hooks is None:
                if self.service.lateness is not None:
                    return HedgedExchange(route, client, request)
                return make_exchange(route, client, request)
            return HookedExchange(hooks, route, client, request)

        self.rate_limited: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        limited = RateLimits(rate_limits, trusted_proxies, limited=self.rate_limited, known=WeakValueDictionary())
        make: ProxyExchange = exchange
        if rate_limits:
            now, refused = self.clock.seconds, self.refused.append
            make = rate_limited(make, limited.wait_s, now=now, date=date, refused=refused)
        self.exchange = accompanied(make, witnesses, self.clock.seconds)
        self.site = GatewaySite(
            self.exchange,
            admin,
            limits or Limits(),
            now=self.clock.seconds,
            date=date,
            refused=self.refused.append,
            max_connections=max_connections,
            max_connections_per_client=max_connections_per_client,
            trusted=trusted_proxies,
            turned_away=self.turned_away,
            cut=self.cut,
        )

    def _join(self, raw: RawBackend) -> None:
        member = raw.member(max_idle=self._max_idle)
        self._backends.append(raw)
        self.members.append(member)
        self.service.add(member)
        self.service.up(raw.backend)

    def backend(self, number: int = 0) -> RawBackend:
        """One of the backends."""
        return self._backends[number]

    def client(self, host: str = CLIENT_HOST) -> RawConnection:
        """A new client, connected; if the gateway takes no more, its connection has ended at once."""
        peer = IPv4Address("TCP", host, 40000)
        protocol: Any = self.site.buildProtocol(peer)
        transport = MemoryTransport(self.clock, protocol, GATEWAY, peer)
        if protocol is None:
            transport.ended = Ended.FINISHED
        else:
            protocol.makeConnection(transport)
        return RawConnection(self.clock, transport)

    def wait(self, seconds: float) -> None:
        """Let time go by, with the sweeps for time-outs that the gateway makes."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            self.clock.advance(min(left, EXPIRE_EVERY_S))
            self.site.expire()
            self.clock.advance(0)

    @property
    def in_flight(self) -> int:
        """Requests outstanding at all backends, by the gateway's own count."""
        return sum(member.in_flight for member in self.members)

    @property
    def settled(self) -> dict[tuple[str, str], int]:
        """How many exchanges have settled, by method and status."""
        return self.service.tally.counts()
