"""What RIF and latency do we believe of one backend now?"""

from enum import StrEnum
from math import inf
from typing import NamedTuple

from openprequal.values import Backend, LoadReport, LoadState

HELD_BACK = 1e6
"""Added to the RIF and the latency of a backend that should serve only if all others are held back too: beyond any
that a report may claim, and small enough that the order among those held back survives in a float."""

_LEAST_S = 1e-6
"""Keeps latencies positive, so that ratios of them mean something."""


class EstimateSource(StrEnum):
    """What an estimate rests on."""

    REPORTED = "reported"
    """A report younger than the age limit."""
    STALE = "stale"
    """An older report, faded."""
    MEASURED = "measured"
    """It has never reported: our own in-flight count and measured latencies."""
    ASSUMED = "assumed"
    """Nothing is known yet: our own in-flight count, and the latency of its peers."""


class Estimate(NamedTuple):
    """What is believed of one backend, for people and metrics."""

    rif: float
    latency_s: float | None
    age_s: float | None
    """Since its last report; None: it never reported."""
    source: EstimateSource


class PeerLatency:
    """The average over one service of latency for each request at a backend: stands in where a backend's is unknown.

    ``unit_s``: seconds; tiny, and so the same for everyone, while nothing is known of anyone.
    """

    __slots__ = ("unit_s",)

    def __init__(self) -> None:
        self.unit_s = _LEAST_S

    def saw(self, unit_s: float) -> None:
        """Some backend's latency for each request there is *unit_s*."""
        if self.unit_s == _LEAST_S:
            self.unit_s = unit_s
        else:
            self.unit_s += 0.02 * (unit_s - self.unit_s)


class LoadEstimate:
    """One backend's believed load, brought up to date at every event so that a pick only reads two attributes.

    ``rif`` is what others have there according to its last report, plus what we have there *now*. So our own picks
    since the report count (the paper's increment on use), requests of ours that ended do not, a report that claims
    less than we have outstanding changes nothing, and a backend without reports is as busy as we made it: silence
    never looks idle. It is divided by the weight.

    ``latency_s`` is the last known latency scaled to that RIF: ``latency / (rif + 1)`` at the report, times ``rif + 1``
    now. A replica just flooded has no samples at its new RIF; unscaled it would go on looking fast and be flooded more.
    Without a reported latency, what we measured ourselves stands in, and before that the peers' average. While
    requests of ours are out and nothing at all has come back, the length of that silence is a lower bound.
    """

    __slots__ = (
        "_alive_s",
        "_draining",
        "_faded_until_s",
        "_failing",
        "_mean_in_flight",
        "_mean_latency_s",
        "_measured_s",
        "_others",
        "_peers",
        "_reports_latency",
        "_share",
        "_silence_s",
        "_unit_s",
        "backend",
        "id",
        "in_flight",
        "is_up",
        "last_started_s",
        "latency_s",
        "probed_s",
        "reported_s",
        "rif",
        "seen_s",
        "uses_left",
        "waste",
    )

    def __init__(self, backend: Backend, peers: PeerLatency) -> None:
        self.backend = backend
        self.id = backend.id
        self.in_flight = 0
        self.is_up = False
        self.reported_s = -inf
        self.probed_s = -inf
        self.seen_s = -inf
        """When its RIF last entered the distribution."""
        self.last_started_s = -inf
        self.uses_left = 0
        """Picks that its report in the probe pool may still serve."""
        self.waste = 0.0
        """Recent share of its outcomes that failed (``balancing/failures.py``)."""
        self._peers = peers
        self._unit_s: float | None = None
        self._reports_latency = False
        self._others = 0.0
        self._faded_until_s = -inf
        self._measured_s = -inf
        self._mean_latency_s = 0.0
        self._mean_in_flight = 1.0
        self._alive_s = -inf
        self._silence_s = 0.0
        self._failing = False
        self._draining = False
        self.replace(backend)

    def __repr__(self) -> str:
        return f"<LoadEstimate {self.id} rif={self.rif:g} latency_s={self.latency_s:g}>"

    def replace(self, backend: Backend) -> None:
        """It was registered again, perhaps with another weight."""
        self.backend = backend
        self._share = 1.0 / backend.weight
        self._believe()

    def hold_back(self, failing: bool) -> None:
        """It fails more than its peers, or no longer does."""
        if failing is not self._failing:
            self._failing = failing
            self._believe()

    @property
    def held_back(self) -> bool:
        """It should serve only if all others are held back too: it is failing, or says that it is draining."""
        return self._failing or self._draining

    def heard(self, report: LoadReport, now_s: float, on_response: bool) -> None:
        """It reported.

        :param on_response: the report leaves out the request it answers, and that one is still among ours.
        """
        rif, latency_s, state = report.rif, report.latency_s, report.state
        if rif is None:  # it says something, but not how loaded it is: what we measure goes on standing in
            return
        others = rif - self.in_flight
        if on_response and self.in_flight:
            others += 1
        self._others = others if others > 0 else 0.0
        self._reports_latency = latency_s is not None
        if latency_s is not None:
            self._unit_s = unit_s = latency_s / (rif + 1.0)
            self._peers.saw(unit_s)
        self._draining = state is LoadState.DRAINING
        self.reported_s = self._alive_s = now_s
        self._silence_s = 0.0
        self._believe()

    def started(self, now_s: float) -> None:
        """We sent it a request."""
        if not self.in_flight:
            self._alive_s = now_s
        self.in_flight += 1
        self.last_started_s = now_s
        self._believe()

    def finished(self, now_s: float, latency_s: float | None) -> None:
        """A request of ours ended; *latency_s* is what it took, if that says something of the backend."""
        # A backend that reports its latency knows better: it sees the queueing of everyone's requests, without ours.
        if latency_s is not None and not self._reports_latency and self.in_flight:
            self._measure(latency_s, now_s)
        if self.in_flight:
            self.in_flight -= 1
        self._alive_s = now_s
        self._silence_s = 0.0
        self._believe()

    def refresh(self, now_s: float, max_age_s: float) -> None:
        """Let time count: an old report fades by half each *max_age_s*; silence with requests out counts as latency."""
        if self._others:
            faded_until_s = max(self._faded_until_s, self.reported_s + max_age_s)
            if now_s > faded_until_s:
                self._others *= 2.0 ** ((faded_until_s - now_s) / max_age_s)
                self._faded_until_s = now_s
        if self.in_flight:
            self._silence_s = now_s - self._alive_s
        self._believe()

    def estimate(self, now_s: float, max_age_s: float) -> Estimate:
        """What is believed, for people; weight and holding back left out."""
        reported = self.reported_s > -inf
        if reported:
            source = EstimateSource.REPORTED if now_s - self.reported_s <= max_age_s else EstimateSource.STALE
        else:
            source = EstimateSource.ASSUMED if self._unit_s is None else EstimateSource.MEASURED
        rif = self._others + self.in_flight
        latency_s = None if self._unit_s is None else max(self._unit_s * (rif + 1.0), self._silence_s)
        return Estimate(rif, latency_s, now_s - self.reported_s if reported else None, source)

    def _measure(self, latency_s: float, now_s: float) -> None:
        # A sample after a long silence counts (almost) fully: an old high value must not outlive its cause.
        gap_s = now_s - self._measured_s
        weight = 1.0 if gap_s >= 60.0 else max(0.0625, gap_s / (gap_s + 1.0))
        # The ratio of two averages, not the average of ratios, which a few samples at low counts would dominate.
        self._mean_latency_s += weight * (latency_s - self._mean_latency_s)
        self._mean_in_flight += weight * (self.in_flight - self._mean_in_flight)
        self._measured_s = now_s
        self._unit_s = unit_s = self._mean_latency_s / self._mean_in_flight
        self._peers.saw(unit_s)

    def _believe(self) -> None:
        rif = self._others + self.in_flight
        unit_s = self._unit_s
        if unit_s is None:
            unit_s = self._peers.unit_s
        latency_s = unit_s * (rif + 1.0)
        if latency_s < self._silence_s:
            latency_s = self._silence_s
        if latency_s < _LEAST_S:
            latency_s = _LEAST_S
        if self._failing or self._draining:
            self.rif = rif * self._share + HELD_BACK
            self.latency_s = latency_s + HELD_BACK
        else:
            self.rif = rif * self._share
            self.latency_s = latency_s
