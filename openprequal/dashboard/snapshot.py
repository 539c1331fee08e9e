"""What does the dashboard show at this moment, and what of it is news to those who saw the last one?

A snapshot is a JSON object::

    {"now": 1234.5, "full": false,
     "who": {"7": {...}}, "load": [[7, ...]], "gone": [3],
     "services": {"default": {...}}, "history": {"default": [[...]]}, "events": [...]}

``who`` has what changes seldom of a backend, by a number that is its own as long as somebody looks; ``load`` what
changes all the time, in the order of :data:`LOAD`. Both hold only the backends for which it has changed, and all of
them if ``full``. Moments are seconds on the gateway's clock, which says ``now``. Everything that a backend or a caller
has said is text to be shown, never markup.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Any, Final

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from openprequal.admin.backend_rows import estimates_of, load_row, standing_row
from openprequal.admin.views import json_bytes
from openprequal.balancing.explanation import Considered, PickExplanation
from openprequal.dashboard.history import KEPT, History
from openprequal.health.standing import Standing
from openprequal.metrics.families import ServiceSample
from openprequal.probing.estimate import HELD_BACK
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.values import Backend

WHO: Final = (
    *("url", "service", "weight", "priority", "zone", "heartbeat_seconds"),
    *("up", "condition", "reason", "ejections"),
)
LOAD: Final = ("in_flight", "picks", "average_latency", "rif", "latency", "state", "load_source", "report_age")
_STANDING_OF: Final = attrgetter(*Standing.__slots__)
_LOAD_OF: Final = itemgetter(*LOAD[:-1])
SLICE: Final = 50
"""Backends that are looked at in one turn of the reactor: about a millisecond."""
_encoded: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

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


class _Shown:
    """One backend as it was shown last, as text."""

    __slots__ = ("load", "load_text", "number", "standing", "who", "who_text")

    def __init__(self, number: int) -> None:
        self.number = number
        self.standing: object = None
        """All that its row was made of; most of it seldom changes, and making the row takes longer than looking."""
        self.who: object = None
        self.who_text = ""
        self.load: object = None
        self.load_text = ""


class Snapshots:
    """Makes one snapshot after the other, each the difference to the one before.

    With many backends that is done in as many turns of the reactor as it takes, so that no request waits for it. Each
    piece of text is made once, however many look: :meth:`full` puts together what is there.
    """

    def __init__(self, clock: IReactorTime, looked: Looked) -> None:
        self._clock = clock
        self._looked = looked
        self._shown: dict[str, _Shown] = {}
        self._numbers = 0
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
        shown = self._shown.values()
        who = [each.who_text for each in shown]
        load = [each.load_text for each in shown]
        return self._assembled(True, who, load, [], self._history, self._looked.events(0)[0])

    async def _next(self) -> bytes:
        who: list[str] = []
        load: list[str] = []
        seen: set[str] = set()
        for service in list(self._looked.services.values()):
            estimates = estimates_of(service)
            members = list(service.members.values())
            if len(members) > SLICE:
                await self._turn()
            for start in range(0, len(members), SLICE):
                now = self._clock.seconds()
                for member in members[start : start + SLICE]:
                    seen.add(member.backend.id)
                    self._look_at(member, estimates.get(member.backend.id), now, who, load)
                await self._turn()
        gone = [self._shown.pop(key).number for key in self._shown.keys() - seen]
        services: dict[str, str] = {}
        balancers = {row["service"]: row for row in self._looked.balancers()}
        for sample in list(self._looked.samples()):  # services may come and go between two turns
            name = sample.service
            found = self._looked.services.get(name)
            if found is not None and name in balancers:
                services[name] = _plain(self._service(found, sample, balancers[name]))
                await self._turn()
        history = self._looked.history.after(self._sample)
        self._sample = self._looked.history.last
        told: dict[str, list[str]] = {}
        for name, samples in history.items():
            told[name] = [_plain(sample) for sample in samples]
            self._history.setdefault(name, deque(maxlen=KEPT)).extend(told[name])
            if len(samples) > 1:
                await self._turn()
        for name in self._history.keys() - history.keys():
            del self._history[name]
        events, self._event = self._looked.events(self._event)
        self._now, self._services = self._clock.seconds(), services
        return self._assembled(False, who, load, gone, told, events)

    def _turn(self) -> "Deferred[None]":
        return deferLater(self._clock, 0)

    def _look_at(self, member: Member, estimate: Any, now: float, who: list[str], load: list[str]) -> None:
        backend = member.backend
        shown = self._shown.get(backend.id)
        if shown is None:
            self._numbers += 1
            shown = self._shown[backend.id] = _Shown(self._numbers)
        standing = self._looked.standings.get(backend.id)
        made_of = (backend, *_STANDING_OF(standing)) if standing is not None else backend
        if made_of != shown.standing:
            shown.standing = made_of
            self._stand(shown, backend, standing, now, who)
        row = load_row(member, estimate, now)
        # So does the age of a report; that there is another one is to be told even where it says the same.
        heard = (*_LOAD_OF(row), member.reported_at)
        if heard != shown.load:
            shown.load = heard
            at = round(member.reported_at, 2) if member.report is not None else None
            shown.load_text = _plain([shown.number, *map(_short, heard[:-1]), at])
            load.append(shown.load_text)

    def _stand(self, shown: _Shown, backend: Backend, standing: Standing | None, now: float, who: list[str]) -> None:
        row = standing_row(backend, standing, now)
        named: dict[str, object] = {name: row[name] for name in WHO}
        named["drained_by_hand"] = standing is not None and standing.orders.drained_by is not None
        if named != shown.who:
            shown.who = named
            # The age of its condition goes on by itself where it is shown.
            since = round(standing.since if standing is not None else now, 2)
            shown.who_text = f'"{shown.number}":{_plain({**named, "since": since})}'
            who.append(shown.who_text)

    def _service(self, service: Service, sample: ServiceSample, balancer: Mapping[str, object]) -> dict[str, object]:
        explain = getattr(service.balancer, "explain", None)
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
            "pool": None if explain is None else self._pool(explain()),
        }

    def _pool(self, explanation: PickExplanation) -> dict[str, object]:
        return {
            # The least there is stands for "above zero" (``probing/rif_distribution.py``).
            "threshold": _finite(round(explanation.rif_threshold, 6)),
            "picked": self._number_of(explanation.picked),
            "reason": explanation.reason,
            "loads": [self._considered(each) for each in explanation.pool],
        }

    def _considered(self, one: Considered) -> list[object]:
        held = HELD_BACK if one.held_back else 0.0
        rif, latency_s = one.rif - held, one.latency_s - held
        return [self._number_of(one.id), _short(rif), _short(latency_s), one.hot and not one.held_back, one.held_back]

    def _number_of(self, backend_id: str | None) -> int | None:
        shown = self._shown.get(backend_id) if backend_id is not None else None
        return shown.number if shown is not None else None

    def _assembled(
        self,
        full: bool,
        who: Iterable[str],
        load: Iterable[str],
        gone: list[int],
        history: Mapping[str, Iterable[str]],
        events: Sequence[object],
    ) -> bytes:
        samples = {name: f"[{','.join(texts)}]" for name, texts in history.items()}
        members = (
            f'"now":{round(self._now, 3)}',
            f'"full":{_plain(full)}',
            f'"who":{{{",".join(who)}}}',
            f'"load":[{",".join(load)}]',
            f'"gone":{_plain(gone)}',
            f'"services":{_object(self._services)}',
            f'"history":{_object(samples)}',
            f'"events":{_plain(events)}',
        )
        return f"{{{','.join(members)}}}".encode("ascii")


def _object(members: Mapping[str, str]) -> str:
    """A JSON object of what is JSON already."""
    return f"{{{','.join(f'{_plain(name)}:{text}' for name, text in members.items())}}}"


def _plain(value: object) -> str:
    """JSON on one line, as an event needs it."""
    try:
        return _encoded(value)
    except ValueError:
        return json_bytes(value).decode("ascii").rstrip()


def _short(value: object) -> object:
    """Four digits are enough to look at; less is sent, and less of it is news."""
    return float(f"{value:.4g}") if isinstance(value, float) and isfinite(value) else value


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
