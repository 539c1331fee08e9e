"""What do all balancers do that probe for their picks? Everything but the choice among those whose load is known."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from openprequal.balancing.candidates import Candidates
from openprequal.balancing.explanation import DRAWN, considered, for_people, lowest, nobody, same_draws
from openprequal.balancing.failures import FailureRecord
from openprequal.balancing.parameters import ProbingParameters
from openprequal.balancing.trials import Trials
from openprequal.explanations import Considered, PickExplanation
from openprequal.interfaces import BalancerContext, IRequest
from openprequal.probing.estimate import Estimate, LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.probing.prober import Prober
from openprequal.probing.rate import FractionalRate
from openprequal.probing.reuse import reuse_budget, round_randomly
from openprequal.probing.rif_distribution import RifDistribution
from openprequal.values import Backend, LoadReport, Outcome, PickReason

Given = TypeVar("Given", bound=ProbingParameters)


class ProbingBalancer(Generic[Given]):
    """Follows each backend's load by reports and by what it sees itself; :meth:`_choose` is the subclass's part.

    Every query sends ``probe_rate`` probes, whose answers serve later picks out of the probe pool. Reports on
    responses, and late ones, enter the same pool.

    Call :meth:`tick` every :attr:`tick_interval_s`: probes while idle, and the passing of time in the estimates. An
    answer to a probe comes by the probe transport's callback alone; :meth:`reported` is for reports on responses, and
    for late answers and heartbeats.

    :ivar parameters: what it was configured with.
    :ivar last_reason: why the last pick fell as it did.
    :ivar probe_results: probes by what became of them (:class:`~openprequal.probing.prober.Prober`); live.
    :ivar explained: called with every pick's explanation, if set. That costs many times the pick; leave it None.
    """

    tick_interval_s = 0.1
    _reasons: tuple[PickReason, ...] = (PickReason.COLD, PickReason.HOT, PickReason.FAST)
    _compares = "score"

    def __init__(self, context: BalancerContext, given: Given, *, q_rif: float, blend: float) -> None:
        """:param q_rif: quantile of the RIFs from which a backend is hot.
        :param blend: how much latency counts in the score, see :class:`~openprequal.probing.peers.Peers`.
        """
        self.parameters = given
        self.pick_counts: dict[str, int] = {
            reason.value: 0 for reason in (*self._reasons, PickReason.RANDOM, PickReason.TRIAL)
        }
        self.last_reason: PickReason | None = None
        self.explained: Callable[[PickExplanation], None] | None = None
        self._seconds = context.clock.seconds
        self._rng = context.rng
        # Every backend that is up, and those that are down with requests of ours still under way.
        self._known: dict[str, LoadEstimate] = {}
        self._peers = Peers(given.fade_ratio, blend, given.scale_latency)
        self._candidates = Candidates(
            given.pool_size, given.max_age_seconds, given.estimate_missing, context.rng, given.warm_up_seconds
        )
        self._rifs = RifDistribution(q_rif)
        self._removals = FractionalRate(given.remove_rate)
        self._reuse: float | None = None
        self._budgeted = given.reuse_budget
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

    def _choose(self, candidates: Collection[LoadEstimate]) -> tuple[LoadEstimate, PickReason]:
        """The best of *candidates*, two or more, and why."""
        raise NotImplementedError

    def _figure(self, load: LoadEstimate) -> float:
        """What the rule compares."""
        return load.score

    def _because(self, picked: str, reason: PickReason, pool: Sequence[Considered]) -> str:
        """What decided among *pool*, in words."""
        return lowest(picked, self._compares, pool, tie="it was drawn of those")

    # Who may be picked.

    def up(self, backend: Backend) -> None:
        load = self._know(backend)
        load.replace(backend)
        if not load.is_up:
            now_s = self._seconds()
            self._candidates.joined(load, now_s)
            if self._failures:
                self._failures.joined(load)
            self._set_reuse()
            self._prober.joined(load, now_s)

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
        load = self._trials.next(self._candidates.up, now_s) if self._trials.due() else None
        candidates: Collection[LoadEstimate] | None = None
        if load is not None and load.id not in exclude:
            reason = PickReason.TRIAL
        else:
            candidates = self._candidates.among(exclude, now_s, self._peers.fade_s)
            if len(candidates) >= 2:
                load, reason = self._choose(candidates)
            else:
                load, reason = self._candidates.draw(exclude), PickReason.RANDOM
                if load is None:
                    return None
        self.last_reason = reason
        self.pick_counts[reason] += 1
        if self.explained is not None:
            if candidates is None:
                candidates = self._candidates.foreseen(exclude, now_s)
            self.explained(self._explanation(load, reason, candidates, now_s))
        return load.backend

    def started(self, backend: Backend) -> None:
        now_s = self._seconds()
        load = self._know(backend)
        load.started(now_s)
        if self._budgeted:
            self._use_up(load)
        self._prober.queried(now_s)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        load = self._known.get(backend.id)
        if load is None:
            return
        now_s = self._seconds()
        failed = outcome.failed
        load.finished(now_s, None if failed else outcome.latency_s)
        if self._failures and (failed or load.waste):
            self._failures.outcome(load, failed, now_s)
        if load in self._candidates.silent:
            # It has its part in the distribution by what we see of it.
            self._observe(load, load.in_flight, now_s)
        elif not load.is_up:
            self._forget_if_gone(load)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        load = self._known.get(backend.id)
        if load is not None and load.is_up and report.rif is not None and self.parameters.in_band:
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

    def _use_up(self, load: LoadEstimate) -> None:
        """A pick has used the report of *load*; and one or another is removed (section 4 of the paper)."""
        probe_pool = self._candidates.probe_pool
        probe_pool.spend(load)
        # Where the formula is undefined, more would be removed than comes in.
        if self._reuse is not None:
            for _ in range(self._removals.next()):
                probe_pool.remove_one(self._rifs.threshold)

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
        if given.reuse_budget:
            backends = len(self._candidates.up)
            self._reuse = reuse_budget(given.pool_size, backends, given.probe_rate, given.remove_rate, given.delta)

    # Time, and what others may want to see.

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        now_s = self._seconds()
        self._candidates.refresh(now_s)
        if self._failures:
            self._failures.tick(now_s - self._ticked_s, now_s)
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

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """Whom a pick would fall on now, and why, trials apart; nothing is changed by it. Not for the hot path."""
        now_s = self._seconds()
        candidates = self._candidates.foreseen(exclude, now_s)
        load: LoadEstimate | None
        with same_draws(self._rng):
            if len(candidates) < 2:
                load, reason = self._candidates.draw(exclude), PickReason.RANDOM
            else:
                load, reason = self._choose(candidates)
        if load is None:
            return nobody(self._compares, for_people(self._rifs.threshold))
        return self._explanation(load, reason, candidates, now_s)

    def _explanation(
        self, picked: LoadEstimate, reason: PickReason, candidates: Collection[LoadEstimate], now_s: float
    ) -> PickExplanation:
        pool = considered(candidates, self._rifs.threshold, now_s, self.parameters.max_age_seconds, self._figure)
        if reason is PickReason.TRIAL:
            because = "it had no request for a while, and one shows whether it has become better"
        elif reason is PickReason.RANDOM:
            because = f"too little is known of too few, and {DRAWN}"
        else:
            because = self._because(picked.id, reason, pool)
        return PickExplanation(
            picked=picked.id,
            reason=reason.value,
            compares=self._compares,
            because=because,
            rif_threshold=for_people(self._rifs.threshold),
            exponent=self._peers.exponent,
            pool=pool,
        )
