"""Three times as many requests as the backends can serve: what is still served in time? In virtual time.

``python -m openprequal.bench faults --trial overloaded`` is the same on real sockets, where the machine has a say.
"""

from collections import deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple

import pytest
from twisted.internet.task import Clock

from openprequal.agent.work import ProcessorSharing
from openprequal.balancing.least_in_flight import LeastInFlight
from openprequal.interfaces import BalancerContext
from openprequal.routing.concurrency_limit import TICK_S, AdaptiveLimit
from openprequal.routing.limited_service import LimitedService
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.network import RawBackend
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, Outcome

WORK_S, FLEET = 0.02, 4
CAPACITY_PER_S = FLEET / WORK_S
SHARES = (1.0, 3.0, 0.8)
"""Of the capacity, in each phase."""
PHASE_S, QUEUE_S, DEADLINE_S = 7.0, 0.5, 1.0
NOBODY: frozenset[str] = frozenset()


class Asked(NamedTuple):
    """One request that has ended."""

    began: float
    ended: float
    served: bool


class Overload:
    """At capacity, then three times that, then a little less, for :data:`PHASE_S` each.

    :param more_s: what a response takes beyond the work, at a time: an answer that comes late, from an idle backend.
    """

    def __init__(self, seed: int, more_s: Callable[[float], float] = lambda now: 0.0) -> None:
        self.clock, self.rng = Clock(), Random(seed)
        self.asked: list[Asked] = []
        self.waiting: deque[Waiting] = deque()
        self._more_s = more_s
        balancer = LeastInFlight(BalancerContext(self.clock, self.rng, ScriptedProbes(self.clock), {}))
        self.service = LimitedService("s", balancer, limit=AdaptiveLimit(0.0), queue_max=100)
        self.servers = {self._join(number).id: ProcessorSharing(self.clock, 1.0) for number in range(FLEET)}
        self._every_tick()
        self._arrive()
        while self.clock.seconds() < 3 * PHASE_S:
            self.clock.advance(min(call.getTime() for call in self.clock.getDelayedCalls()) - self.clock.seconds())

    def goodput(self, phase: int) -> float:
        """Requests a second that ended well and in time, the first second of the phase aside."""
        began, ended = phase * PHASE_S + 1, (phase + 1) * PHASE_S
        good = [one for one in self.asked if one.served and one.ended - one.began <= DEADLINE_S]
        return sum(began <= one.ended < ended for one in good) / (ended - began)

    def serve(self, backend: Backend, began: float) -> None:
        member, sent = self.service.members[backend.id], self.clock.seconds()
        self.service.assign(member)

        def ended() -> None:
            self.service.free(member, Outcome(Ending.RESPONSE, 200, self.clock.seconds() - sent))
            self.asked.append(Asked(began, self.clock.seconds(), True))

        def worked(_: object) -> None:
            self.clock.callLater(self._more_s(self.clock.seconds()), ended)

        self.servers[backend.id].work(WORK_S).addCallback(worked)

    def _join(self, number: int) -> Backend:
        raw = RawBackend(self.clock, number, 1.0)
        self.service.add(raw.member())
        self.service.up(raw.backend)
        return raw.backend

    def _arrive(self) -> None:
        now = self.clock.seconds()
        if now:
            Waiting(self)
        share = SHARES[min(int(now / PHASE_S), len(SHARES) - 1)]
        self.clock.callLater(self.rng.expovariate(share * CAPACITY_PER_S), self._arrive)

    def _every_tick(self) -> None:
        now = self.clock.seconds()
        self.service.tick(now)
        while self.waiting and now - self.waiting[0].began > QUEUE_S:
            self.waiting.popleft().give_up()
        self.clock.callLater(TICK_S, self._every_tick)


class Waiting:
    """A request, from its arrival to its place."""

    def __init__(self, overload: Overload) -> None:
        self.began = overload.clock.seconds()
        self._overload = overload
        self._waits = False
        self.slot_free()

    def slot_free(self) -> None:
        overload = self._overload
        picked = overload.service.pick(AnyRequest(), NOBODY)
        if isinstance(picked, Backend):
            self._waits = False
            overload.serve(picked, self.began)
        elif overload.service.enqueue(self):
            self._waits = True
            overload.waiting.append(self)
        else:
            overload.asked.append(Asked(self.began, overload.clock.seconds(), False))

    def give_up(self) -> None:
        """It has waited long enough."""
        if self._waits:
            self._overload.service.dequeue(self)
            self._overload.asked.append(Asked(self.began, self._overload.clock.seconds(), False))


@pytest.mark.parametrize("seed", range(3))
def test_goodput_under_overload_is_that_at_capacity_and_a_second_later_all_is_well(seed: int) -> None:
    overload = Overload(seed)
    assert overload.goodput(1) >= 0.97 * overload.goodput(0)
    later = [one for one in overload.asked if one.began >= 2 * PHASE_S + 1]
    assert all(one.served and one.ended - one.began <= DEADLINE_S for one in later)


@pytest.mark.parametrize("seed", range(3))
def test_latency_that_is_not_the_backends_queues_does_not_keep_the_limit_down(seed: int) -> None:
    overload = Overload(seed, lambda now: 1.5 * WORK_S if PHASE_S <= now < 2 * PHASE_S else 0.0)
    assert overload.goodput(1) >= 0.8 * overload.goodput(0)
