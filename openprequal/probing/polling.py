"""Whose turn is it to be asked for its load, when everyone is asked at regular intervals?"""

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import Generic, Protocol, TypeVar

from openprequal.interfaces import IProbeTransport
from openprequal.values import Backend, LoadReport


class _Pollable(Protocol):
    id: str
    backend: Backend
    is_up: bool


Polled = TypeVar("Polled", bound=_Pollable)


class Polling(Generic[Polled]):
    """Asks each member once in every interval, one after the other, evenly spread over it, traffic or not.

    A new member is asked next. Where that would be more than *per_second* probes, the round takes longer.

    ``results`` counts probes by what became of them, as :class:`~openprequal.probing.prober.Prober` does.
    """

    def __init__(
        self,
        transport: IProbeTransport,
        ended: Callable[[Polled, LoadReport | None], None],
        *,
        interval_s: float,
        per_second: float = inf,
    ) -> None:
        """:param ended: a member that is still up answered, or (None) did not.
        :param interval_s: infinite: nobody is asked.
        """
        self.results = {"sent": 0, "answered": 0, "unanswered": 0, "discarded": 0}
        self._transport = transport
        self._ended = ended
        self._interval_s = interval_s
        self._per_second = per_second
        # In the order of their turns, by id, since those who leave are anywhere in it.
        self._new: OrderedDict[str, Polled] = OrderedDict()
        self._waiting: OrderedDict[str, Polled] = OrderedDict()
        self._owed = 0.0
        self._ticked_s: float | None = None

    def add(self, member: Polled) -> None:
        """Harmless if it is there."""
        if member.id not in self._waiting:
            self._new[member.id] = member

    def discard(self, member: Polled) -> None:
        """Harmless if it is not there."""
        self._new.pop(member.id, None)
        self._waiting.pop(member.id, None)

    def tick(self, now_s: float) -> None:
        """Ask those whose turn it is; call several times within the interval."""
        passed_s = 0.0 if self._ticked_s is None else now_s - self._ticked_s
        self._ticked_s = now_s
        count = len(self._new) + len(self._waiting)
        # Nobody is asked twice at once, however long ago the last tick was.
        self._owed = min(count, self._owed + passed_s * min(count / self._interval_s, self._per_second))
        # Sums of fractions fall short of a whole by a rounding error.
        for _ in range(int(self._owed + 1e-9)):
            self._owed -= 1.0
            _, member = (self._new or self._waiting).popitem(last=False)
            self._waiting[member.id] = member
            self._ask(member)

    def _ask(self, member: Polled) -> None:
        self.results["sent"] += 1

        def answered(report: LoadReport | None) -> None:
            if not member.is_up:
                self.results["discarded"] += 1
                return
            self.results["unanswered" if report is None else "answered"] += 1
            self._ended(member, report)

        self._transport.probe(member.backend, answered)
