"""Which backend answers fastest, by what was last seen?"""

from collections.abc import Collection
from math import exp, inf

from attrs import frozen
from zope.interface import implementer

from openprequal.balancing.explanation import of_ranked
from openprequal.balancing.in_flight_counts import InFlightCounts
from openprequal.balancing.least_load import LeastLoad
from openprequal.balancing.parameters import number, read_parameters
from openprequal.balancing.power_of_two import PowerOfTwo
from openprequal.balancing.ranked import LoadChoice, Ranked
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IRequest
from openprequal.probing.estimate import EstimateSource
from openprequal.probing.polling import Polling
from openprequal.values import Backend, Ending, LoadReport, Outcome, PickReason


@frozen
class LeastLatencyParameters:
    """What may be set on the two rules that go by latency alone."""

    decay_seconds: float = number(1.0, 0.001, 3600)
    """Time constant of the moving average of measured latencies; what a backend reports is taken as it is."""
    forget_seconds: float = number(10.0, 0.1, 86400)
    """A backend that was not seen for so long is unknown again and gets one request, to learn of it."""
    failure_seconds: float = number(5.0, 0, 3600)
    """Least latency of a backend whose last request failed, until one succeeds or it is forgotten."""
    poll_interval_seconds: float = number(0.5, 0.05, 3600)
    """Every backend is asked for its latency once in so long; reports on responses count as well."""
    max_probes_per_second: float = number(1000, 1)
    """To all backends together, from this process; where it is reached the interval is longer."""


class _Timed(Ranked):
    """A backend with its latency, as it reported it or as we measured it."""

    __slots__ = ("failed_s", "latency_s", "reports", "seen_s")

    def __init__(self, backend: Backend) -> None:
        self.latency_s: float | None = None
        """None: unknown."""
        self.reports = False
        """Its own word is known, and better: it sees everyone's requests."""
        self.seen_s = -inf
        self.failed_s: float | None = None
        """When its last request failed; None: it did not."""
        super().__init__(backend)

    def believe(self, failure_s: float) -> None:
        """Bring the load up to date; while it is unknown it gets one request at a time."""
        latency_s = self.latency_s
        if self.failed_s is not None:
            latency_s = failure_s if latency_s is None or latency_s < failure_s else latency_s
        if latency_s is not None:
            self.load = latency_s * self.share
        else:
            self.load = inf if self.in_flight else 0.0


@implementer(IBalancer, IExplainsPicks)
class LeastLatency:
    """The backend of lowest latency for its weight: reported, or else an average of what this process measured.

    It herds: every request goes to the one backend that looked fastest, until the flood has shown in its latency, which
    is one whole latency later; then all go to the next. Nothing is said of how many are under way. Take it only where
    backends are never near their limits and differ in distance rather than load, for example in several regions; else
    :class:`~openprequal.balancing.peak_ewma.PeakEwma` or Prequal. Who is passed over is seen again by polling, or after
    ``forget_seconds`` by one request. A backend that fails counts as slow.
    """

    tick_interval_s = 0.05
    _name = "least_latency"

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        self.parameters = given = read_parameters(LeastLatencyParameters, context.parameters, self._name)
        self.pick_counts = {PickReason.LEAST.value: 0}
        self._seconds = context.clock.seconds
        self._rng = context.rng
        self._counts = InFlightCounts(_Timed, context.rng.random)
        self._choice = self._choice_for(context)
        self._polling: Polling[_Timed] = Polling(
            context.probes,
            self._polled,
            interval_s=given.poll_interval_seconds,
            per_second=given.max_probes_per_second,
        )
        self.probe_results = self._polling.results

    def _choice_for(self, context: BalancerContext) -> LoadChoice[_Timed]:
        return LeastLoad()

    def up(self, backend: Backend) -> None:
        member = self._counts.joined(backend)
        member.believe(self.parameters.failure_seconds)
        self._choice.add(member)
        self._polling.add(member)

    def down(self, backend: Backend) -> None:
        member = self._counts.left(backend)
        if member is not None:
            self._choice.discard(member)
            self._polling.discard(member)

    def reweighted(self, backend: Backend) -> None:
        member = self._counts.replaced(backend)
        if member is not None:
            self._settle(member)

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        member = self._choice.choose(exclude)
        if member is None:
            return None
        self.pick_counts[PickReason.LEAST] += 1
        return member.backend

    def started(self, backend: Backend) -> None:
        member = self._counts.started(backend)
        if member.latency_s is None:
            self._settle(member)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        member = self._counts.finished(backend)
        if member is None:
            return
        if outcome.failed:
            member.failed_s = self._seconds()
        elif outcome.ending is Ending.RESPONSE:
            member.failed_s = None
            if outcome.latency_s is not None and not member.reports:
                self._measure(member, outcome.latency_s)
        self._settle(member)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        member = self._counts.get(backend)
        if member is not None and report.latency_s is not None:
            self._heard(member, report.latency_s)

    def _polled(self, member: _Timed, report: LoadReport | None) -> None:
        if report is not None and report.latency_s is not None:
            self._heard(member, report.latency_s)
        # Each backend is asked once in every interval: that is when to see what is too old, too.
        long_ago_s = self._seconds() - self.parameters.forget_seconds
        if member.seen_s < long_ago_s:
            member.latency_s = None
            member.reports = False
        if member.failed_s is not None and member.failed_s < long_ago_s:
            member.failed_s = None
        self._settle(member)

    def _heard(self, member: _Timed, latency_s: float) -> None:
        member.reports = True
        member.latency_s = latency_s
        member.seen_s = self._seconds()
        self._settle(member)

    def _measure(self, member: _Timed, latency_s: float) -> None:
        now_s = self._seconds()
        if member.latency_s is None:
            member.latency_s = latency_s
        else:
            kept = exp((member.seen_s - now_s) / self.parameters.decay_seconds)
            member.latency_s = latency_s + (member.latency_s - latency_s) * kept
        member.seen_s = now_s

    def _settle(self, member: _Timed) -> None:
        member.believe(self.parameters.failure_seconds)
        self._choice.moved(member)

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        self._polling.tick(self._seconds())

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """See :class:`~openprequal.interfaces.IExplainsPicks`."""
        now_s = self._seconds()

        def described(member: _Timed, compared: bool) -> Considered:
            source = EstimateSource.REPORTED if member.reports else EstimateSource.MEASURED
            return Considered(
                id=member.id,
                figure=member.load,
                compared=compared,
                latency_s=member.latency_s,
                age_s=now_s - member.seen_s if member.latency_s is not None else None,
                source=(EstimateSource.ASSUMED if member.latency_s is None else source).value,
            )

        compares = "latency in seconds for its weight"
        return of_ranked(self._choice, self._counts.up, exclude, self._rng, compares, described)


class LeastLatencyP2C(LeastLatency):
    """Of two backends drawn at random the one of lower latency for its weight.

    As :class:`LeastLatency`; the draw halves the herding and does not end it: the fastest gets twice its share, the
    slowest none while any other is known to be faster. Its place is where that of :class:`LeastLatency` is, with many
    backends.
    """

    _name = "least_latency_p2c"

    def _choice_for(self, context: BalancerContext) -> LoadChoice[_Timed]:
        return PowerOfTwo(self._counts.up, context.rng.random)
