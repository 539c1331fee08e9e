"""A sticky service with two backends, and requests that wait in it."""

from random import Random

from twisted.internet.task import Clock

from openprequal.balancing.least_in_flight import LeastInFlight
from openprequal.interfaces import BalancerContext
from openprequal.routing.concurrency_limit import FixedLimit
from openprequal.routing.member import Member
from openprequal.routing.session_table import SessionTable
from openprequal.routing.sticky_service import LimitedStickyService, StickyService
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome, ReportWay

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.1)
NOBODY: frozenset[str] = frozenset()


class Waiting:
    """A request in the queue; where it went, once it had its turn."""

    def __init__(self, case: "Case", client: str) -> None:
        self.request = AnyRequest(client=client)
        self.went: Backend | None = None
        self.turns = 0
        self._case = case

    def slot_free(self) -> None:
        self.turns += 1
        self.went = self._case.begin(self.request.client)


class Case:
    """A service with two members that have room for two requests each."""

    def __init__(self, limit: int | None = None) -> None:
        self.clock = Clock()
        balancer = LeastInFlight(BalancerContext(self.clock, Random(1), ScriptedProbes(self.clock), {}))
        sessions = SessionTable(None, self.clock.seconds, idle_s=600.0, most=100)
        self.service: StickyService
        if limit is None:
            self.service = StickyService("s", balancer, max_in_flight=2, queue_max=8, sessions=sessions)
        else:
            self.service = LimitedStickyService(
                "s", balancer, max_in_flight=2, queue_max=8, sessions=sessions, limit=FixedLimit(limit)
            )
        self.members = [self.join(number) for number in range(2)]
        self.one, self.other = (member.backend for member in self.members)

    def join(self, number: int) -> Member:
        raw = RawBackend(self.clock, number, 1.0)
        member = raw.member()
        self.service.add(member)
        self.service.up(raw.backend)
        return member

    def picked(self, client: str, tried: frozenset[str] = NOBODY) -> Backend | None:
        picked = self.service.pick(AnyRequest(client=client), tried)
        assert picked is None or isinstance(picked, Backend)
        return picked

    def begin(self, client: str) -> Backend | None:
        """A request of *client* is sent where it is picked."""
        picked = self.picked(client)
        if picked is not None:
            self.service.assign(self.service.members[picked.id])
        return picked

    def end(self, backend: Backend) -> None:
        member = next(each for each in self.members if each.backend is backend)
        self.service.free(member, ANSWERED)

    def bind(self, client: str, backend: Backend) -> None:
        self.service.sessions.placed(AnyRequest(client=client), backend.id)  # type: ignore[union-attr]

    def wait(self, client: str) -> Waiting:
        """A request that found no room waits."""
        assert self.picked(client) is None
        waiting = Waiting(self, client)
        assert self.service.saturated
        assert self.service.enqueue(waiting)
        return waiting

    def drain(self, backend: Backend) -> None:
        """It says that it drains, and may not be picked any more."""
        member = self.service.members[backend.id]
        self.service.noted(member, LoadReport(0.0, None, LoadState.DRAINING), 0.0, ReportWay.IN_BAND)
        self.service.down(backend)
