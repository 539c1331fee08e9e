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

from math import exp, inf, log, log1p

SAMPLES = 64
"""Samples kept (the trial of PREQUAL.md section 4 used as many)."""

FRESH_S = 10.0
"""Older samples speak only when there are no younger ones: what was measured before a pause is history."""

REFRESH_SAMPLES = 8
REFRESH_S = 0.1
"""The median is taken anew after so many samples or this time, whichever is first: sorting for every report, that is
for every response, would cost more than all the rest."""

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

    __slots__ = (
        "_block_n",
        "_block_x",
        "_block_xx",
        "_block_xy",
        "_block_y",
        "_cxx",
        "_cxy",
        "_last_at",
        "_level",
        "_next",
        "_refreshed_at",
        "_samples",
        "_unread",
        "exponent",
    )

    def __init__(self) -> None:
        self.exponent = 1.0
        """How the latency grows with the RIF: 0 not at all, 1 in proportion."""
        self._samples: list[tuple[float, float, float]] = []  # (when, log(r + 1), log latency): a ring
        self._next = 0
        self._last_at = -inf
        self._level = 0.0  # log of the median latency, scaled to an otherwise idle server
        self._unread = 0
        self._refreshed_at = -inf
        self._cxx = self._cxy = 0.0  # centred sums over past blocks
        self._block_n = 0
        self._block_x = self._block_y = self._block_xx = self._block_xy = 0.0

    def add(self, rif_at_arrival: int, latency_s: float, now: float) -> None:
        """Learn from one request that met *rif_at_arrival* others in flight and took *latency_s*."""
        x = log1p(rif_at_arrival)
        y = log(latency_s) if latency_s > 1e-6 else -13.8  # a clock's resolution is no latency
        sample = (now, x, y)
        if len(self._samples) < SAMPLES:
            self._samples.append(sample)
        else:
            self._samples[self._next] = sample
        self._next = (self._next + 1) % SAMPLES
        self._last_at = now
        self._unread += 1
        self._block_n += 1
        self._block_x += x
        self._block_y += y
        self._block_xx += x * x
        self._block_xy += x * y
        if self._block_n == SAMPLES:
            self._learn_exponent()

    def estimate(self, rif: int, now: float) -> float | None:
        """Expected latency in seconds of a request that meets *rif* others; None before the first sample."""
        if not self._samples:
            return None
        if self._unread and (
            self._unread >= REFRESH_SAMPLES
            or len(self._samples) < REFRESH_SAMPLES
            or now - self._refreshed_at >= REFRESH_S
        ):
            self._refresh(now)
        latency_s = exp(self._level + self.exponent * log1p(rif))
        idle_s = now - self._last_at - FRESH_S
        if rif == 0 and idle_s > 0:
            latency_s *= 0.5 ** min(IDLE_HALVINGS, idle_s / IDLE_HALF_LIFE_S)
        return latency_s

    def _refresh(self, now: float) -> None:
        exponent = self.exponent
        oldest = min(now, self._last_at) - FRESH_S
        levels = sorted(y - exponent * x for when, x, y in self._samples if when >= oldest)
        self._level = levels[len(levels) // 2]
        self._unread = 0
        self._refreshed_at = now

    def _learn_exponent(self) -> None:
        """Take a full block's regression into what is known.

        Only deviations from the *block's* mean count. Across blocks cause and effect are reversed: when an asynchronous
        server turns slow for reasons of its own, its RIF rises with its latency (Little's law), and a regression over
        both times would take that for a shared processor.
        """
        n = self._block_n
        self._cxx = MEMORY * self._cxx + self._block_xx - self._block_x * self._block_x / n
        self._cxy = MEMORY * self._cxy + self._block_xy - self._block_x * self._block_y / n
        slope = (self._cxy + PRIOR_STRENGTH * ATTENUATION) / (self._cxx + PRIOR_STRENGTH)
        self.exponent = min(1.0, max(0.0, slope / ATTENUATION))
        self._block_n = 0
        self._block_x = self._block_y = self._block_xx = self._block_xy = 0.0
