"""A run does to the balancers what a fleet would, and the same every time."""

from collections.abc import Iterator
from itertools import pairwise
from math import inf
from statistics import mean
from typing import Any

import pytest
from attrs import evolve

from openprequal.balancing.catalogue import BALANCERS
from openprequal.balancing.round_robin import RoundRobin
from openprequal.interfaces import BalancerContext, IRequest
from openprequal.simulation import run as run_module
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.gateway import SimulatedGateway
from openprequal.simulation.rules import RIVALS
from openprequal.simulation.run import OMNISCIENT, Rule, Run, run
from openprequal.simulation.scenario import Failing, Joining, Restarting, Scenario, Servers, Work
from openprequal.values import Backend, Ending, LoadReport, Outcome

SMALL = evolve(SCENARIOS["antagonists-0.9"], requests=400)
ALL = [*BALANCERS, OMNISCIENT]


class Watched(RoundRobin):
    """Round robin that keeps what it is told."""

    made: "list[Watched]"

    def __init__(self, context: BalancerContext) -> None:
        super().__init__(context)
        self.seconds = context.clock.seconds
        self.started_at: list[tuple[float, str]] = []
        self.outcomes: list[Outcome] = []
        self.reports: list[LoadReport] = []
        self.seen: list[tuple[float, IRequest]] = []
        Watched.made.append(self)

    def pick(self, request: IRequest, exclude: Any) -> Backend | None:
        self.seen.append((self.seconds(), request))
        return super().pick(request, exclude)

    def started(self, backend: Backend) -> None:
        self.started_at.append((self.seconds(), backend.id))
        super().started(backend)

    def finished(self, backend: Backend, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        super().finished(backend, outcome)

    def reported(self, backend: Backend, report: LoadReport) -> None:
        self.reports.append(report)
        super().reported(backend, report)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Watched]]:
    Watched.made = []
    monkeypatch.setattr(run_module, "BALANCERS", {"watched": Watched})
    yield Watched.made
    Watched.made = []


def fleet(**changes: Any) -> Scenario:
    return evolve(Scenario("fleet", "", (Servers(4),), 2, 0.5, requests=2000, warm_up=0.0), **changes)


@pytest.mark.parametrize("balancer", ALL)
def test_the_same_seed_gives_the_same_result(balancer: str) -> None:
    assert run(SMALL, Rule(balancer), 3) == run(SMALL, Rule(balancer), 3)


def test_another_seed_gives_another_result() -> None:
    assert run(SMALL, Rule("random"), 3).quantiles != run(SMALL, Rule("random"), 4).quantiles


def test_all_rules_see_the_same_arrivals(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, float, str]] = []
    request = SimulatedGateway.request

    def noted(self: SimulatedGateway, one: Any) -> None:
        seen.append((self._clock.now, one.work_s, one.client))
        request(self, one)

    monkeypatch.setattr(SimulatedGateway, "request", noted)
    by_rule = []
    for balancer in ("random", "least_rif", OMNISCIENT):
        seen.clear()
        run(SMALL, Rule(balancer), 1)
        by_rule.append(list(seen))
    assert len(by_rule[0]) == SMALL.requests
    assert by_rule[0] == by_rule[1] == by_rule[2]


@pytest.mark.parametrize("balancer", ALL)
def test_nothing_is_in_flight_in_the_end(balancer: str) -> None:
    running = Run(evolve(SMALL, deadline_s=0.1), Rule(balancer), 1)
    measured = running.measured(0.0)
    assert measured.timed_out > 0
    assert [(each.tracker.rif, each.expected, each.serving.jobs) for each in running._replicas.values()] == [
        (0, 0, 0)
    ] * 20


def test_every_request_that_is_started_is_finished_once(watched: list[Watched]) -> None:
    run(fleet(load=1.5, deadline_s=0.2), Rule("watched"), 1)
    assert sum(len(balancer.started_at) for balancer in watched) == 2000
    assert sum(len(balancer.outcomes) for balancer in watched) == 2000


def test_a_deadline_ends_requests_at_its_time_and_counts_them_as_slowest() -> None:
    running = Run(fleet(load=2.0, deadline_s=0.2), Rule("round_robin"), 1)
    measured = running.measured(0.0)
    assert measured.timed_out > 100
    assert measured.errors == measured.timed_out / measured.requests
    assert measured.quantiles[0.999] == inf
    assert max(running._recorder.latencies) <= 0.2


def test_time_outs_are_told_to_the_balancer_at_the_deadline(watched: list[Watched]) -> None:
    run(fleet(servers=(Servers(1, cores=1.0),), proxies=1, load=5.0, deadline_s=0.2, requests=50), Rule("watched"), 1)
    endings = {outcome.ending for outcome in watched[0].outcomes}
    assert endings == {Ending.RESPONSE, Ending.TIMEOUT}


def test_a_failing_server_answers_503_at_once_for_its_time(watched: list[Watched]) -> None:
    measured = run(fleet(failing=Failing(share=1.0, begin=0.25, end=0.75, after_s=0.001)), Rule("watched"), 1)
    failures = [outcome for balancer in watched for outcome in balancer.outcomes if outcome.status == 503]
    # One of four servers, for half of the time.
    assert measured.failed == len(failures) == pytest.approx(2000 / 8, rel=0.1)
    assert all(outcome.latency_s == pytest.approx(0.001 + 0.0005) for outcome in failures)


def test_a_joiner_gets_nothing_before_it_joins_and_its_share_afterwards(watched: list[Watched]) -> None:
    scenario = fleet(joining=Joining(at=0.5, cold_s=0.1, cold_speed=0.5))
    run(scenario, Rule("watched"), 1)
    first = min(at for balancer in watched for at, backend in balancer.started_at if "10.0.0.4" in backend)
    assert first - 1000.0 == pytest.approx(scenario.seconds / 2, abs=0.2)


def test_a_restarting_server_gets_nothing_while_it_drains_and_is_away(watched: list[Watched]) -> None:
    scenario = fleet(restarting=Restarting(drain_s=1.0, away_s=0.5, cold_s=0.1), requests=6000)
    run(scenario, Rule("watched"), 1)
    for number in range(1, 5):
        times = sorted(at for b in watched for at, backend in b.started_at if f"10.0.0.{number}:" in backend)
        pauses = [later - earlier for earlier, later in pairwise(times)]
        assert 1.5 <= max(pauses) < 2.0
        assert sorted(pauses)[-2] < 0.5


def test_reports_tell_utilisation_and_rates_of_the_last_second(watched: list[Watched]) -> None:
    run(fleet(load=0.5, requests=4000), Rule("watched"), 1)
    told = [report for balancer in watched for report in balancer.reports if report.utilization is not None]
    assert mean(report.utilization or 0.0 for report in told) == pytest.approx(0.5, rel=0.2)
    # Two cores for 30 ms each, half used.
    assert mean(report.rps or 0.0 for report in told) == pytest.approx(33.3, rel=0.1)
    assert {report.eps for report in told} == {0.0}


def test_work_that_times_out_was_work_all_the_same(watched: list[Watched]) -> None:
    measured = run(fleet(load=2.0, deadline_s=0.2, requests=4000), Rule("watched"), 1)
    told = [report for balancer in watched for report in balancer.reports if report.utilization is not None]
    assert measured.errors > 0.3
    assert mean(report.utilization or 0.0 for report in told) == pytest.approx(1.0, rel=0.05)
    assert mean(report.eps or 0.0 for report in told) > 0.2 * mean(report.rps or 0.0 for report in told)


def test_servers_that_do_not_report_tell_nothing(watched: list[Watched]) -> None:
    run(fleet(servers=(Servers(4, reports=False),)), Rule("watched"), 1)
    assert [balancer.reports for balancer in watched] == [[], []]


def test_requests_come_from_many_clients(watched: list[Watched]) -> None:
    run(fleet(), Rule("watched"), 1)
    assert len({request.client for balancer in watched for _, request in balancer.seen}) > 500


@pytest.mark.parametrize("balancer", ["ring_hash", "maglev"])
def test_rules_that_hash_use_all_servers(balancer: str) -> None:
    assert min(run(fleet(), Rule(balancer), 1).shares) > 0.1


@pytest.mark.parametrize("shape", ["exponential", "constant"])
def test_one_shared_core_has_the_mean_sojourn_of_queueing_theory(shape: str) -> None:
    # M/G/1 with processor sharing: E[S] / (1 - load), whatever the law of the work.
    one = fleet(servers=(Servers(1, cores=1.0),), proxies=1, load=0.6, work=Work(0.03, shape), requests=40_000)
    running = Run(evolve(one, round_trip_s=0.0), Rule("round_robin"), 1)
    running.measured(0.0)
    assert mean(running._recorder.latencies) == pytest.approx(0.03 / (1 - 0.6), rel=0.05)


def test_a_queue_of_one_worker_has_the_mean_sojourn_of_queueing_theory() -> None:
    # M/D/1: E[S] (1 + load / (2 (1 - load))).
    one = fleet(servers=(Servers(1, cores=1, queued=True),), proxies=1, load=0.6, requests=40_000)
    running = Run(evolve(one, work=Work(0.03, "constant"), round_trip_s=0.0), Rule("round_robin"), 1)
    running.measured(0.0)
    assert mean(running._recorder.latencies) == pytest.approx(0.03 * (1 + 0.6 / 0.8), rel=0.05)


def test_nobody_is_better_than_who_knows_everything() -> None:
    scenario = evolve(SCENARIOS["antagonists-0.9"], requests=4000)
    limit = run(scenario, Rule(OMNISCIENT), 1).quantiles
    for balancer in (*RIVALS, "prequal"):
        quantiles = run(scenario, Rule(balancer), 1).quantiles
        assert limit[0.99] <= quantiles[0.99], balancer
        assert limit[0.5] <= quantiles[0.5], balancer


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_runs_to_its_end(scenario: str) -> None:
    measured = run(evolve(SCENARIOS[scenario], requests=500), Rule("least_in_flight"), 1)
    assert measured.requests == 425
    assert measured.timed_out == 0
    assert sum(measured.shares) == pytest.approx(1.0)


def test_a_stream_is_measured_to_its_first_byte() -> None:
    alone = fleet(
        servers=(Servers(1, cores=1000, queued=True, streams=True, allotted=1.0),), proxies=1, load=0.1, requests=200
    )
    measured = run(alone, Rule("round_robin"), 1)
    assert measured.quantiles[0.99] == pytest.approx(alone.round_trip_s)
    queued = evolve(alone, servers=(Servers(1, cores=1, queued=True, streams=True),), load=0.9)
    assert run(queued, Rule("round_robin"), 1).quantiles[0.99] > 0.03


def test_polled_servers_tell_nothing_on_responses_and_are_asked_at_intervals() -> None:
    polled = fleet(servers=(Servers(4, cores=2, queued=True),), polled_s=0.1, proxies=2)
    measured = run(polled, Rule("least_rif"), 1)
    asked = measured.probes * polled.requests
    assert asked == pytest.approx(4 * 2 * polled.seconds / 0.1, rel=0.2)


def test_polled_requests_in_flight_beat_ones_own_count() -> None:
    kinds = tuple(Servers(2, cores=8, speed=speed, queued=True, streams=True) for speed in (0.6, 1.0, 1.4))
    inference = fleet(servers=kinds, polled_s=0.1, proxies=4, load=0.8, requests=6000, work=Work(2.0, "exponential"))
    ours, theirs = (run(inference, Rule(name), 1).quantiles[0.99] for name in ("least_rif", "least_in_flight"))
    assert ours < 0.8 * theirs
