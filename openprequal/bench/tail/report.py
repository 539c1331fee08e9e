"""What do the runs say? As text, JSON and CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from math import isfinite
from statistics import median

from attrs import asdict

from openprequal.bench.tail.policies import OURS
from openprequal.bench.tail.record import Record, finite
from openprequal.bench.tail.results import Results
from openprequal.bench.tail.schedule import GivenUp
from openprequal.bench.tail.simulated import comparisons, order_agrees
from openprequal.bench.tail.workloads import WORKLOADS
from openprequal.simulation import results as simulation_results
from openprequal.simulation.measured import QUANTILES, Spread

_JUDGED = (0.5, 0.99, 0.999)
"""Quantiles of which ratios are told; the second is the one that is judged."""


def as_text(
    results: Results, given_up: Sequence[GivenUp] = (), simulated: simulation_results.Results | None = None
) -> str:
    """The report for people: of each workload a table, and ours to every other."""
    lines: list[str] = []
    for workload in results.workloads:
        lines += [*_table(results, workload), "", *_ratios(results, workload), ""]
        if simulated is not None:
            lines += [*_beside_simulation(results, simulated, workload), ""]
    lines += _conditions(results)
    for each in given_up:
        told = "; ".join(each.reasons)
        lines.append(f"given up: {each.task.workload}, {each.task.policy}, seed {each.task.seed}: {told}")
    return "\n".join(lines) + "\n"


def _table(results: Results, workload: str) -> list[str]:
    scenario = WORKLOADS[workload].scenario
    seeds = sorted({record.seed for record in results.of_workload(workload)})
    lines = [
        f"== {workload}: {scenario.title}; mean work {scenario.work.mean_s * 1000:g} ms",
        f"   latency in ms from the scheduled arrival, medians over {len(seeds)} seeds (range); errors and time-outs "
        f"({scenario.deadline_s:g} s) in % of all requests, and slowest in every quantile",
        "",
        f"{'':<25}{'p50':>17}{'p90':>17}{'p99':>19}{'p99.9':>21}{'errors %':>10}{'timed out %':>13}"
        f"{'probes/req':>12}{'cores':>7}",
    ]
    for policy in results.policies(workload):
        runs = results.of(workload, policy)
        cells = [in_ms(results.quantile(workload, policy, quantile)) for quantile in QUANTILES]
        figures = [
            f"{_middle(runs, lambda run: 100 * run.latencies.failed / max(1, run.latencies.requests)):.3f}",
            f"{_middle(runs, lambda run: 100 * run.latencies.timed_out / max(1, run.latencies.requests)):.3f}",
            f"{_middle(runs, lambda run: run.probes / max(1, run.latencies.requests)):.2f}",
            f"{_middle(runs, lambda run: run.cpu['proxies']):.2f}",
        ]
        widths = (17, 17, 19, 21, 10, 13, 12, 7)
        row = "".join(f"{cell:>{width}}" for cell, width in zip([*cells, *figures], widths, strict=True))
        few = f"  ({len(runs)} of {len(seeds)} seeds)" if len(runs) < len(seeds) else ""
        lines.append(f"{policy:<25}{row}{few}")
    return lines


def _ratios(results: Results, workload: str) -> list[str]:
    lines = []
    for policy in results.policies(workload):
        if policy == OURS:
            continue
        told = [
            f"p{quantile * 100:g} {found}"
            for quantile in _JUDGED
            if (found := results.ours_to(workload, policy, quantile)) is not None
        ]
        if told:
            lines.append(f"{workload}: {OURS} / {policy}: {', '.join(told)}")
    return lines


def _beside_simulation(results: Results, simulated: simulation_results.Results, workload: str) -> list[str]:
    lines = []
    for each in comparisons(results, simulated, workload):
        said = "agrees" if each.agrees else "does NOT agree"
        lines.append(
            f"{workload}: {OURS} / {each.policy}, p99: live {each.live:.2f} ×, simulated {each.simulated:.2f} ×: {said}"
        )
    same, pairs = order_agrees(results, simulated, workload)
    lines.append(f"{workload}: of {pairs} pairs of policies that differ, {same} are in the same order as simulated")
    return lines


def _conditions(results: Results) -> list[str]:
    """Under which circumstances all this was measured."""
    records = results.records
    if not records:
        return ["nothing was measured"]
    first = records[0]
    late_s = max(record.sender_late_s for record in records)
    lag_s = max(record.emulation_lag_s for record in records)
    thrown_away = sum(len(record.thrown_away) for record in records)
    lines = [
        f"{len(records)} runs of {_listed(f'{record.counted_s:g}' for record in records)} s after "
        f"{_listed(f'{record.warm_up_s:g}' for record in records)} s of warm-up, "
        f"{_listed(f'{record.lanes}' for record in records)} side by side",
        f"cores busy, with everything on the machine: {_middle(records, lambda run: run.cpu['machine']):.2f} "
        f"(median), {max(run.cpu['machine'] for run in records):.2f} at most; of a run's generator "
        f"{_middle(records, lambda run: run.cpu['generator']):.2f}, of its backends "
        f"{_middle(records, lambda run: run.cpu['emulation']):.2f}",
        f"p99 of lateness at most: {late_s * 1000:.1f} ms of generators, {lag_s * 1000:.1f} ms of backends; "
        f"{thrown_away} runs were thrown away as too late and done again",
        first.machine,
    ]
    versions = dict.fromkeys((record.policy.partition("-")[0], record.version) for record in records)
    return [*lines, *(f"{name}: {version}" for name, version in versions)]


def _listed(texts: Iterable[str]) -> str:
    return "/".join(dict.fromkeys(texts))


def _middle(records: Sequence[Record], figure: Callable[[Record], float]) -> float:
    return median(map(figure, records))


def in_ms(spread: Spread) -> str:
    """A latency in seconds and its range, in milliseconds."""
    low, high = _ms(spread.low), _ms(spread.high)
    return _ms(spread.median) + (f" ({low}–{high})" if low != high else "")


def _ms(value: float) -> str:
    return f"{value * 1000:.0f}" if isfinite(value) else "failed"


def as_json(results: Results, simulated: simulation_results.Results | None = None) -> str:
    """Every run, and the ratios, for programs; null stands for what failed."""
    ratios = [
        {
            "workload": workload,
            "policy": policy,
            "quantile": quantile,
            "ratio": found.ratio,
            **asdict(found),
        }
        for workload in results.workloads
        for policy in results.policies(workload)
        for quantile in QUANTILES
        if policy != OURS and (found := results.ours_to(workload, policy, quantile)) is not None
    ]
    compared = {
        workload: [asdict(each) for each in comparisons(results, simulated, workload)]
        for workload in results.workloads
        if simulated is not None
    }
    told = {"runs": [record.as_told() for record in results.records], "ratios": ratios, "simulated": compared}
    return json.dumps(finite(told), indent=1, allow_nan=False) + "\n"


def as_csv(results: Results) -> str:
    """A line a run, for spreadsheets; latencies in seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = ["workload", "policy", "seed", "requests", "failed", "timed_out"]
    columns += [f"p{quantile * 100:g}_seconds" for quantile in QUANTILES]
    columns += ["probes", "generator_late_p99_seconds", "backends_lag_p99_seconds", "lanes"]
    columns += ["proxies_cores", "generator_cores", "backends_cores", "machine_cores", "requests_per_backend"]
    writer.writerow(columns)
    for run in results.records:
        latencies = run.latencies
        writer.writerow(
            [
                *(run.workload, run.policy, run.seed, latencies.requests, latencies.failed, latencies.timed_out),
                *(f"{run.quantile(quantile):.6f}" for quantile in QUANTILES),
                *(run.probes, f"{run.sender_late_s:.6f}", f"{run.emulation_lag_s:.6f}", run.lanes),
                *(f"{run.cpu[name]:.4f}" for name in ("proxies", "generator", "emulation", "machine")),
                " ".join(map(str, run.per_backend)),
            ]
        )
    return out.getvalue()
