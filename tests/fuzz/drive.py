"""One case, put through the real gateway: who moves when, and what each side then has."""

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.task import Clock, deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer

from openprequal.forwarding.hooked_exchange import TrafficHooks
from openprequal.frontend.limits import Limits
from openprequal.interfaces import IHookRequest, IHookResponse, IRequest
from openprequal.testing.memory_transport import Ended, RawConnection
from openprequal.testing.network import MemoryNetwork
from tests.fuzz.case import Case, End, pieces
from tests.fuzz.scripted_backend import Hearing, ScriptedBackend, Served

WITNESS_REQUEST = b"GET /witness-%d HTTP/1.1\r\nHost: w\r\n\r\n"
MAX_WITNESSES = 3


@define
class Observation:
    """What a case did."""

    client: bytes = b""
    """What the client received."""
    quiet_end: Ended | None = None
    """How its connection had ended once all was sent and before time went by."""
    end: Ended | None = None
    busy: bool = False
    """Something was still under way by then."""
    served: list[Served] = field(factory=list)
    complaints: list[str] = field(factory=list)


def _idle_hooks(clock: Clock) -> TrafficHooks:
    """Hooks that take a moment and change nothing."""

    def request(request: IHookRequest) -> object:
        return deferLater(clock, 0)

    def response(request: IRequest, response: IHookResponse) -> object:
        return deferLater(clock, 0)

    return TrafficHooks(clock, 1.0, lambda name: None, request=request, response=response)


class _Run:
    """A case under way."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.seen = Observation()
        self.rng = Random(case.schedule)
        clock = Clock()
        self.network = MemoryNetwork(
            2 if case.dial == "flaky" else 1,
            limits=Limits(**case.limits),
            max_in_flight=case.room,
            queue_max=4,
            hooks=_idle_hooks(clock) if case.hooks else None,
            clock=clock,
        )
        if case.dial in ("refuse", "flaky"):
            self.network.backend(0).refuse()
        elif case.dial == "hang":
            self.network.backend(0).hang()
        self.exchanges: list[Any] = []
        self.started = self.finished = 0
        self._watch()
        self.hearing = hearing = Hearing(
            list(case.answers), self.seen.served, self.seen.complaints, slow="backend" in case.slow
        )
        count = len(self.network.members)
        self.backends = [ScriptedBackend(self.network.backend(number), hearing) for number in range(count)]
        self.client = self.network.client()
        self.unsent = pieces(case.client, case.cuts)
        self.witness = self.network.client("192.0.2.9")
        self.has_witness = case.witness and not case.limits and case.dial in ("accept", "flaky")
        self.witnessed = 0

    def _watch(self) -> None:
        """Remember every exchange, and every assignment to a backend."""
        site: Any = self.network.site
        balancer: Any = self.network.service.balancer
        proxy, started, finished = site._proxy, balancer.started, balancer.finished

        def remember(client: Any, head: Any) -> Any:
            self.exchanges.append(proxy(client, head))
            return self.exchanges[-1]

        def count_started(backend: Any) -> None:
            self.started += 1
            started(backend)

        def count_finished(backend: Any, outcome: Any) -> None:
            self.finished += 1
            finished(backend, outcome)

        site._proxy, balancer.started, balancer.finished = remember, count_started, count_finished

    # ---- moves ------------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        self.network.clock.advance(0)

    def _moves(self) -> list[Callable[[], None]]:
        moves = [move for backend in self.backends for move in backend.moves()]
        if self.unsent:
            moves.append(lambda: self.client.post(self.unsent.pop(0)))
        return moves

    def _play(self) -> None:
        """Let everybody move until nobody can."""
        calm = not self.case.schedule
        while True:
            moves = self._moves()
            if not moves:
                self.turn()
                moves = self._moves()
                if not moves:
                    return
            if calm:
                moves[0]()
                self.turn()
                continue
            if self._asks_witness():
                self._ask_witness()
            self.rng.choice(moves)()
            if self.rng.random() < 0.6:
                self.turn()

    def _asks_witness(self) -> bool:
        return self.has_witness and self.witnessed < MAX_WITNESSES - 1 and self.rng.random() < 0.1

    def _ask_witness(self) -> None:
        self.witness.post(WITNESS_REQUEST % self.witnessed)
        self.witnessed += 1

    def run(self) -> None:
        if "client" in self.case.slow:
            self.client.stop_reading()
        self._play()
        self.hearing.slow = False
        for backend in self.backends:
            backend.read_on()
        self.client.read_on()
        self._play()
        self._late()
        if self.has_witness and not (self.case.room and self.network.site.busy):
            self._ask_witness()
            self._play()
            self._check_witness()
        self.seen.quiet_end = self.client.ended
        self.seen.busy = bool(self.network.site.busy)
        self._end()

    def _late(self) -> None:
        if self.network.site.busy:
            return
        for backend in self.backends:
            backend.send_late(self.turn)

    # ---- what must hold at the end ----------------------------------------------------------------------------------

    def _check_witness(self) -> None:
        received = self.witness.received
        parts = received.split(b"HTTP/1.1 200 OK\r\n")[1:]
        bodies = [part.partition(b"\r\n\r\n")[2] for part in parts]
        if bodies != [b"/witness-%d" % number for number in range(self.witnessed)]:
            self.seen.complaints.append(f"the witness received {received!r}")

    def _settled(self, client: RawConnection) -> bool:
        """Has every exchange of *client* settled?"""
        protocol = client._transport.protocol
        return all(exchange._settled for exchange in self.exchanges if exchange._client is protocol)

    def _end(self) -> None:
        network, complaints = self.network, self.seen.complaints
        if self.case.end == End.RESET:
            self.client.reset()
        elif self.case.end == End.CLOSE:
            self.client.close()
        if not self.client._transport.connected and not self._settled(self.client):
            complaints.append("the client is gone, but a request is in flight")
        for _ in range(20):  # each of several pipelined requests may have to wait for its time-out
            if not network.site.connections and not any(member.connections._open for member in network.members):
                break
            network.clock.advance(80)
            network.site.expire()
            self.turn()
            for member in network.members:
                member.connections.expire(network.clock.seconds())
            self.turn()
        self.seen.client, self.seen.end = self.client.received, self.client.ended
        if network.in_flight:
            complaints.append(f"{network.in_flight} in flight at the end")
        if self.started != self.finished:
            complaints.append(f"{self.started} attempts started, {self.finished} finished")
        if not all(exchange._settled for exchange in self.exchanges):
            complaints.append("an exchange has not settled")
        if network.site.connections:
            complaints.append("a client connection is open at the end")
        if sum(network.settled.values()) != len(self.exchanges):
            complaints.append(f"{len(self.exchanges)} exchanges, {network.settled} settled")
        if any(member.connections._open for member in network.members):
            complaints.append("a backend connection is open at the end")


def run(case: Case) -> Observation:
    """Put *case* through a new gateway."""
    failures: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "log_failure" in event or event.get("isError"):
            failures.append(event)

    globalLogPublisher.addObserver(observe)
    under_way = _Run(case)
    try:
        under_way.run()
    except Exception as error:
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        where = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else ""
        under_way.seen.complaints.append(f"raised {error!r} at {where}")
    finally:
        globalLogPublisher.removeObserver(observe)
    under_way.seen.complaints += [f"logged {event.get('log_failure')}" for event in failures]
    return under_way.seen
