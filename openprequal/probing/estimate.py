"""What RIF and latency do we believe of one backend now?"""

from enum import StrEnum
from math import inf
from typing import NamedTuple

from openprequal.probing.peers import LEAST_S, Peers
from openprequal.values import Backend, LoadReport, LoadState

HELD_BACK = 1e6
"""Added to the RIF and the latency of a backend that should serve only if all others are held back too: beyond any
that a report may claim, and small enough that the order among those held back survives in a float."""

PATIENCE = 4.0
"""A silence with requests out counts as a latency of this part of it. Most silences are one long request."""

_PAIR_S = 0.1
"""Reports of one backend this close together differ by its RIF rather than by what else has changed there."""


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


class LoadEstimate:
    """One backend's believed load, brought up to date at every event so that a pick only reads an attribute or two.

    ``rif`` is what others have there, plus what we have there *now*. So our own picks since the report count (the
    paper's increment on use), requests of ours that ended do not, a report that claims less than we have outstanding
    changes nothing, and a backend without reports is as busy as we made it: silence never looks idle. What others have
    there is what the last report said, and the older that is, the more it is what they have at its peers: a server that
    was idle a moment ago was so for all proxies, and is not any more (:class:`~openprequal.probing.peers.Peers`,
    ``fade_s``). It is divided by the weight.

    ``latency_s`` is the last known latency scaled to that RIF: ``latency / (rif + 1) ** exponent`` at the report, times
    ``(rif + 1) ** exponent`` now. A replica just flooded has no samples at its new RIF; unscaled it would go on looking
    fast and be flooded more. Without a reported latency, what we measured ourselves stands in, and before that the
    peers' average. While requests of ours are out and nothing at all has come back, a quarter of the length of that
    silence is a lower bound.

    ``score`` is both in one: ``(rif + 1) ** exponent * unit ** latency_weight``, the unit being the latency of a
    request that is alone there. The lower, the better.
    """

    __slots__ = (
        "_alive_s",
        "_cold",
        "_draining",
        "_failing",
        "_mean_in_flight",
        "_mean_latency_s",
        "_measured_s",
        "_others",
        "_peers",
        "_reported_latency_s",
        "_reported_rif",
        "_reports_latency",
        "_share",
        "_silence_s",
        "_speed",
        "_told_others",
        "_unit_s",
        "backend",
        "backoff_s",
        "failures_in_a_row",
        "held_until_s",
        "id",
        "in_flight",
        "is_up",
        "joined_s",
        "last_started_s",
        "latency_s",
        "probed_s",
        "reported_s",
        "rif",
        "says_warming",
        "score",
        "seen_s",
        "uses_left",
        "waste",
    )

    def __init__(self, backend: Backend, peers: Peers) -> None:
        self.backend = backend
        self.id = backend.id
        self.in_flight = 0
        self.is_up = False
        self.joined_s = -inf
        """When it became one that may be picked."""
        self.reported_s = -inf
        self.probed_s = -inf
        self.seen_s = -inf
        """When its RIF last entered the distribution."""
        self.last_started_s = -inf
        self.says_warming = False
        """By its last report."""
        self.uses_left = 0
        """Picks that its report in the probe pool may still serve."""
        self.waste = 0.0
        """Recent share of its outcomes that failed (``balancing/failures.py``)."""
        self.failures_in_a_row = 0
        self.held_until_s = -inf
        self.backoff_s = 0.0
        """Until when it is held back for its failures, and for how long the next time."""
        self._peers = peers
        self._unit_s: float | None = None
        self._speed = 0.0
        self._reports_latency = False
        self._reported_rif = 0.0
        self._reported_latency_s = 0.0
        self._told_others = 0.0
        self._others = 0.0
        self._measured_s = -inf
        self._mean_latency_s = 0.0
        self._mean_in_flight = 1.0
        self._alive_s = -inf
        self._silence_s = 0.0
        self._failing = False
        self._draining = False
        self._cold = 1.0
        self.replace(backend)

    def __repr__(self) -> str:
        return f"<LoadEstimate {self.id} rif={self.rif:g} latency_s={self.latency_s:g}>"

    def replace(self, backend: Backend) -> None:
        """It was registered again, perhaps with another weight."""
        self.backend = backend
        self._share = 1.0 / backend.weight
        self._believe()

    def warm_up(self, cold: float) -> None:
        """Let it look *cold* times as loaded as it is, 1 or more: it is new, and may be slow at first."""
        if cold != self._cold:
            self._cold = cold
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
        peers = self._peers
        others = rif - self.in_flight
        if on_response and self.in_flight:
            others += 1
        if others < 0:
            others = 0.0
        self._told_others = self._others = others
        peers.saw_others(others * self._share)
        self._reports_latency = latency_s is not None
        if latency_s is not None:
            if latency_s < LEAST_S:
                latency_s = LEAST_S
            # Answers to probes are enough to learn from, and come at a bounded rate.
            if (
                not on_response
                and rif != self._reported_rif
                and now_s - self.reported_s < _PAIR_S
                and self._reported_latency_s
            ):
                peers.saw_pair((rif + 1.0) / (self._reported_rif + 1.0), latency_s / self._reported_latency_s)
            self._reported_rif, self._reported_latency_s = rif, latency_s
            peers.saw_latency(latency_s)
            self._know_unit(latency_s / (rif * self._share + 1.0) ** peers.exponent)
        self._draining = state is LoadState.DRAINING
        self.says_warming = state is LoadState.WARMING
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

    def told_elsewhere(self, in_flight: int) -> None:
        """This gateway's other processes have so many requests there.

        What a backend reports holds them already; one that never has is at least as busy as all of us made it.
        """
        if self.reported_s == -inf:
            self._others = float(in_flight)
            self._believe()

    def refresh(self, now_s: float, max_age_s: float) -> None:
        """Let time count: an old report fades; silence with requests out counts as latency.

        :param max_age_s: after this a report fades even where it does not before: by half each *max_age_s*.
        """
        age_s = now_s - self.reported_s
        if age_s < inf:
            peers = self._peers
            fade_s = peers.fade_s
            if fade_s < inf:
                usual = peers.others / self._share
                self._others = usual + (self._told_others - usual) * fade_s / (fade_s + age_s)
            elif age_s > max_age_s:
                self._others = self._told_others * 2.0 ** (1.0 - age_s / max_age_s)
        if self.in_flight:
            self._silence_s = (now_s - self._alive_s) / PATIENCE
        self._believe()

    def estimate(self, now_s: float, max_age_s: float) -> Estimate:
        """What is believed, for people; weight and holding back left out."""
        reported = self.reported_s > -inf
        if reported:
            source = EstimateSource.REPORTED if now_s - self.reported_s <= max_age_s else EstimateSource.STALE
        else:
            source = EstimateSource.ASSUMED if self._unit_s is None else EstimateSource.MEASURED
        rif = self._others + self.in_flight
        latency_s = None
        if self._unit_s is not None:
            latency_s = max(self._unit_s * (rif * self._share + 1.0) ** self._peers.exponent, self._silence_s)
        return Estimate(rif, latency_s, now_s - self.reported_s if reported else None, source)

    def _measure(self, latency_s: float, now_s: float) -> None:
        # A sample after a long silence counts (almost) fully: an old high value must not outlive its cause.
        gap_s = now_s - self._measured_s
        if latency_s < LEAST_S:
            latency_s = LEAST_S
        weight = 1.0 if gap_s >= 60.0 else max(0.0625, gap_s / (gap_s + 1.0))
        # The ratio of two averages, not the average of ratios, which a few samples at low counts would dominate.
        self._mean_latency_s += weight * (latency_s - self._mean_latency_s)
        self._mean_in_flight += weight * (self.in_flight - self._mean_in_flight)
        self._measured_s = now_s
        self._know_unit(self._mean_latency_s / self._mean_in_flight)

    def _know_unit(self, unit_s: float) -> None:
        if unit_s < LEAST_S:
            unit_s = LEAST_S
        self._unit_s = unit_s
        self._speed = unit_s**self._peers.latency_weight
        self._peers.saw_unit(unit_s)

    def _believe(self) -> None:
        peers = self._peers
        rif = (self._others + self.in_flight) * self._share
        width: float = (rif + 1.0) ** peers.exponent
        unit_s = self._unit_s
        if unit_s is None:
            unit_s = peers.unit_s
            score: float = width * unit_s**peers.latency_weight
        else:
            score = width * self._speed
        latency_s = unit_s * width
        if latency_s < self._silence_s:
            score *= self._silence_s / latency_s
            latency_s = self._silence_s
        if self._cold != 1.0:
            rif = (rif + 1.0) * self._cold - 1.0
            latency_s *= self._cold
            score *= self._cold
        if self._failing or self._draining:
            rif += HELD_BACK
            latency_s += HELD_BACK
            score += HELD_BACK
        self.rif = rif
        self.latency_s = latency_s
        self.score = score
