"""Which RIF is high, for this service, now?"""

from bisect import bisect_left, insort
from collections import deque
from math import ceil, inf

# Above zero and below every RIF that is not: at a quantile of 0 a backend with RIF 0 is cold.
_ABOVE_ZERO = 5e-324


class RifDistribution:
    """The Q_RIF quantile of the RIFs that were reported lately (section 4 of the paper).

    A history of its own: over the probe pool alone "all hot" could not happen. It is kept sorted, so that a report
    costs two bisections and a pick reads an attribute.

    ``threshold``: a backend is hot if its RIF is at least this much. Zero for a quantile of 0 (choose by RIF only),
    infinite for 1 (by latency only) and while nothing was reported.
    """

    __slots__ = ("_quantile", "_recent", "_sorted", "threshold")

    def __init__(self, quantile: float, history: int = 128) -> None:
        """:param quantile: Q_RIF, 0 to 1.
        :param history: how many reports are remembered.
        """
        self._quantile = quantile
        self._recent: deque[float] = deque(maxlen=history)
        self._sorted: list[float] = []
        self.threshold = _ABOVE_ZERO if quantile <= 0 else inf

    def observe(self, rif: float) -> None:
        """A backend reported *rif*, its weight divided out."""
        if not 0 < self._quantile < 1:
            return
        ordered, recent = self._sorted, self._recent
        if len(recent) == recent.maxlen:
            del ordered[bisect_left(ordered, recent[0])]
        recent.append(rif)
        insort(ordered, rif)
        # Nearest rank: at 0.999 of a short history this is the maximum, and a tie for it is hot.
        self.threshold = ordered[ceil(self._quantile * len(ordered)) - 1] or _ABOVE_ZERO
