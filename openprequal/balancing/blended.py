"""Which of these will answer soonest? The blended rule: RIF and latency in one number."""

from collections.abc import Callable, Collection
from math import inf

from openprequal.balancing.hot_cold import NEAR_S
from openprequal.probing.estimate import LoadEstimate


def lowest_score(
    loads: Collection[LoadEstimate], random: Callable[[], float], *, near_ratio: float = 1.0
) -> LoadEstimate:
    """The one with the lowest ``score``: (rif + 1) ** exponent times its speed to the power of ``latency_share``.

    A deviation from the paper, which compares the one signal and then the other (``hot_cold.py``). By the RIF alone a
    slow server gets as much as a fast one; by the latency, which is late and noisy, all proxies run to the server that
    was fast a moment ago. Their product, with the latency damped, is how much longer a request takes that joins there;
    in simulation it beats the hot-cold rule wherever there was something to choose by, most where the load is highest
    (``docs/decisions/0006-blended-rule.md``).

    If the best is idle, scores up to *near_ratio* times the lowest are equal to it, and so are other idle ones whose
    latency is within :data:`~openprequal.balancing.hot_cold.NEAR_S` of its: a few samples do not tell 36 µs from 49,
    yet the server that happens to be ahead would get everything while all are idle. Of busy ones the best is taken.

    :param loads: whom to choose from; one or more.
    :param random: uniform in [0, 1).
    :param near_ratio: 1 or more.
    """
    # One plain loop: min() with a key, or a comprehension over all, costs three times as much.
    lowest = inf
    for load in loads:
        score = load.score
        if score < lowest:
            lowest, best = score, load
    if best.rif >= 1.0 or near_ratio == 1.0:
        return best
    limit = lowest * near_ratio
    near_s = best.latency_s + NEAR_S
    near = [load for load in loads if load.score <= limit or (load.rif < 1.0 and load.latency_s <= near_s)]
    return near[int(random() * len(near))]
