"""LatencyEstimator: how long would a request take here, with so many others in flight?

The method, in the order of ``add`` and ``estimate``:

1. A sample is a finished request's latency, and how many others were in flight beside it *on average while it was
   served*. The paper tags it with the RIF at its arrival (PREQUAL.md section 1). But where a queue grows or drains in
   the meantime, that says what the request met, not what slowed it down, and an overloaded server that drains looks
   twice as fast as it is. In simulation the average makes the difference between a p99 of 1.2 s and of 7 s at 1.1 times
   the nominal load.
2. latency ~ (rif + 1) ** exponent. On a shared processor the exponent is 1, on an asynchronous or wide server 0; which
   of them this one is, is learned (section 4: "a good estimator learns which it is").
3. The estimate is Σ waited / Σ (r + 1) ** exponent over the last samples, times (rif + 1) ** exponent. Waited is what
   all requests together have waited since the last sample, which on average is one latency a sample (Little's law); but
   it counts those that are not done yet, too. A server that is buried finishes small requests quickly and large ones
   never, and by the latencies of those finished it looks fast. It is *extrapolated* to the present RIF. The mere median
   of samples near that RIF fails (section 4, 1160 / 6687 ms in our trial): a server flooded just now has none, so that
   samples of quieter times make it look fast. A ratio of sums errs by 18 % where the median of ratios errs by 22 %
   (trial model, load 0.9, against the true speeds; both over latencies of finished requests).

Nothing is kept but sums, from which old samples fade.
"""

from math import exp, inf, log, log1p
from typing import NamedTuple

SAMPLES = 32
"""How many samples speak, about: each new one leaves of the older ones 1 - 1 / SAMPLES. A running sum over so many is
as steady as one over twice as many that are simply kept."""

FRESH_S = 3.0
FRESH_LATENCIES = 30.0
"""What was measured before a pause is history: it fades to a third in so many seconds, or in the time of so many
requests where that is longer. Who was slow and is passed over gets a request a second, and is to be believed again
after a few of them."""

ENOUGH = 8
"""Fewer samples are no estimate. After a start the server whose first request happened to be a small one would look ten
times as fast as all others, and a hundred gateways would bury it (3000 requests in flight in a simulation)."""

CAP = 20.0
"""A sample counts as at most so many times what was expected: one request in a hundred that is a hundred times as much
work is no slow server. A server that has become slower is believed within a few samples all the same."""

LEAST_S = 1e-6
"""A sample counts as at least this: a clock's resolution is no latency."""

BLOCK = 64
"""Samples among which the exponent is looked for together."""

PRIOR_STRENGTH = 4.0
"""The exponent counts as 1 until the RIF has varied: this much of Σ(x - mean)² stands for "not known"."""

MEMORY = 0.97
"""What is known of the exponent fades by this factor a block; it is the server's nature, which changes rarely."""

IDLE_AFTER_S = 10.0
IDLE_HALF_LIFE_S = 10.0
IDLE_HALVINGS = 6
"""From then on the estimate of an idle server halves, this often at most. Without it one slow minute could keep a
server without requests for ever, because only a request could show that the minute is over (section 4: "nor let an old
high value starve a replica that is idle now")."""

ATTENUATION = 0.75
"""The slope that a shared processor with two cores shows: not 1, because its first jobs do not slow each other down."""

_KEEP = 1.0 - 1.0 / SAMPLES


class Knowledge(NamedTuple):
    """What an estimate is made of, so that it can be told to another process."""

    unit_s: float = 0.0
    """Latency of a request that has no other beside it, in seconds."""
    exponent: float = 1.0
    samples: float = 0.0
    """How many samples it rests on; those of one process are counted to :data:`ENOUGH`."""
    last_at: float = -inf
    """When the last of them was taken."""


def expected_s(unit_s: float, exponent: float, rif: float, quiet_s: float) -> float:
    """Expected latency in seconds of a request that meets *rif* others, *quiet_s* seconds after the last sample."""
    latency_s: float = unit_s * (rif + 1.0) ** exponent
    idle_s = quiet_s - IDLE_AFTER_S
    if rif == 0 and idle_s > 0:
        latency_s *= 0.5 ** min(IDLE_HALVINGS, idle_s / IDLE_HALF_LIFE_S)
    return latency_s


class LatencyEstimator:
    """Estimates the latency at a RIF in constant memory; ``bench agent`` tells at what cost."""

    __slots__ = (
        "_block_n",
        "_block_x",
        "_block_xx",
        "_block_xy",
        "_block_y",
        "_cxx",
        "_cxy",
        "_expected",
        "_last_at",
        "_samples",
        "_taken",
        "exponent",
    )

    def __init__(self) -> None:
        self.exponent = 1.0
        """How the latency grows with the RIF: 0 not at all, 1 in proportion."""
        self._taken = self._expected = 0.0  # fading sums of latency, and of (r + 1) ** exponent
        self._last_at = -inf
        self._samples = 0  # counted to ENOUGH
        self._cxx = self._cxy = 0.0  # centred sums over past blocks
        self._block_n = 0
        self._block_x = self._block_y = self._block_xx = self._block_xy = 0.0

    def add(self, others: float, latency_s: float, now: float, awaited_s: float | None = None) -> None:
        """Learn from one request that had *others* beside it, on average, and took *latency_s*.

        :param awaited_s: the time that all requests together have waited since the last sample; None: *latency_s*.
        """
        if latency_s < LEAST_S:
            latency_s = LEAST_S
        x = log1p(others)
        y = log(latency_s)
        width = exp(self.exponent * x)
        if awaited_s is None:
            awaited_s = latency_s
        elif awaited_s < LEAST_S:  # several were done at once; or the clock was set back
            awaited_s = LEAST_S
        keep = _KEEP
        gap_s = now - self._last_at
        if gap_s > 0.1:
            unit_s = self._taken / self._expected if self._expected else 0.0
            keep *= exp(-gap_s / max(FRESH_S, FRESH_LATENCIES * unit_s))
            if gap_s > 4.0 * unit_s and self._expected * keep > SAMPLES * width:
                # Samples of a crowd weigh more, being about more work; but they are not worth more after a pause.
                keep = SAMPLES * width / self._expected
        self._last_at = now
        expected = self._expected
        if self._samples < ENOUGH:
            self._samples += 1
        elif expected > 1.0:
            most_s = CAP * width * self._taken / expected
            if awaited_s > most_s:
                awaited_s = most_s
        self._taken = self._taken * keep + awaited_s
        self._expected = expected * keep + width
        self._block_n += 1
        self._block_x += x
        self._block_y += y
        self._block_xx += x * x
        self._block_xy += x * y
        if self._block_n == BLOCK:
            self._learn_exponent()

    def estimate(self, rif: float, now: float) -> float | None:
        """Expected latency in seconds of a request that meets *rif* others; None before :data:`ENOUGH` samples."""
        if self._samples < ENOUGH:
            return None
        return expected_s(self._taken / self._expected, self.exponent, rif, now - self._last_at)

    def knowledge(self) -> Knowledge:
        """What the estimate is made of."""
        unit_s = self._taken / self._expected if self._expected else 0.0
        return Knowledge(unit_s, self.exponent, self._samples, self._last_at)

    def _learn_exponent(self) -> None:
        """Take a full block's regression into what is known.

        Only deviations from the *block's* mean count. Across blocks cause and effect are reversed: when an asynchronous
        server turns slow for reasons of its own, its RIF rises with its latency (Little's law), and a regression over
        both times would take that for a shared processor.
        """
        n = self._block_n
        mean_x = self._block_x / n
        self._cxx = MEMORY * self._cxx + self._block_xx - self._block_x * mean_x
        self._cxy = MEMORY * self._cxy + self._block_xy - self._block_y * mean_x
        slope = (self._cxy + PRIOR_STRENGTH) / (self._cxx + PRIOR_STRENGTH)
        exponent = min(1.0, max(0.0, slope / ATTENUATION))
        # The sums go on under the new exponent, as if all samples had been as wide as this block on average.
        self._expected *= exp((exponent - self.exponent) * mean_x)
        self.exponent = exponent
        self._block_n = 0
        self._block_x = self._block_y = self._block_xx = self._block_xy = 0.0
