"""Which of these backends will answer soonest? The hot-cold lexicographic rule."""

from collections.abc import Callable, Collection
from math import inf

from openprequal.probing.estimate import LoadEstimate
from openprequal.values import PickReason

Choice = tuple[LoadEstimate, PickReason]


def choose(loads: Collection[LoadEstimate], threshold: float, slow_limit: float, random: Callable[[], float]) -> Choice:
    """Hot-cold lexicographic selection (section 4 of the paper).

    Hot is who has a RIF of *threshold* or more. If any is cold, the cold one with the lowest latency; if all are hot,
    the one with the lowest RIF. Ties: the lower of the other signal, then at random.

    One deviation, which *slow_limit* = infinity switches off: who is more than *slow_limit* times slower than the
    fastest is passed over. By the letter, a backend that is always slow and therefore idle is the only cold one
    whenever the fast ones are a little busier than usual. Where RIF is no queue (asynchronous or wide servers) they
    are still many times faster; where it is one, their scaled latency says so, and the slow one gets its part.

    :param loads: whom to choose from; one or more.
    :param slow_limit: more than 1.
    :param random: uniform in [0, 1).
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
        return cold, PickReason.COLD
    assert hot is not None, "nothing to choose from"
    reason = PickReason.HOT if cold is None else PickReason.FAST
    if slow_limit < inf and hot.latency_s > slow_limit * fastest_hot_s:
        hot = _lowest_rif_below(loads, threshold, slow_limit * fastest_hot_s)
    return hot, reason


def _lowest_rif_below(loads: Collection[LoadEstimate], threshold: float, limit_s: float) -> LoadEstimate:
    quick = [load for load in loads if load.rif >= threshold and load.latency_s <= limit_s]
    return min(quick, key=lambda load: (load.rif, load.latency_s))
