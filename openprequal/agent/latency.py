"""LatencyEstimator: how long would a request take here, with so many others in flight?

The method, in the order of ``add`` and ``estimate``:

1. A sample is a finished request's latency and the requests in flight when it arrived (PREQUAL.md section 1).
2. latency ~ (rif + 1) ** exponent. On a shared processor the exponent is 1, on an asynchronous or wide server 0; which
   of them this one is, is learned (section 4: "a good estimator learns which it is").
3. The estimate is the median of latency / (r + 1) ** exponent over the last samples, times (rif + 1) ** exponent: it is
   *extrapolated* to the present RIF. The mere median of samples near that RIF fails (section 4, 1160 / 6687 ms in our
   trial): a server flooded just now has none, so that samples of quieter times make it look fast.

All of it happens in logarithms, where the powers are products and the median stays the median.
"""

from bisect import bisect_left, insort
from collections import deque
from math import exp, inf, log, log1p
from operator import mul

SAMPLES = 64
"""Samples kept (the trial of PREQUAL.md section 4 used as many)."""

FRESH_S = 10.0
"""Older samples speak only when there are no younger ones: what was measured before a pause is history."""

PRIOR_STRENGTH = 4.0
"""The exponent counts as 1 until the RIF has varied: this much of Σ(x - mean)² stands for "not known"."""

MEMORY = 0.9
"""What is known of the exponent fades by this factor a block of :data:`SAMPLES`; it is the server's nature, which
changes rarely."""

ATTENUATION = 0.6
"""The slope of log latency over log (r + 1) that a shared processor shows: not 1, because the RIF moves back towards
its mean while a request is served. Measured in simulation: 0.5 to 0.75 at one and two cores; asynchronous: 0.0."""

IDLE_HALF_LIFE_S = 10.0
IDLE_HALVINGS = 6
"""The estimate of an idle server halves this often at most. Without it one slow minute could keep a server without
requests for ever, because only a request could show that the minute is over (section 4: "nor let an old high value
starve a replica that is idle now")."""


class LatencyEstimator:
    """Estimates the latency at a RIF in constant memory and about 2 µs a sample."""

    __slots__ = ("_block_xs", "_block_ys", "_cxx", "_cxy", "_last_at", "_levels", "_samples", "exponent")

    def __init__(self) -> None:
        self.exponent = 1.0
        """How the latency grows with the RIF: 0 not at all, 1 in proportion."""
        self._samples: deque[tuple[float, float, float]] = deque()  # (when, log(r + 1), log latency)
        # The sample's latencies scaled to an otherwise idle server, in order: their median is in the middle.
        self._levels: list[float] = []
        self._last_at = -inf
        self._cxx = self._cxy = 0.0  # centred sums over past blocks
        self._block_xs: list[float] = []
        self._block_ys: list[float] = []

    def add(self, rif_at_arrival: int, latency_s: float, now: float) -> None:
        """Learn from one request that met *rif_at_arrival* others in flight and took *latency_s*."""
        x = log1p(rif_at_arrival)
        y = log(latency_s) if latency_s > 1e-6 else -13.8  # a clock's resolution is no latency
        samples, levels, exponent = self._samples, self._levels, self.exponent
        oldest = now - FRESH_S
        while samples and (len(samples) == SAMPLES or samples[0][0] < oldest):
            _, old_x, old_y = samples.popleft()
            del levels[bisect_left(levels, old_y - exponent * old_x)]
        samples.append((now, x, y))
        insort(levels, y - exponent * x)
        self._last_at = now
        self._block_xs.append(x)
        self._block_ys.append(y)
        if len(self._block_xs) == SAMPLES:
            self._learn_exponent()

    def estimate(self, rif: int, now: float) -> float | None:
        """Expected latency in seconds of a request that meets *rif* others; None before the first sample."""
        levels = self._levels
        if not levels:
            return None
        latency_s = exp(levels[len(levels) // 2] + self.exponent * log1p(rif))
        if rif == 0:
            idle_s = now - self._last_at - FRESH_S
            if idle_s > 0:
                latency_s *= 0.5 ** min(IDLE_HALVINGS, idle_s / IDLE_HALF_LIFE_S)
        return latency_s

    def _learn_exponent(self) -> None:
        """Take a full block's regression into what is known.

        Only deviations from the *block's* mean count. Across blocks cause and effect are reversed: when an asynchronous
        server turns slow for reasons of its own, its RIF rises with its latency (Little's law), and a regression over
        both times would take that for a shared processor.
        """
        xs, ys = self._block_xs, self._block_ys
        sum_x = sum(xs)
        self._cxx = MEMORY * self._cxx + sum(map(mul, xs, xs)) - sum_x * sum_x / SAMPLES
        self._cxy = MEMORY * self._cxy + sum(map(mul, xs, ys)) - sum_x * sum(ys) / SAMPLES
        xs.clear()
        ys.clear()
        slope = (self._cxy + PRIOR_STRENGTH * ATTENUATION) / (self._cxx + PRIOR_STRENGTH)
        exponent = min(1.0, max(0.0, slope / ATTENUATION))
        if exponent != self.exponent:
            self.exponent = exponent
            self._levels = sorted([y - exponent * x for _, x, y in self._samples])
