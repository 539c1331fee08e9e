"""A service with a limit on all its requests under way: those beyond wait in its queue or are refused (503)."""

from typing import Any

from openprequal.explanations import PickExplanation
from openprequal.interfaces import IPending, IRequest
from openprequal.routing.concurrency_limit import ConcurrencyLimit
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.values import Backend, Outcome


class LimitedService(Service):
    """A :class:`Service` that sheds load before latency explodes at its backends.

    A pick that waits for probes (sync mode) has no place yet: those of one round of probes may exceed the limit.

    A kind of its own, so that a service without such a limit pays nothing for it.

    :ivar limit: how many may be under way.
    :ivar in_flight: how many are.
    """

    def __init__(self, *arguments: Any, limit: ConcurrencyLimit, **options: Any) -> None:
        """The others are those of :class:`Service`."""
        super().__init__(*arguments, **options)
        self.limit = limit
        self.in_flight = 0
        self._reached = False

    def pick(self, request: IRequest, tried: frozenset[str]) -> Backend | IPending | None:
        """As of any service; None too if the limit is reached.

        A request that was tried has had a place, and keeps it.
        """
        if not tried and self.in_flight >= self.limit.allowed:
            self._reached = True
            return None
        return super().pick(request, tried)

    def explain(self, request: IRequest, tried: frozenset[str] = frozenset()) -> PickExplanation:
        if not tried and self.in_flight >= self.limit.allowed:
            because = f"its service has {self.in_flight} requests under way, and may have {self.limit.allowed}"
            return PickExplanation(picked=None, reason=None, compares="", because=because)
        return super().explain(request, tried)

    @property
    def most(self) -> int:
        """How many may be under way, those of other processes that share the limit included."""
        return self.limit.allowed

    @property
    def saturated(self) -> bool:
        return super().saturated or self.in_flight >= self.limit.allowed

    def assign(self, member: Member) -> None:
        self.in_flight += 1
        super().assign(member)

    def free(self, member: Member, outcome: Outcome) -> None:
        self.in_flight -= 1
        self.limit.finished(outcome)
        super().free(member, outcome)

    def tick(self, now: float) -> None:
        """Called every ``concurrency_limit.TICK_S``: the limit may have changed."""
        self.limit.tick(now, reached=self._reached or bool(self._queue))
        self._reached = False
        self._serve_queue(len(self._queue))

    def _serve_queue(self, at_most: int) -> None:
        # Whoever is called without a place would queue again, behind the others.
        super()._serve_queue(min(at_most, max(0, self.limit.allowed - self.in_flight)))
