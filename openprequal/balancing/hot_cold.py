"""Which of these backends will answer soonest? The hot-cold lexicographic rule."""

from collections.abc import Callable, Collection
from math import inf

from openprequal.probing.estimate import LoadEstimate
from openprequal.values import PickReason

Choice = tuple[LoadEstimate, PickReason]

NEAR_S = 0.0005
"""Latencies closer than this are near-equal however small they are: a network and two schedulers differ by as much."""


def choose(
    loads: Collection[LoadEstimate],
    threshold: float,
    random: Callable[[], float],
    *,
    slow_limit: float = inf,
    near_ratio: float = 1.0,
) -> Choice:
    """Hot-cold lexicographic selection (section 4 of the paper).

    Hot is who has a RIF of *threshold* or more. If any is cold, the cold one with the lowest latency; if all are hot,
    the one with the lowest RIF. Ties: the lower of the other signal, then at random.

    Two deviations. *slow_limit*, which infinity switches off: who is more than *slow_limit* times slower than the
    fastest is passed over. By the letter, a backend that is always slow and therefore idle is the only cold one
    whenever the fast ones are a little busier than usual. Where RIF is no queue (asynchronous or wide servers) they
    are still many times faster; where it is one, their scaled latency says so, and the slow one gets its part.

    And *near_ratio*, which 1 switches off: a few samples do not tell 36 from 49 µs, yet by the letter the backend that
    happens to be ahead gets everything while all are idle, and every proxy sends it there. So cold ones whose latency
    is at most *near_ratio* times the lowest (or within :data:`NEAR_S`) count as equal, which lets the RIF decide.

    :param loads: whom to choose from; one or more.
    :param random: uniform in [0, 1).
    :param slow_limit: more than 1.
    :param near_ratio: 1 or more.
    """
    cold = hot = None
    cold_s = hot_rif = fastest_hot_s = inf
    ties = 1
    for load in loads:
        rif = load.rif
        latency_s = load.latency_s
        if rif < threshold:
            if latency_s < cold_s:
                cold, cold_s, ties = load, latency_s, 1
            elif latency_s == cold_s and cold is not None and rif <= cold.rif:
                ties = 1 if rif < cold.rif else ties + 1
                if ties == 1 or random() * ties < 1.0:
                    cold = load
        else:
            if latency_s < fastest_hot_s:
                fastest_hot_s = latency_s
            if rif < hot_rif:
                hot, hot_rif = load, rif
            # With several hot ones and a cold one the tie is of no consequence; so it may share the counter.
            elif rif == hot_rif and hot is not None and latency_s <= hot.latency_s:
                ties = 1 if latency_s < hot.latency_s else ties + 1
                if ties == 1 or random() * ties < 1.0:
                    hot = load
    if cold is not None and (hot is None or slow_limit == inf or cold_s <= slow_limit * fastest_hot_s):
        if near_ratio > 1.0:
            near_s = max(cold_s * near_ratio, cold_s + NEAR_S)
            near = [load for load in loads if load.latency_s <= near_s and load.rif < threshold]
            if len(near) > 1:
                cold = _least_busy(near, random)
        return cold, PickReason.COLD
    assert hot is not None, "nothing to choose from"
    reason = PickReason.HOT if cold is None else PickReason.FAST
    if slow_limit < inf and hot.latency_s > slow_limit * fastest_hot_s:
        hot = _lowest_rif_below(loads, threshold, slow_limit * fastest_hot_s)
    return hot, reason


def _least_busy(loads: Collection[LoadEstimate], random: Callable[[], float]) -> LoadEstimate:
    """The lowest RIF; ties go to the lower latency, and at random where that cannot be told either."""
    lowest = min([load.rif for load in loads])
    tied = [load for load in loads if load.rif == lowest]
    if len(tied) > 1:
        limit_s = min([load.latency_s for load in tied]) + NEAR_S
        tied = [load for load in tied if load.latency_s <= limit_s]
    return tied[int(random() * len(tied))] if len(tied) > 1 else tied[0]


def _lowest_rif_below(loads: Collection[LoadEstimate], threshold: float, limit_s: float) -> LoadEstimate:
    quick = [load for load in loads if load.rif >= threshold and load.latency_s <= limit_s]
    return min(quick, key=lambda load: (load.rif, load.latency_s))
