"""What is usual among the backends of one service? It stands in where a backend's own load is not known."""

from math import log

LEAST_S = 1e-6
"""Keeps latencies positive, so that ratios of them mean something."""

_GAIN = 0.02
"""How far an average moves with each report."""

_MEMORY = 0.995
"""What is known of the exponent fades by this factor a pair of reports: it is the servers' nature."""

_PRIOR_STRENGTH = 2.0
"""The exponent counts as 1 until the reported RIFs have varied: this much of Σ dx² stands for "not known"."""


class Peers:
    """Averages over the reports of one service, and how it must be read.

    :ivar unit_s: latency of a request that is alone at a backend; tiny, and so the same for everyone, while nothing is
        known of anyone.
    :ivar others: requests of others at a backend, its weight divided out.
    :ivar fade_s: in how many seconds a report is halfway from news to history: the RIF of a server forgets what it was
        about as fast as requests come and go. Infinite: it stays news.
    :ivar exponent: latency ~ (rif + 1) ** exponent. On a shared processor 1, on an asynchronous or wide server 0. A
        backend's agent learns that (``agent/latency.py``) and extrapolates its latency by it, so that two reports of
        one backend at different RIFs tell it to us.
    :ivar latency_weight: how much a backend's own latency counts against its RIF in the blended rule.
    """

    __slots__ = (
        "_blend",
        "_fade_ratio",
        "_scales",
        "_xx",
        "_xy",
        "exponent",
        "fade_s",
        "latency_s",
        "latency_weight",
        "others",
        "unit_s",
    )

    def __init__(self, fade_ratio: float = 0.0, blend: float = 1.0, scales: bool = True) -> None:
        """
        :param fade_ratio: ``fade_s`` over the mean latency; 0: reports do not fade before the age limit.
        :param blend: ``latency_weight`` where the exponent is 1; where it is 0, the latency counts whole.
        :param scales: False for the paper's way: a latency counts as reported, whatever the RIF is now.
        """
        self.unit_s = LEAST_S
        self.others = 0.0
        self.latency_s = 0.0
        self.fade_s = float("inf")
        self.exponent = 1.0 if scales else 0.0
        self._fade_ratio = fade_ratio
        self._blend = blend
        self._scales = scales
        self._xx = self._xy = 0.0
        self._weigh()

    def saw_unit(self, unit_s: float) -> None:
        """A request that is alone at some backend takes *unit_s*."""
        if self.unit_s == LEAST_S:
            self.unit_s = unit_s
        else:
            self.unit_s += _GAIN * (unit_s - self.unit_s)

    def saw_latency(self, latency_s: float) -> None:
        """A request takes *latency_s* at some backend, at the RIF it has."""
        if not self.latency_s:
            self.latency_s = latency_s
        else:
            self.latency_s += _GAIN * (latency_s - self.latency_s)
        if self._fade_ratio:
            self.fade_s = self._fade_ratio * self.latency_s or LEAST_S

    def saw_others(self, others: float) -> None:
        """Some backend had *others* requests of others, its weight divided out."""
        self.others += _GAIN * (others - self.others)

    def saw_pair(self, rif_ratio: float, latency_ratio: float) -> None:
        """A backend's next report had (rif + 1) and latency by so much higher than the last, one shortly after it."""
        if not self._scales:
            return
        dx = log(rif_ratio)
        self._xx = _MEMORY * self._xx + dx * dx
        self._xy = _MEMORY * self._xy + dx * log(latency_ratio)
        self.exponent = min(1.0, max(0.0, (self._xy + _PRIOR_STRENGTH) / (self._xx + _PRIOR_STRENGTH)))
        self._weigh()

    def _weigh(self) -> None:
        # On a shared processor the RIF is the better half of the truth, and the latency is noisy and late; where the
        # RIF does not matter, the latency is all there is.
        self.latency_weight = 1.0 - (1.0 - self._blend) * self.exponent
