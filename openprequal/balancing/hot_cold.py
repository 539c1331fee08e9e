"""Which of these backends will answer soonest? The hot-cold lexicographic rule."""

from collections.abc import Callable, Collection, Sequence
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
    cold_s = hot_s = inf
    for load in loads:
        if load.rif < threshold:
            if load.latency_s < cold_s:
                cold_s = load.latency_s
        elif load.latency_s < hot_s:
            hot_s = load.latency_s
    indistinct_s = NEAR_S if near_ratio > 1.0 else 0.0
    if cold_s < inf and cold_s <= slow_limit * hot_s:
        near_s = max(cold_s * near_ratio, cold_s + indistinct_s)
        near = [load for load in loads if load.latency_s <= near_s and load.rif < threshold]
        return near[0] if len(near) == 1 else _least_busy(near, indistinct_s, random), PickReason.COLD
    limit_s = slow_limit * hot_s
    quick = [load for load in loads if load.latency_s <= limit_s and load.rif >= threshold]
    return _least_busy(quick, indistinct_s, random), PickReason.HOT if cold_s == inf else PickReason.FAST


def _least_busy(loads: Sequence[LoadEstimate], indistinct_s: float, random: Callable[[], float]) -> LoadEstimate:
    """The lowest RIF; ties go to the lower latency, and at random where that cannot be told either."""
    best: list[LoadEstimate] = []
    lowest = inf
    for load in loads:
        if load.rif < lowest:
            lowest, best = load.rif, [load]
        elif load.rif == lowest:
            best.append(load)
    if len(best) > 1:
        limit_s = min([load.latency_s for load in best]) + indistinct_s
        best = [load for load in best if load.latency_s <= limit_s]
    return best[int(random() * len(best))]
