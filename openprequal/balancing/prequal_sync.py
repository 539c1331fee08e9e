"""Which backend will answer soonest? Prequal, synchronous mode: ask a few, wait for nearly all of them, choose."""

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from functools import partial
from typing import cast

from zope.interface import implementer

from openprequal.balancing.explanation import ONLY_ONE, by_rule, considered, for_people, nobody, same_draws
from openprequal.balancing.failures import FailureRecord
from openprequal.balancing.hot_cold import choose
from openprequal.balancing.indexed_set import IndexedSet
from openprequal.balancing.parameters import PrequalSyncParameters, read_parameters
from openprequal.balancing.probe_round import AsTold, Candidate, ProbeRound, Replica
from openprequal.explanations import PickExplanation
from openprequal.hints import HintRule
from openprequal.interfaces import BalancerContext, IBalancer, IExplainsPicks, IPending, IRequest
from openprequal.probing.estimate import Estimate, LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.probing.rif_distribution import RifDistribution
from openprequal.values import Backend, LoadReport, Outcome, PickReason

_MAX_AGE_S = 1.0
"""Reports older than this fade where a pick has to do without answers."""


@implementer(IBalancer, IExplainsPicks)
class PrequalSync:
    """Prequal in sync mode (Wydrowski et al., NSDI 2024, section 4): no probe pool, fresh probes for each request.

    A pick draws ``probes_per_query`` backends uniformly without replacement and probes each; when all but one have
    answered, or after ``wait_seconds``, the hot-cold rule chooses among the answers. A probe may carry a hint of its
    request (:mod:`openprequal.hints`); the answer then counts as it is, for this one request.

    Rules of our own where the paper has none:

    - Where nobody answered, the rule chooses by what is believed of those asked: what we have in flight there, and
      reports on responses. Who has never reported at all is judged so beside the others' answers; a backend that does
      report, but not now, is not: silence never looks idle.
    - Who did not answer within the wait is asked again, but not waited for until it answers in time.
    - One answer is no choice: with two backends, both are waited for. One backend is picked without a probe.
    - ``slow_limit``, ``near_ratio`` and ``hold_back_failing`` are those of the asynchronous mode
      (:class:`~openprequal.balancing.prequal.Prequal`).

    Call :meth:`tick` every :attr:`tick_interval_s`: it ends waiting.

    :ivar parameters: what it was configured with.
    :ivar last_reason: why the last pick fell as it did.
    :ivar probe_results: probes by what became of them (:class:`~openprequal.probing.prober.Prober`); live.
    """

    tick_interval_s = 0.01

    def __init__(self, context: BalancerContext) -> None:
        """:raises ConfigurationError: a parameter is unknown or out of bounds."""
        self.parameters = given = read_parameters(PrequalSyncParameters, context.parameters, "prequal_sync")
        self.pick_counts: dict[str, int] = {reason.value: 0 for reason in PickReason}
        self.probe_results = {"sent": 0, "answered": 0, "unanswered": 0, "discarded": 0}
        self.last_reason: PickReason | None = None
        self._seconds = context.clock.seconds
        self._rng = context.rng
        self._random = context.rng.random
        self._probe = context.probes.probe
        self._hint = HintRule.parse(given.hint)
        # Every backend that is up, and those that are down with requests of ours still under way.
        self._known: dict[str, Replica] = {}
        self._up: IndexedSet[Replica] = IndexedSet(context.rng.random)
        self._peers = Peers()
        self._rifs = RifDistribution(given.q_rif)
        self._failures = FailureRecord() if given.hold_back_failing else None
        self._rounds: deque[ProbeRound] = deque()  # in the order of their deadlines; those that are over too
        self._ticked_s = context.clock.seconds()

    # Who may be picked.

    def up(self, backend: Backend) -> None:
        replica = self._know(backend)
        load = replica.load
        load.replace(backend)
        if not load.is_up:
            load.is_up = True
            self._up.add(replica)
            if self._failures:
                self._failures.joined(load)

    def down(self, backend: Backend) -> None:
        replica = self._known.get(backend.id)
        if replica is not None and replica.load.is_up:
            replica.load.is_up = False
            self._up.discard(replica)
            if self._failures:
                self._failures.left(replica.load)
            self._forget_if_gone(replica.load)

    def reweighted(self, backend: Backend) -> None:
        replica = self._known.get(backend.id)
        if replica is not None:
            replica.load.replace(backend)

    # The way of a request.

    def pick(self, request: IRequest, exclude: Collection[str]) -> Backend | IPending | None:
        drawn = self._draw(exclude)
        if len(drawn) < 2:
            return self._picked(drawn[0].load, PickReason.RANDOM) if drawn else None
        hint = self._hint.of(request.path, request.header)
        as_told = bool(hint) and self.parameters.scaled_reports
        probes = ProbeRound(drawn, exclude, self._seconds() + self.parameters.wait_seconds)
        self.probe_results["sent"] += len(drawn)
        for replica in drawn:
            self._probe(replica.load.backend, partial(self._answered, probes, replica, as_told), hint)
        if probes.enough:  # there is nobody to wait for
            probes.over = True
            return self._estimated(probes)
        self._rounds.append(probes)
        return probes

    def started(self, backend: Backend) -> None:
        self._know(backend).load.started(self._seconds())

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        replica = self._known.get(backend.id)
        if replica is None:
            return
        load, failed = replica.load, outcome.failed
        load.finished(self._seconds(), None if failed else outcome.latency_s)
        if self._failures and (failed or load.waste):
            self._failures.outcome(load, failed, self._seconds())
        self._forget_if_gone(load)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        replica = self._known.get(backend.id)
        if replica is not None and replica.load.is_up and report.rif is not None:
            replica.told = True
            replica.load.heard(report, self._seconds(), True)

    def _draw(self, exclude: Collection[str]) -> Sequence[Replica]:
        """Whom to ask, in an order in which nobody is more often the last, who may not be waited for."""
        count = self.parameters.probes_per_query
        drawn = self._up.sample(count + len(exclude))
        if exclude:
            drawn = [each for each in drawn if each.load.id not in exclude]
        if len(drawn) > count:
            return drawn[:count]
        first = int(self._random() * len(drawn))
        return [*drawn[first:], *drawn[:first]]

    def _answered(self, probes: ProbeRound, replica: Replica, as_told: bool, report: LoadReport | None) -> None:
        """The probe transport's word on one probe."""
        load = replica.load
        candidate: Candidate | None = None
        if not load.is_up:
            self.probe_results["discarded"] += 1
        elif report is None or report.rif is None:
            self.probe_results["unanswered"] += 1
            if not replica.told:
                candidate = load
        else:
            self.probe_results["answered"] += 1
            candidate = self._heard(probes, replica, as_told, report, report.rif)
        probes.answered(replica, candidate)
        if probes.enough and not probes.over:
            self._decide(probes)

    def _heard(self, probes: ProbeRound, replica: Replica, as_told: bool, report: LoadReport, rif: float) -> Candidate:
        load = replica.load
        now_s = self._seconds()
        replica.told = True
        replica.absent = now_s > probes.deadline_s
        self._rifs.observe(rif / load.backend.weight)
        if as_told:
            return AsTold(load, rif, report)
        load.heard(report, now_s, False)
        return load

    def _decide(self, probes: ProbeRound) -> None:
        callback, probes.callback = probes.callback, None
        if callback is not None:
            probes.over = True
            candidates = probes.candidates
            callback(self._choose(candidates) if candidates else self._estimated(probes))

    def _estimated(self, probes: ProbeRound) -> Backend | None:
        """Nobody answered, or those who did may not be picked any more: choose by what is believed without them."""
        loads = [each.load for each in probes.asked if each.load.is_up and each.load.id not in probes.exclude]
        loads = loads or [each.load for each in self._draw(probes.exclude)]
        now_s = self._seconds()
        for load in loads:
            load.refresh(now_s, _MAX_AGE_S)
        return self._choose(loads) if loads else None

    def _choose(self, candidates: Sequence[Candidate]) -> Backend:
        # The rule reads RIF and latency alone, and hands back one of those it was given.
        return self._picked(*self._by_rule(cast("Sequence[LoadEstimate]", candidates)))

    def _by_rule(self, loads: Sequence[LoadEstimate]) -> tuple[LoadEstimate, PickReason]:
        given = self.parameters
        return choose(
            loads, self._rifs.threshold, self._random, slow_limit=given.slow_limit, near_ratio=given.near_ratio
        )

    def _picked(self, chosen: Candidate, reason: PickReason) -> Backend:
        self.last_reason = reason
        self.pick_counts[reason] += 1
        return chosen.backend

    def _know(self, backend: Backend) -> Replica:
        replica = self._known.get(backend.id)
        if replica is None:
            replica = self._known[backend.id] = Replica(LoadEstimate(backend, self._peers))
        return replica

    def _forget_if_gone(self, load: LoadEstimate) -> None:
        if not load.is_up and not load.in_flight:
            self._known.pop(load.id, None)

    # Time, and what others may want to see.

    def tick(self) -> None:
        """Time has passed; call every :attr:`tick_interval_s`."""
        now_s = self._seconds()
        if self._failures:
            self._failures.tick(now_s - self._ticked_s, now_s)
        self._ticked_s = now_s
        while self._rounds and self._rounds[0].deadline_s <= now_s:
            probes = self._rounds.popleft()
            for replica in probes.waiting_for:
                replica.absent = True
            if not probes.over:
                self._decide(probes)

    @property
    def rif_threshold(self) -> float:
        """RIF from which a backend is hot now; infinite while nothing is known."""
        return self._rifs.threshold

    def estimates(self) -> Mapping[str, Estimate]:
        """What is believed of each backend that is up without asking it, by id. Not for the hot path."""
        now_s = self._seconds()
        return {replica.load.id: replica.load.estimate(now_s, _MAX_AGE_S) for replica in self._up}

    def explain(self, request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """Whom the rule would choose by what is believed now of all; a request asks some of them first.

        Nobody is asked for it, and nothing is changed by it. Not for the hot path.
        """
        threshold, compares = self._rifs.threshold, "latency if cold, else RIF"
        now_s = self._seconds()
        loads = [copy(replica.load) for replica in self._up if replica.load.id not in exclude]
        if not loads:
            return nobody(compares, for_people(threshold))
        for load in loads:
            load.refresh(now_s, _MAX_AGE_S)

        def figure(load: LoadEstimate) -> float:
            return load.latency_s if load.rif < threshold else load.rif

        pool = considered(loads, threshold, now_s, _MAX_AGE_S, figure)
        if len(loads) == 1:
            chosen, reason, because = loads[0], PickReason.RANDOM, ONLY_ONE
        else:
            with same_draws(self._rng):
                chosen, reason = self._by_rule(loads)
            asked = min(self.parameters.probes_per_query, len(loads))
            because = (
                f"{by_rule(chosen.id, reason, pool, threshold)}, by what is believed now; a request first asks {asked} "
                f"of {len(loads)}, drawn at random, and their answers decide"
            )
        return PickExplanation(
            picked=chosen.id,
            reason=reason.value,
            compares=compares,
            because=because,
            rif_threshold=for_people(threshold),
            exponent=self._peers.exponent,
            pool=pool,
        )
