"""What does the dashboard show at this moment, and what of it is news to those who saw the last one?

A snapshot is a JSON object::

    {"now": 1234.5, "full": false,
     "who": {"7": {...}}, "load": [[7, ...]], "gone": [3],
     "services": {"default": {...}}, "history": {"default": [[...]]}, "events": [...]}

``who`` has what changes seldom of a backend, by a number that is its own as long as somebody looks; ``load`` what
changes all the time (:data:`~openprequal.dashboard.backends_shown.LOAD`). Both hold only the backends for which it has
changed, and all of them if ``full``. Moments are seconds on the gateway's clock, which says ``now``. Everything that a
backend or a caller has said is text to be shown, never markup.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from openprequal.admin.backend_rows import estimates_of
from openprequal.dashboard.backends_shown import BackendsShown
from openprequal.dashboard.history import KEPT, History
from openprequal.dashboard.json_text import array_of, json_text, object_of
from openprequal.dashboard.pool import pool_of
from openprequal.health.standing import Standing
from openprequal.metrics.families import ServiceSample
from openprequal.routing.service import Service

SLICE: Final = 50
"""Backends that are looked at in one turn of the reactor: about a millisecond."""
MOST_EVENTS: Final = 200
"""That are shown."""

Events = Callable[[int], tuple[Sequence[object], int]]
"""Those after a number, and the number of the last one."""


@frozen
class Looked:
    """Where a snapshot looks."""

    services: Mapping[str, Service]
    standings: Mapping[str, Standing]
    """By id of the backend."""
    samples: Callable[[], Iterable[ServiceSample]]
    """What the metrics say of each service."""
    history: History
    balancers: Callable[[], Iterable[Mapping[str, object]]]
    """``service``, ``balancer``, ``parameters`` and ``by`` of each service's balancer (``rebalancing.py``)."""
    events: Events = lambda after: ((), 0)


class Snapshots:
    """Makes one snapshot after the other, each the difference to the one before.

    With many backends that is done in as many turns of the reactor as it takes, so that no request waits for it. Each
    piece of text is made once, however many look: :meth:`full` puts together what is there.
    """

    def __init__(self, clock: IReactorTime, looked: Looked) -> None:
        self._clock = clock
        self._looked = looked
        self._backends = BackendsShown()
        self._history: dict[str, deque[str]] = {}
        self._sample = 0
        self._event = 0
        self._now = 0.0
        self._services: dict[str, str] = {}

    def next(self) -> "Deferred[bytes]":
        """What is new since the last one; the first has all there is."""
        return Deferred.fromCoroutine(self._next())

    def full(self) -> bytes:
        """The last one as those need it who have seen none before."""
        who, load = self._backends.all()
        return self._assembled(True, who, load, [], self._history, self._looked.events(0)[0])

    async def _next(self) -> bytes:
        backends = self._backends
        backends.begin()
        gone = backends.forget(await self._look_at_backends())
        services = await self._look_at_services()
        history = await self._new_samples()
        events, self._event = self._looked.events(self._event)
        self._now, self._services = self._clock.seconds(), services
        return self._assembled(False, backends.who, backends.load, gone, history, events)

    async def _look_at_backends(self) -> set[str]:
        """The ids of those there are."""
        seen: set[str] = set()
        for service in list(self._looked.services.values()):
            estimates = estimates_of(service)
            members = list(service.members.values())
            if len(members) > SLICE:
                await self._turn()
            for start in range(0, len(members), SLICE):
                now = self._clock.seconds()
                for member in members[start : start + SLICE]:
                    key = member.backend.id
                    seen.add(key)
                    self._backends.look_at(member, self._looked.standings.get(key), estimates.get(key), now)
                await self._turn()
        return seen

    async def _look_at_services(self) -> dict[str, str]:
        """Each service as JSON."""
        services: dict[str, str] = {}
        balancers = {row["service"]: row for row in self._looked.balancers()}
        for sample in list(self._looked.samples()):  # services may come and go between two turns
            name = sample.service
            found = self._looked.services.get(name)
            if found is not None and name in balancers:
                services[name] = json_text(self._service(found, sample, balancers[name]))
                await self._turn()
        return services

    async def _new_samples(self) -> dict[str, list[str]]:
        """The samples that are news, as JSON; with those before they are kept for :meth:`full`."""
        history = self._looked.history.after(self._sample)
        self._sample = self._looked.history.last
        told: dict[str, list[str]] = {}
        for name, samples in history.items():
            told[name] = [json_text(sample) for sample in samples]
            self._history.setdefault(name, deque(maxlen=KEPT)).extend(told[name])
            if len(samples) > 1:
                await self._turn()
        for name in self._history.keys() - history.keys():
            del self._history[name]
        return told

    def _turn(self) -> "Deferred[None]":
        return deferLater(self._clock, 0)

    def _service(self, service: Service, sample: ServiceSample, balancer: Mapping[str, object]) -> dict[str, object]:
        return {
            "balancer": balancer["balancer"],
            "parameters": balancer["parameters"],
            "by": balancer["by"],
            "picks": sample.pick_counts,
            "probes": sample.probe_results,
            "queued": sample.queue_length,
            "panic": sample.panic,
            "limit": sample.limit,
            "ejections": sample.ejections,
            "retries": sample.retries,
            "retries_refused": sample.retries_refused,
            "reports_ignored": sample.reports_ignored,
            "pool": pool_of(service, self._backends.number_of),
        }

    def _assembled(
        self,
        full: bool,
        who: Iterable[str],
        load: Iterable[str],
        gone: list[int],
        history: Mapping[str, Iterable[str]],
        events: Sequence[object],
    ) -> bytes:
        members = {
            "now": json_text(round(self._now, 3)),
            "full": json_text(full),
            "who": f"{{{','.join(who)}}}",
            "load": array_of(load),
            "gone": json_text(gone),
            "services": object_of(self._services),
            "history": object_of({name: array_of(samples) for name, samples in history.items()}),
            "events": json_text(events),
        }
        return object_of(members).encode("ascii")
