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
    cold_s = hot_s = lowest = inf
    hot: list[LoadEstimate] = []
    for load in loads:
        rif = load.rif
        if rif < threshold:
            if load.latency_s < cold_s:
                cold_s = load.latency_s
            continue
        if load.latency_s < hot_s:
            hot_s = load.latency_s
        if rif < lowest:
            lowest, hot = rif, [load]
        elif rif == lowest:
            hot.append(load)
    indistinct_s = NEAR_S if near_ratio > 1.0 else 0.0
    limit_s = slow_limit * hot_s
    if cold_s < inf and cold_s <= limit_s:
        near_s = max(cold_s * near_ratio, cold_s + indistinct_s)
        near = [load for load in loads if load.latency_s <= near_s and load.rif < threshold]
        return near[0] if len(near) == 1 else _fastest(_lowest(near), indistinct_s, random), PickReason.COLD
    tied = [load for load in hot if load.latency_s <= limit_s]
    if not tied:  # those with the lowest RIF are all too slow
        tied = _lowest([load for load in loads if load.latency_s <= limit_s and load.rif >= threshold])
    return _fastest(tied, indistinct_s, random), PickReason.HOT if cold_s == inf else PickReason.FAST


def _lowest(loads: Sequence[LoadEstimate]) -> list[LoadEstimate]:
    """Those with the lowest RIF."""
    lowest = min([load.rif for load in loads])
    return [load for load in loads if load.rif == lowest]


def _fastest(loads: Sequence[LoadEstimate], indistinct_s: float, random: Callable[[], float]) -> LoadEstimate:
    """The one with the lowest latency; at random among those that cannot be told apart."""
    if len(loads) == 1:
        return loads[0]
    limit_s = min([load.latency_s for load in loads]) + indistinct_s
    best = [load for load in loads if load.latency_s <= limit_s]
    return best[int(random() * len(best))]
