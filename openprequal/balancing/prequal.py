"""Which backend will answer soonest? Prequal, asynchronous mode, from reports that are already here."""

from collections.abc import Collection, Mapping

from zope.interface import implementer

from openprequal.balancing.candidates import Candidates
from openprequal.balancing.failures import FailureRecord
from openprequal.balancing.hot_cold import choose
from openprequal.balancing.parameters import PrequalParameters, read_parameters
from openprequal.balancing.trials import Trials
from openprequal.interfaces import BalancerContext, IBalancer, IRequest
from openprequal.probing.estimate import Estimate, LoadEstimate, PeerLatency
from openprequal.probing.prober import Prober
from openprequal.probing.rate import FractionalRate
from openprequal.probing.reuse import reuse_budget, round_randomly
from openprequal.probing.rif_distribution import RifDistribution
from openprequal.values import Backend, LoadReport, Outcome, PickReason


@implementer(IBalancer)
class Prequal:
    """Prequal (Wydrowski et al., NSDI 2024, section 4), with rules of our own where the paper has none.

    Every query sends ``probe_rate`` probes, whose answers serve later picks out of the probe pool by the hot-cold rule.
    Reports on responses, and late ones, enter the same pool.

    Where the formula of the reuse budget is undefined, which at the baseline is up to 24 backends, a report serves one
    pick and none is removed but by age. Further deviations, each with its switch in
    :class:`~openprequal.balancing.parameters.PrequalParameters`:

    - ``estimate_missing``: what to do where reports are few (:mod:`~openprequal.balancing.candidates`);
    - ``near_ratio``: near-equal latencies are equal (the same module);
    - ``slow_limit``: being idle is not enough to win (:mod:`~openprequal.balancing.hot_cold`);
    - ``trial_every``: who is passed over gets a chance now and then (:mod:`~openprequal.balancing.trials`);
    - ``hold_back_failing``: failing fast is not being fast (:mod:`~openprequal.balancing.failures`).

    Call :meth:`tick` every :attr:`tick_interval_s`: probes while idle, and the passing of time in the estimates. An
    answer to a probe comes by the probe transport's callback alone; :meth:`reported` is for reports on responses, and
    for late answers and heartbeats.

    :ivar parameters: what it was configured with.
    :ivar last_reason: why the last pick fell as it did.
    :ivar probe_results: probes by what became of them (:class:`~openprequal.probing.prober.Prober`); live.
    """

    tick_interval_s = 0.1

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        self.parameters = given = read_parameters(PrequalParameters, context.parameters, "prequal")
        self.pick_counts: dict[str, int] = {reason.value: 0 for reason in PickReason}
        self.last_reason: PickReason | None = None
        self._seconds = context.clock.seconds
        self._rng = context.rng
        # Every backend that is up, and those that are down with requests of ours still under way.
        self._known: dict[str, LoadEstimate] = {}
        self._peers = PeerLatency()
        self._candidates = Candidates(given.pool_size, given.max_age_seconds, given.estimate_missing, context.rng)
        self._rifs = RifDistribution(given.q_rif)
        self._removals = FractionalRate(given.remove_rate)
        self._reuse: float | None = None
        self._trials = Trials(given.trial_every, given.max_age_seconds)
        self._failures = FailureRecord() if given.hold_back_failing else None
        self._ticked_s = context.clock.seconds()
        self._prober = Prober(
            context.probes,
            self._candidates.up.sample,
            self._probe_ended,
            rate=given.probe_rate,
            interval_s=given.probe_interval_seconds,
            per_second=given.max_probes_per_second,
            idle_s=given.idle_probe_seconds,
            idle_stop_s=given.idle_stop_seconds,
        )
        self.probe_results: Mapping[str, int] = self._prober.results

    # Who may be picked.

    def up(self, backend: Backend) -> None:
        load = self._know(backend)
        load.replace(backend)
        if not load.is_up:
            self._candidates.joined(load)
            if self._failures:
                self._failures.joined(load)
            self._set_reuse()
            self._prober.joined(load, self._seconds())

    def down(self, backend: Backend) -> None:
        load = self._known.get(backend.id)
        if load is not None and load.is_up:
            self._candidates.left(load)
            if self._failures:
                self._failures.left(load)
            self._set_reuse()
            self._forget_if_gone(load)

    def reweighted(self, backend: Backend) -> None:
        load = self._known.get(backend.id)
        if load is not None:
            load.replace(backend)

    # The way of a request.

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | None:
        now_s = self._seconds()
        load = self._trials.next(self._candidates.up, now_s)
        if load is not None and load.id not in exclude:
            return self._picked(load, PickReason.TRIAL)
        candidates = self._candidates.among(exclude, now_s)
        if len(candidates) >= 2:
            given = self.parameters
            chosen, reason = choose(
                candidates,
                self._rifs.threshold,
                self._rng.random,
                slow_limit=given.slow_limit,
                near_ratio=given.near_ratio,
            )
            return self._picked(chosen, reason)
        load = self._candidates.draw(exclude)
        return None if load is None else self._picked(load, PickReason.RANDOM)

    def started(self, backend: Backend) -> None:
        now_s = self._seconds()
        load = self._know(backend)
        load.started(now_s)
        probe_pool = self._candidates.probe_pool
        probe_pool.spend(load)
        if self._reuse is not None:
            for _ in range(self._removals.next()):
                # The paper's pool is nearly full by design. Ours is not where a budget keeps probes scarce, and then
                # removing more than comes in would only leave picks without reports.
                if 2 * len(probe_pool) > self.parameters.pool_size:
                    probe_pool.remove_one(self._rifs.threshold)
        self._prober.queried(now_s)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        load = self._known.get(backend.id)
        if load is None:
            return
        now_s = self._seconds()
        failed = outcome.failed
        load.finished(now_s, None if failed else outcome.latency_s)
        if self._failures and (failed or load.waste):
            self._failures.outcome(load, failed)
        if load in self._candidates.silent:
            # It has its part in the distribution by what we see of it.
            self._observe(load, load.in_flight, now_s)
        elif not load.is_up:
            self._forget_if_gone(load)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        load = self._known.get(backend.id)
        if load is not None and load.is_up and report.rif is not None:
            self._heard(load, report, report.rif, True)

    def _probe_ended(self, load: LoadEstimate, report: LoadReport | None) -> None:
        if report is None or report.rif is None:
            self._candidates.silent.add(load)
        else:
            self._heard(load, report, report.rif, False)

    def _heard(self, load: LoadEstimate, report: LoadReport, rif: float, on_response: bool) -> None:
        now_s = self._seconds()
        load.heard(report, now_s, on_response)
        self._observe(load, rif, now_s)
        reuse = self._reuse
        self._candidates.reported(load, 1 if reuse is None else round_randomly(reuse, self._rng))

    def _observe(self, load: LoadEstimate, rif: float, now_s: float) -> None:
        # At most as often as probes come: responses would let the busiest backends alone say what is usual.
        if now_s - load.seen_s >= self.parameters.probe_interval_seconds:
            load.seen_s = now_s
            self._rifs.observe(rif / load.backend.weight)

    def _picked(self, load: LoadEstimate, reason: PickReason) -> Backend:
        self.last_reason = reason
        self.pick_counts[reason] += 1
        return load.backend

    def _know(self, backend: Backend) -> LoadEstimate:
        load = self._known.get(backend.id)
        if load is None:
            load = self._known[backend.id] = LoadEstimate(backend, self._peers)
        return load

    def _forget_if_gone(self, load: LoadEstimate) -> None:
        if not load.is_up and not load.in_flight:
            self._known.pop(load.id, None)

    def _set_reuse(self) -> None:
        given = self.parameters
        backends = len(self._candidates.up)
        self._reuse = reuse_budget(given.pool_size, backends, given.probe_rate, given.remove_rate, given.delta)

    # Time, and what others may want to see.

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        now_s = self._seconds()
        self._candidates.refresh(now_s)
        if self._failures:
            self._failures.tick(now_s - self._ticked_s)
        self._ticked_s = now_s
        if self._candidates.up:
            self._prober.tick(now_s)

    @property
    def probe_pool_size(self) -> int:
        """Reports that picks may use now."""
        self._candidates.probe_pool.expire(self._seconds())
        return len(self._candidates.probe_pool)

    @property
    def rif_threshold(self) -> float:
        """RIF from which a backend is hot now; infinite while nothing is known."""
        return self._rifs.threshold

    def estimates(self) -> Mapping[str, Estimate]:
        """What is believed of each backend that is up, by id. Not for the hot path."""
        now_s = self._seconds()
        max_age_s = self.parameters.max_age_seconds
        return {load.id: load.estimate(now_s, max_age_s) for load in self._candidates.up}
