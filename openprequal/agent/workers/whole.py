"""Whole: what is the load of the application that several processes are together?"""

from collections.abc import Sequence
from math import exp, inf

from openprequal.agent.latency import ENOUGH, FRESH_S, Knowledge, expected_s
from openprequal.agent.load import not_below_silence
from openprequal.agent.workers.rows import Row
from openprequal.values import LoadReport, LoadState


def added_up(rows: Sequence[Row], now: float) -> Row:
    """What *rows* say together, as the row of one process that they might be."""
    return Row(
        rif=sum([row.rif for row in rows]),
        served_s=sum([row.served_s + row.rif * max(0.0, now - row.counted_at) for row in rows]),
        counted_at=now,
        waiting_since=min([row.waiting_since for row in rows], default=inf),
        last_head_at=max([row.last_head_at for row in rows], default=-inf),
        known=known_together([row.known for row in rows]),
        state=_state_of([row.state for row in rows]),
    )


def load_of(whole: Row, now: float) -> LoadReport:
    """The load at *now* of the process that *whole* tells of."""
    return load(whole.rif, whole.known, whole.waiting_since, whole.last_head_at, whole.state, now)


def load(
    rif: float, known: Knowledge, waiting_since: float, last_head_at: float, state: LoadState, now: float
) -> LoadReport:
    """The same of what a :class:`Row` holds; by the rules of :class:`~openprequal.agent.load.LoadTracker`."""
    latency_s = None
    if known.samples >= ENOUGH:
        latency_s = expected_s(known.unit_s, known.exponent, rif, now - known.last_at)
    if waiting_since < now:
        latency_s = not_below_silence(latency_s, now - max(waiting_since, last_head_at))
    return LoadReport(rif, latency_s, state)


def _state_of(states: Sequence[LoadState]) -> LoadState:
    """Ready if anybody is; draining only if all are."""
    return next((state for state in (LoadState.READY, LoadState.WARMING) if state in states), LoadState.DRAINING)


def known_together(known: Sequence[Knowledge]) -> Knowledge:
    """What several processes know of the server that they are: who has measured lately has the say."""
    known = [one for one in known if one.samples]
    if len(known) < 2:
        return known[0] if known else Knowledge()
    last_at = max([one.last_at for one in known])
    weights = [one.samples * exp((one.last_at - last_at) / FRESH_S) for one in known]
    total = sum(weights)
    return Knowledge(
        sum([weight * one.unit_s for weight, one in zip(weights, known, strict=True)]) / total,
        sum([weight * one.exponent for weight, one in zip(weights, known, strict=True)]) / total,
        sum([one.samples for one in known]),
        last_at,
    )
