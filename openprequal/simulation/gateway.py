"""A simulated gateway: which backend does a request go to, and what does the balancer hear of it?"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

from attrs import define
from twisted.internet.defer import Deferred
from zope.interface import implementer

from openprequal.interfaces import IBalancer, IProbeTransport, IRequest
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.replica import Replica, Serve
from openprequal.values import Backend, Ending, LoadReport, Outcome

PROBE_TIMEOUT_S = 0.1
"""As the real transport's (``probing/http_probe.py``)."""

NOBODY = 503
TIMED_OUT = 504
"""Statuses of the gateway's own: nobody may be picked, the deadline was over."""

_TIMED_OUT = Outcome(Ending.TIMEOUT, None, None)

Settled = Callable[["SimulatedRequest", int, float], None]
"""Request, status, and seconds since it was sent by its client."""


@implementer(IRequest)
@define
class SimulatedRequest:
    """What a balancer sees of a request, and what it is worth."""

    number: int
    work_s: float
    client: str = "192.0.2.1"
    method: bytes = b"GET"
    target: bytes = b"/"
    path: bytes = b"/"
    fields: Sequence[tuple[bytes, bytes]] = ()

    def header(self, name: bytes) -> bytes | None:
        """See :class:`~openprequal.interfaces.IRequest`."""
        return None


@implementer(IProbeTransport)
class SimulatedProbes:
    """Probes of one gateway, over a network with a round trip of *round_trip_s*; at most one that is not for a request
    of its own is under way to a backend, as by the real transport
    (:class:`~openprequal.testing.probe_transport_contract.ProbeTransportContract`).

    :ivar sent: how many went out.
    """

    def __init__(self, clock: VirtualClock, replicas: Mapping[str, Replica], round_trip_s: float) -> None:
        self.sent = 0
        self._clock = clock
        self._replicas = replicas
        self._half_s = round_trip_s / 2
        self._under_way: set[str] = set()

    def probe(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None = None) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`."""
        if hint is None:
            if backend.id in self._under_way:
                self._clock.after(0.0, answered, None)
                return
            self._under_way.add(backend.id)
        self.sent += 1
        self._clock.after(self._half_s, self._arrived, backend, answered, hint)

    def _arrived(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None) -> None:
        replica = self._replicas.get(backend.id)
        report = replica.report() if replica is not None else None
        left_s = self._half_s if report is not None else PROBE_TIMEOUT_S - self._half_s
        self._clock.after(left_s, self._over, backend, answered, hint, report)

    def _over(
        self,
        backend: Backend,
        answered: Callable[[LoadReport | None], None],
        hint: bytes | None,
        report: LoadReport | None,
    ) -> None:
        if hint is None:
            self._under_way.discard(backend.id)
        answered(report)


class SimulatedGateway:
    """One proxy process: a balancer of its own, and no knowledge of the other proxies."""

    def __init__(
        self,
        clock: VirtualClock,
        balancer: IBalancer,
        replicas: Mapping[str, Replica],
        settled: Settled,
        *,
        round_trip_s: float,
        deadline_s: float | None = None,
        phase: float = 0.0,
        streams: bool = False,
    ) -> None:
        """:param phase: from 0 to 1: when, within the balancer's interval, its ticks are; no two gateways agree.
        :param streams: responses begin before they end; latencies are to their beginning.
        """
        self.balancer = balancer
        self._clock = clock
        self._replicas = replicas
        self._settled = settled
        self._half_s = round_trip_s / 2
        self._deadline_s = deadline_s
        self._waiting: deque[_Exchange] = deque()
        self._streams = streams
        self.in_flight: Counter[str] = Counter()
        """Requests that this gateway has outstanding, by backend id."""
        tick = getattr(balancer, "tick", None)
        if tick is not None:
            self._tick_s: float = getattr(balancer, "tick_interval_s", 0.1)
            clock.after(self._tick_s * (1.0 - phase), self._tick, tick)

    def request(self, request: SimulatedRequest) -> None:
        """A client sends *request*."""
        picked = self.balancer.pick(request, ())
        if picked.__class__ is Backend:
            self._send(request, picked, self._clock.now)
        elif picked is None:
            self._settled(request, NOBODY, 0.0)
        else:
            now = self._clock.now
            picked.whenPicked(lambda backend: self._picked(request, backend, now))  # type: ignore[union-attr]

    def _picked(self, request: SimulatedRequest, backend: Backend | None, came_s: float) -> None:
        if backend is None:
            self._settled(request, NOBODY, self._clock.now - came_s)
        else:
            self._send(request, backend, came_s)

    def _send(self, request: SimulatedRequest, backend: Backend, came_s: float) -> None:
        self.balancer.started(backend)
        self.in_flight[backend.id] += 1
        exchange = _Exchange(self, request, self._replicas[backend.id], came_s)
        if self._deadline_s is not None:
            if not self._waiting:
                self._clock.after(self._deadline_s, self._expire)
            self._waiting.append(exchange)
        self._clock.after(self._half_s, exchange.arrive)

    def _tick(self, tick: "Callable[[], Deferred[None] | None]") -> None:
        tick()
        self._clock.after(self._tick_s, self._tick, tick)

    def _expire(self) -> None:
        assert self._deadline_s is not None
        waiting, now = self._waiting, self._clock.now
        # Most have been answered long ago, so that there are far fewer of these calls than requests.
        while waiting and (waiting[0].settled or waiting[0].came_s + self._deadline_s <= now + 1e-9):
            waiting.popleft().expire()
        if waiting:
            self._clock.after(waiting[0].came_s + self._deadline_s - now, self._expire)


class _Exchange:
    """One request, from the balancer's choice to its answer."""

    __slots__ = ("_begun_s", "_gateway", "_left", "_replica", "_request", "_sent_s", "_serve", "came_s", "settled")

    def __init__(self, gateway: SimulatedGateway, request: SimulatedRequest, replica: Replica, came_s: float) -> None:
        self.came_s = came_s
        self._gateway = gateway
        self._request = request
        self._replica = replica
        self._sent_s = gateway._clock.now
        self._begun_s: float | None = None
        self._serve: Serve | None = None
        self.settled = False
        self._left = False
        replica.expected += 1

    def arrive(self) -> None:
        if not self.settled:
            begun = self._began if self._gateway._streams else None
            self._serve = self._replica.arrive(self._request.work_s, self._answered, begun)

    def _began(self) -> None:
        """The first byte is on its way."""
        self._begun_s = self._gateway._clock.now + self._gateway._half_s

    def _answered(self, status: int, report: LoadReport | None) -> None:
        self._leave()
        self._serve = None  # which knows this exchange: a circle would be garbage that counting does not find
        gateway = self._gateway
        gateway._clock.after(gateway._half_s, self._heard, status, report)

    def _heard(self, status: int, report: LoadReport | None) -> None:
        if self.settled:
            return
        self.settled = True
        gateway = self._gateway
        balancer, backend, now = gateway.balancer, self._replica.backend, gateway._clock.now
        if report is not None:
            balancer.reported(backend, report)
        gateway.in_flight[backend.id] -= 1
        head_s = now if self._begun_s is None else self._begun_s
        balancer.finished(backend, Outcome(Ending.RESPONSE, status, head_s - self._sent_s))
        gateway._settled(self._request, status, head_s - self.came_s)

    def expire(self) -> None:
        """The deadline is over: nobody waits any more, neither here nor at the replica."""
        if self.settled:
            return
        self.settled = True
        self._leave()
        serve, self._serve = self._serve, None
        if serve is not None:
            serve.give_up()
        gateway = self._gateway
        gateway.in_flight[self._replica.backend.id] -= 1
        gateway.balancer.finished(self._replica.backend, _TIMED_OUT)
        gateway._settled(self._request, TIMED_OUT, gateway._clock.now - self.came_s)

    def _leave(self) -> None:
        """It is no longer the replica's."""
        if not self._left:
            self._left = True
            self._replica.expected -= 1
