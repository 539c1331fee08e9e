"""What the tail benchmark says of its runs."""

import csv
import io
import json
from pathlib import Path

import pytest

from openprequal.bench.tail.lane import Task
from openprequal.bench.tail.plots import plot
from openprequal.bench.tail.policies import OURS, POLICIES
from openprequal.bench.tail.report import as_csv, as_json, as_text
from openprequal.bench.tail.results import Results
from openprequal.bench.tail.schedule import GivenUp
from openprequal.bench.tail.simulated import comparisons, order_agrees, simulate
from openprequal.simulation.results import Results as SimulationResults
from tests.bench.tail_records import record
from tests.simulation.fleets import measured

RESULTS = Results(
    record("skew-16", policy, p99_s, seed)
    for seed, (ours, theirs) in enumerate([(0.1, 0.2), (0.2, 0.5), (0.3, 0.6)], 1)
    for policy, p99_s in ((OURS, ours), ("haproxy-leastconn", theirs))
)


def test_ours_to_each_peer_is_told_with_its_range() -> None:
    assert "skew-16: openprequal / haproxy-leastconn: p50 0.40 × (0.40–0.50), p99 0.40 × (0.40–0.50)" in as_text(
        RESULTS
    )


def test_the_table_has_medians_ranges_errors_and_time_outs() -> None:
    text = as_text(Results([record("skew-16", OURS, 0.1, failed=1, timed_out=2)]))
    row = next(line for line in text.splitlines() if line.startswith(OURS))
    assert row.split()[:2] == [OURS, "100"]
    assert "0.100" in row
    assert "0.200" in row
    assert "failed" in row


def test_machine_versions_lanes_and_lateness_are_said() -> None:
    text = as_text(RESULTS)
    for said in ("a machine", "haproxy: haproxy-leastconn 1", "2 side by side", "1.0 ms of generators, 2.0 ms of"):
        assert said in text


def test_runs_thrown_away_and_given_up_are_said() -> None:
    results = Results([record("skew-16", OURS, 0.1, thrown_away=["late", "late"])])
    text = as_text(results, [GivenUp(Task("skew-16", "envoy-weighted", 1, 5.0, 10.0), ["late", "later"])])
    assert "2 runs were thrown away as too late and done again" in text
    assert "given up: skew-16, envoy-weighted, seed 1: late; later" in text


def test_nothing_measured_is_said() -> None:
    assert as_text(Results([])) == "nothing was measured\n"


def simulated(ours: float, theirs: float) -> SimulationResults:
    return SimulationResults(
        measured("skew-16", rule, value, seed)
        for seed in (1, 2, 3)
        for rule, value in (("prequal", ours), ("least_in_flight", theirs))
    )


@pytest.mark.parametrize(("theirs", "agrees"), [(0.3, True), (0.05, False)])
def test_the_simulation_agrees_if_the_better_one_is_the_same(theirs: float, agrees: bool) -> None:
    found = comparisons(RESULTS, simulated(0.1, theirs), "skew-16")
    assert [(each.policy, each.agrees) for each in found] == [("haproxy-leastconn", agrees)]
    assert order_agrees(RESULTS, simulated(0.1, theirs), "skew-16") == (int(agrees), 1)
    said = "agrees" if agrees else "does NOT agree"
    assert f"live 0.40 ×, simulated {0.1 / theirs:.2f} ×: {said}" in as_text(RESULTS, (), simulated(0.1, theirs))


def test_policies_that_are_close_are_not_compared() -> None:
    assert order_agrees(RESULTS, simulated(0.1, 0.105), "skew-16") == (0, 0)


def test_each_rule_that_stands_for_a_policy_is_simulated_once(tmp_path: Path) -> None:
    runs = [
        record("uniform-4-1", policy, 0.1) for policy in ("haproxy-leastconn", "nginx-least-conn", "envoy-weighted")
    ]
    simulated = simulate(runs, 1, tmp_path / "simulated.csv").runs
    assert sorted(run.balancer for run in simulated) == ["least_in_flight", "weighted_round_robin"]


def test_what_was_simulated_is_not_simulated_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, file = [record("uniform-4-1", "haproxy-leastconn", 0.1)], tmp_path / "simulated.csv"
    first = simulate(runs, 1, file).runs
    # A cell would come back as it is, and break what follows.
    monkeypatch.setattr("openprequal.bench.tail.simulated.run_all", lambda cells, jobs, title: list(cells))
    assert [run.quantiles[0.5] for run in simulate(runs, 1, file).runs] == pytest.approx([first[0].quantiles[0.5]])


def test_csv_has_a_line_for_each_run() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(RESULTS))))
    assert len(rows) == 6
    assert float(rows[0]["p99_seconds"]) == 0.1
    assert rows[0]["requests_per_backend"] == "600 400"


def test_json_has_every_run_and_ratio_and_no_infinity() -> None:
    results = Results([*RESULTS.records, record("skew-16", "envoy-weighted", 0.1, failed=500)])
    told = json.loads(as_json(results, simulated(0.1, 0.2)), parse_constant=pytest.fail)
    assert len(told["runs"]) == 7
    assert {ratio["policy"] for ratio in told["ratios"]} == {"haproxy-leastconn", "envoy-weighted"}
    assert told["simulated"]["skew-16"][0]["simulated"] == 0.5


def test_pictures_of_latency_time_and_backends_are_drawn(tmp_path: Path) -> None:
    drawn = plot(Results([record("skew-16", OURS, 0.1, failed=5)]), tmp_path)
    assert sorted(path.name for path in drawn) == [
        f"skew-16-{what}.{format_}"
        for what in ("over-time", "per-backend", "percentiles")
        for format_ in ("png", "svg")
    ]
    assert all(path.stat().st_size > 1000 for path in drawn)


def test_every_policy_has_its_ratio_to_ours() -> None:
    results = Results([record("half-slow", policy, 0.1) for policy in POLICIES])
    text = as_text(results)
    assert all(f"{OURS} / {policy}: " in text for policy in POLICIES if policy != OURS)
