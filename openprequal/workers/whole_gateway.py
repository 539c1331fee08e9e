"""The gateway as a whole, for who asks: what do the parent and its workers say together?"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from twisted.internet.defer import Deferred

from openprequal.workers.crew import Crew
from openprequal.workers.framing import Message
from openprequal.workers.merging import PER_BACKEND, families_of, merged, only_sums
from openprequal.workers.samples import Family, read
from openprequal.workers.worker import Worker

Row = dict[str, Any]

_SUMMED: Final = ("in_flight", "picks", "connections_opened", "connections_idle", "ejections")
_SHARES: Final = ("pick_share", "shadow_share")
_OF_REPORT: Final = ("rif", "latency", "state", "load_source", "report_age")


class Collected(CollectorRegistry):
    """Families that are there already."""

    def __init__(self, metrics: list[Metric]) -> None:
        super().__init__()
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


class WholeGateway:
    """Asks the workers, and remembers what those counted that are gone: a sum never falls."""

    def __init__(self, crew: Crew, own: CollectorRegistry) -> None:
        """:param own: the parent's own metrics."""
        self._crew = crew
        self._own = own
        self._last: dict[Worker, list[Family]] = {}
        self._ended: list[Family] = []

    def metrics(self) -> "Deferred[CollectorRegistry]":
        """The families of all processes, merged; who does not answer in time counts with what it said last."""
        return self._crew.ask("metrics").addCallback(self._metrics)

    def rows(self, own: Callable[[], list[Row]]) -> "Deferred[list[Row]]":
        """What ``/backends`` shows, in the order of the parent's *own* rows; they stand where no worker has one."""

        def rows(answers: list[tuple[Worker, list[Message]]]) -> list[Row]:
            told: dict[str, list[Row]] = {}
            for _, messages in answers:
                for row in (row for message in messages for row in json.loads(message.payload)):
                    told.setdefault(f"{row['service']}/{row['url']}", []).append(row)
            return [merged_row(told.get(f"{row['service']}/{row['url']}", [row])) for row in own()]

        return self._crew.ask("rows").addCallback(rows)

    def gone(self, worker: Worker) -> None:
        """*worker* has ended: what it had counted when it was last asked goes on being counted."""
        left = self._last.pop(worker, None)
        if left is not None:
            self._ended = families_of(merged([self._ended, left]))

    def _metrics(self, answers: list[tuple[Worker, list[Message]]]) -> CollectorRegistry:
        told = {worker: [read(message.payload) for message in messages] for worker, messages in answers}
        silent = [left for worker, left in self._last.items() if worker not in told]
        live = set(self._crew.live)
        self._last.update({worker: only_sums(families) for worker, families in told.items() if worker in live})
        own = [each for each in families_of(self._own.collect()) if not each.name.startswith(PER_BACKEND)]
        crew = self._crew
        of_crew = crew_families(len(crew.live), crew.restarts, crew.unanswered, crew.client_connections())
        return Collected([*merged([*told.values(), *silent, self._ended, own]), *of_crew])


def crew_families(workers: int, restarts: int, unanswered: int, client_connections: Sequence[int]) -> Iterable[Metric]:
    """What is told of the workers themselves.

    :param client_connections: of each worker.
    """
    yield GaugeMetricFamily("openprequal_workers", "Workers that run.", workers)
    yield CounterMetricFamily("openprequal_worker_restarts", "Workers that ended and were replaced.", restarts)
    yield CounterMetricFamily(
        "openprequal_worker_unanswered", "Questions that a worker did not answer in time.", unanswered
    )
    connections = GaugeMetricFamily(
        "openprequal_worker_connections", "Connections clients hold at each worker.", labels=("worker",)
    )
    for index, count in enumerate(client_connections):
        connections.add_metric((str(index),), count)
    yield connections


def merged_row(rows: Sequence[Row]) -> Row:
    """What several workers say of one backend: its load by the youngest report; the rest by who thinks worst of it."""
    worst = min(rows, key=lambda row: bool(row["up"]))
    youngest = min(rows, key=lambda row: float("inf") if row["report_age"] is None else row["report_age"])
    whole: dict[str, Any] = {**worst, **{name: youngest[name] for name in _OF_REPORT}}
    whole |= {name: sum(row[name] for row in rows) for name in _SUMMED}
    # Each worker has its part of the same traffic.
    for name in _SHARES:
        shares = [row[name] for row in rows if row[name] is not None]
        whole[name] = sum(shares) / len(shares) if shares else None
    measured = [(row["average_latency"], row["picks"]) for row in rows if row["average_latency"] is not None]
    picks = sum(picks for _, picks in measured)
    if picks:
        whole["average_latency"] = sum(latency_s * picks for latency_s, picks in measured) / picks
    return whole
