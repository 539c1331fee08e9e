"""Whole: what is the load of the application that several processes are together?"""

from collections.abc import Sequence

from openprequal.agent.latency import ENOUGH, expected_s, together
from openprequal.agent.load import not_below_silence
from openprequal.agent.workers.rows import Row
from openprequal.values import LoadReport, LoadState


def state_of(rows: Sequence[Row]) -> LoadState:
    """Ready if anybody is; draining only if all are."""
    states = {row.state for row in rows}
    return next((state for state in (LoadState.READY, LoadState.WARMING) if state in states), LoadState.DRAINING)


def load_of(rows: Sequence[Row], now: float, besides: int = 0) -> LoadReport:
    """The load that *rows* add up to at *now*; by the rules of :class:`~openprequal.agent.load.LoadTracker`.

    :param besides: so many of the requests in flight do not count, because they are the ones that are answered.
    """
    rif = sum(row.rif for row in rows) - besides
    known = together(row.known for row in rows)
    latency_s = None
    if known.samples >= ENOUGH:
        latency_s = expected_s(known.unit_s, known.exponent, rif, now - known.last_at)
    waiting_since = min((row.waiting_since for row in rows), default=now)
    if waiting_since < now:
        last_head_at = max(row.last_head_at for row in rows)
        latency_s = not_below_silence(latency_s, now - max(waiting_since, last_head_at))
    return LoadReport(max(0.0, rif), latency_s, state_of(rows))
