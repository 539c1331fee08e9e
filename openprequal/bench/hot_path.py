"""What does a request cost in our own code, without the kernel and Twisted? In memory, for any number of backends."""

import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.defer import succeed
from zope.interface import implementer

from openprequal.balancing.catalogue import BALANCERS
from openprequal.balancing.shadow import Shadowed
from openprequal.forwarding.downstream import ProxyExchange
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.route import Route
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.limits import Limits
from openprequal.http1.fields import Field
from openprequal.interfaces import BalancerContext, IBalancer, IProbeTransport
from openprequal.metrics.window import WindowAverage
from openprequal.probing.overheard import Overheard
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.values import Backend, Ending, LoadReport, Outcome

CLIENTS: Final = 64
REPEATS: Final = 7
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
_ANSWER: Final = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 23 Nov 2026 08:00:00 GMT\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 100\r\nConnection: keep-alive\r\nOpenPrequal-Load: rif=%d, latency=0.00%d, state=ready\r\n\r\n"
)
ANSWERS: Final = [_ANSWER % (number % 16, 1000 + number) + b"x" * 100 for number in range(1000)]
REPORT: Final = LoadReport(2, 0.002)
OUTCOME: Final = Outcome(Ending.RESPONSE, 200, 0.002)
NOBODY: Final[frozenset[str]] = frozenset()


class _Transport:
    """Takes everything, at once."""

    disconnecting = False

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: None

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 1)


class _Clock:
    seconds = staticmethod(time.monotonic)


@implementer(IProbeTransport)
class _NoProbes:
    def probe(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None = None) -> None:
        """Reports on responses are enough here."""


class HotPath:
    """The data path over that many backends, all with a warm connection and a report."""

    def __init__(
        self,
        balancer: str,
        backends: int,
        *,
        exchanges: Callable[[Route], ProxyExchange] = lambda route: partial(Exchange, route),
        shadow: str | None = None,
    ) -> None:
        """
        :param exchanges: makes what makes exchanges.
        :param shadow: name of the balancer that is asked beside the other; None: none is.
        """
        clock: Any = _Clock()
        made: IBalancer = BALANCERS[balancer](BalancerContext(clock, Random(1), _NoProbes()))
        if shadow is not None:
            overheard = Overheard(clock)
            beside = BALANCERS[shadow](BalancerContext(clock, Random(3), overheard))
            made = Shadowed(made, beside, overheard, lambda backend: self.service.in_flight_at(backend))
        self.service = Service("default", made)
        for number in range(backends):
            backend = Backend(f"http://127.0.0.1:{10_000 + number}")
            connections = Connections(_dial, clock, max_idle=CLIENTS, idle_timeout_s=60.0)
            connections.connect(connections.give_back, _never)
            addresses = Addresses(None, backend.host)  # type: ignore[arg-type]  # an address is not looked up
            self.service.add(Member(backend, connections, connections, addresses, WindowAverage(300.0)))
            self.service.up(backend)
            made.reported(backend, REPORT)
        date = HttpDate(time.time)
        rules = RequestRules(b"bench", RequestIds(Random(2)))
        route = Route(time.monotonic, self.service, rules, ResponseRules(Field(b"Via", b"1.1 bench"), date))
        site = GatewaySite(
            exchanges(route),
            None,
            Limits(),
            now=time.monotonic,
            date=date,
            refused=_never,
            max_connections=CLIENTS,
        )
        self._clients: list[Any] = [site.buildProtocol(None) for _ in range(CLIENTS)]
        for client in self._clients:
            client.makeConnection(_Transport())

    def requests(self, count: int) -> None:
        """Whole requests, from the client's bytes to the client's bytes."""
        for number in range(count):
            client = self._clients[number % CLIENTS]
            client.dataReceived(REQUEST)
            client._exchange._connection.dataReceived(ANSWERS[number % 1000])

    def picks_alone(self, count: int) -> None:
        """The balancer's pick alone, among what it has heard just now."""
        pick = self.service.balancer.pick
        for _ in range(count):
            pick(None, NOBODY)  # type: ignore[arg-type]

    def picks(self, count: int) -> None:
        """Pick, assign, report and free alone."""
        service = self.service
        for _ in range(count):
            backend = service.pick(None, NOBODY)  # type: ignore[arg-type]  # nobody looks at the request here
            assert isinstance(backend, Backend)
            member = service.members[backend.id]
            service.assign(member)
            service.reported(member, REPORT, 0.0)
            service.free(member, OUTCOME)


def _dial(factory: Any) -> Any:
    protocol = factory.buildProtocol(None)
    protocol.makeConnection(_Transport())
    return succeed(protocol)


def _never(*arguments: object) -> None:
    raise AssertionError("nothing fails here")


def microseconds(work: Callable[[int], None], count: int, stopwatch: Callable[[], float] = time.perf_counter) -> float:
    """The least time of one of *count* over several repeats: what the rest of the machine does can only add to it."""
    work(count)
    least = float("inf")
    for _ in range(REPEATS):
        began = stopwatch()
        work(count)
        least = min(least, stopwatch() - began)
    return least / count * 1e6


def report(balancer: str, sizes: list[int], count: int) -> None:
    """Measure and print a line for each number of backends."""
    sys.stdout.write(f"{balancer}; least of {REPEATS} repeats of {count}\n")
    sys.stdout.write(f"{'backends':>9}{'request µs':>12}{'pick, assign, report, free µs':>32}{'pick µs':>9}\n")
    for size in sizes:
        # Each begins anew: what the balancer believes after the one would be the other's start.
        whole = microseconds(HotPath(balancer, size).requests, count)
        pick = microseconds(HotPath(balancer, size).picks, count)
        path = HotPath(balancer, size)
        path.requests(1000)
        # Short, because a report older than a second is no longer picked from.
        alone = min(microseconds(path.picks_alone, 1000) for _ in range(3))
        sys.stdout.write(f"{size:>9,}{whole:>12.2f}{pick:>32.2f}{alone:>9.2f}\n")
        sys.stdout.flush()
