"""Which runs, and what is made of them? The command line of ``python -m openprequal.bench tail``."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from openprequal.bench.processes import StartFailed
from openprequal.bench.tail import histograms, plots
from openprequal.bench.tail.lateness import LIMIT_S
from openprequal.bench.tail.policies import POLICIES
from openprequal.bench.tail.record import Record
from openprequal.bench.tail.report import as_csv, as_json, as_text
from openprequal.bench.tail.results import Results, append, read
from openprequal.bench.tail.schedule import GivenUp, Plan, carry_out
from openprequal.bench.tail.simulated import simulate
from openprequal.bench.tail.workloads import WORKLOADS
from openprequal.errors import ConfigurationError
from openprequal.simulation import results as simulation_results

RUNS = "runs.jsonl"
SIMULATED = "simulated.csv"


def add_options(command: argparse.ArgumentParser) -> None:
    """The options, with their defaults."""
    command.add_argument(
        "--workload", action="append", choices=list(WORKLOADS), help="several may be given (antagonists-0.9)"
    )
    command.add_argument("--policies", default=",".join(POLICIES), help="with commas (%(default)s)")
    command.add_argument("--seeds", type=_count, default=5, metavar="N", help="how many seeds (%(default)s)")
    command.add_argument("--seed", type=_count, default=1, metavar="K", help="the first seed (%(default)s)")
    command.add_argument(
        "--seconds", type=_seconds, default=60.0, metavar="S", help="counted of each run (%(default)g)"
    )
    command.add_argument(
        "--warm-up-seconds", type=_seconds, default=15.0, metavar="S", help="before, not counted (%(default)g)"
    )
    command.add_argument(
        "--lanes",
        type=_count,
        default=1,
        metavar="N",
        help="runs side by side; fair while the machine idles (%(default)s)",
    )
    command.add_argument(
        "--late-ms",
        type=_seconds,
        default=LIMIT_S * 1000,
        metavar="MS",
        help="throw a run away whose generator or backends were later than this, p99 (%(default)g)",
    )
    command.add_argument(
        "--out", type=Path, default=Path("tail"), metavar="DIR", help="for runs and reports (%(default)s)"
    )
    command.add_argument("--reuse", action="store_true", help="leave out the runs that DIR has already")
    command.add_argument("--report-only", action="store_true", help="run nothing: report what DIR has")
    command.add_argument("--compare-simulation", action="store_true", help="simulate the same, and tell both ratios")
    command.add_argument("--jobs", type=_count, default=1, metavar="N", help="processes that simulate (%(default)s)")
    command.add_argument("--no-plots", action="store_true", help="write no plots: matplotlib is not needed then")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise ValueError(text)
    return number


_count.__name__ = _seconds.__name__ = "number above 0"  # argparse says: invalid number above 0 value


def run(options: argparse.Namespace) -> int:
    """Measure, tell, write; the exit status.

    :raises StartFailed: what was asked cannot be done; the message says why.
    """
    policies = [name for name in options.policies.split(",") if name]
    if unknown := [name for name in policies if name not in POLICIES]:
        raise StartFailed(f"--policies: {', '.join(unknown)} unknown, allowed are {', '.join(POLICIES)}")
    histograms.empty()  # what is missing is said before anything runs
    if not options.no_plots:
        try:
            plots.available()
        except ConfigurationError as error:
            raise StartFailed(str(error)) from None
    plan = Plan(
        workloads=options.workload or ["antagonists-0.9"],
        policies=policies,
        seeds=range(options.seed, options.seed + options.seeds),
        warm_up_s=options.warm_up_seconds,
        counted_s=options.seconds,
        lanes=options.lanes,
        limit_s=options.late_ms / 1000,
    )
    file = options.out / RUNS
    records = read(file)
    if records and not (options.reuse or options.report_only):
        raise StartFailed(f"{file} has runs already: --reuse keeps them, another --out begins anew")
    there = len(records)
    records = [record for record in records if (record.warm_up_s, record.counted_s) == (plan.warm_up_s, plan.counted_s)]
    if len(records) < there:
        _progress(f"{there - len(records)} runs of another length in {file} are left out")
    given_up: list[GivenUp] = []
    if not options.report_only:
        _check_programs(policies)

        def keep(record: Record) -> None:
            append(file, record)
            records.append(record)

        try:
            given_up = carry_out(plan, list(records), keep, _progress)
        except KeyboardInterrupt:
            if records:
                _tell(options.out, Results(records), given_up, None)
            raise
    simulated = None
    if options.compare_simulation and records:
        simulated = simulate(records, options.jobs, options.out / SIMULATED)
    _tell(options.out, Results(records), given_up, simulated)
    if records and not options.no_plots:
        plots.plot(Results(records), options.out)
    return 1 if given_up else 0


def _check_programs(policies: Sequence[str]) -> None:
    """
    :raises StartFailed: some are missing; the message says how to install each.
    """
    missing = {}
    for name in policies:
        try:
            POLICIES[name].peer.program()
        except StartFailed as error:
            missing[str(error)] = name
    if missing:
        raise StartFailed("\n".join([*missing, "or leave out, with --policies, those that are missing"]))


def _tell(
    out: Path, results: Results, given_up: Sequence[GivenUp], simulated: simulation_results.Results | None
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    text = as_text(results, given_up, simulated)
    sys.stdout.write(text)
    (out / "report.txt").write_text(text, "utf-8")
    (out / "report.json").write_text(as_json(results, simulated), "utf-8")
    (out / "report.csv").write_text(as_csv(results), "utf-8")


def _progress(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()
