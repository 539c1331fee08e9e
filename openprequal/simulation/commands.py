"""Which simulation, with what options? The command line of ``openprequal-simulation``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import evolve

from openprequal.errors import ConfigurationError
from openprequal.simulation.bars import verdicts
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.figure import Point, Read, shortened
from openprequal.simulation.figures import FIGURES
from openprequal.simulation.fleet_file import EXAMPLE, read_fleet
from openprequal.simulation.grid import Cell, cells
from openprequal.simulation.kept import reused_from, run_kept
from openprequal.simulation.plots import available, plot_figure, plot_scenario
from openprequal.simulation.report import FOLDER, agreement, write_report
from openprequal.simulation.results import Finding
from openprequal.simulation.rules import RIVALS, SIMPLE, check, rules_of
from openprequal.simulation.run import OMNISCIENT, Rule
from openprequal.simulation.scenario import Scenario
from openprequal.simulation.tables import as_text, figure_rows, finding_rows, scenario_rows
from openprequal.simulation.what_if import advice

_PROGRAM = "openprequal-simulation"
_BALANCER = "name, or name:parameter=value,parameter=value; may be given several times ({})"


def parser() -> argparse.ArgumentParser:
    """The options, with their defaults."""
    top = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="What does a fleet do, in virtual time, under the balancers that ship?",
        epilog="docs/simulation.md says what is simulated, and what is not.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for figure in FIGURES.values():
        one = commands.add_parser(
            figure.name,
            help=f"the paper's {figure.title}",
            description=f"{figure.title}. {figure.setting} The paper: {figure.paper} Look for {figure.look_for}",
        )
        _common(one, "the figure's own", seeds=1, requests="requests of each point")
    several = commands.add_parser(
        "scenarios",
        help="every rule in the scenarios that the defaults were chosen on; status 1 if a bar is missed",
        description="Scenarios: " + "; ".join(f"{each.name} ({each.title})" for each in SCENARIOS.values()),
    )
    _common(several, f"prequal, {OMNISCIENT} and all rivals but those that hash", seeds=3, requests="of each scenario")
    several.add_argument("--scenario", action="append", metavar="NAME", help="several may be given (all)")
    own = commands.add_parser(
        "what-if",
        help="what each balancer would give your own fleet",
        description="Describe a fleet in a TOML file (--example prints one) and see what each balancer would give it.",
    )
    own.add_argument("file", nargs="?", type=Path, help="the description")
    own.add_argument("--example", action="store_true", help="print a description to begin with")
    _common(own, f"beside prequal, {OMNISCIENT}, {', '.join(SIMPLE)}", seeds=3, requests="to simulate (50000)")
    report = commands.add_parser(
        "report",
        help="all figures and scenarios, as a page with pictures",
        description="Run everything, write the results as CSV, and docs/simulation-report.md from them.",
    )
    _common(report, None, seeds=3, requests="requests of each run; for trying it out")
    report.set_defaults(out=Path("docs"))
    report.add_argument(
        "--figure-seeds", type=_count, default=1, metavar="N", help="seeds of the figures, which are long (%(default)s)"
    )
    report.add_argument("--reuse", action="store_true", help="run only what has no CSV there yet")
    report.add_argument(
        "--anew",
        action="append",
        metavar="PART",
        default=[],
        help=f"with --reuse: run this all the same; several may be given; {', '.join([*FIGURES, 'scenarios'])}",
    )
    return top


def _common(command: argparse.ArgumentParser, balancers: str | None, *, seeds: int, requests: str) -> None:
    if balancers is not None:
        command.add_argument("--balancer", action="append", metavar="NAME[:P=V,…]", help=_BALANCER.format(balancers))
    command.add_argument("--seed", type=_count, default=1, metavar="K", help="the first seed (%(default)s)")
    command.add_argument("--seeds", type=_count, default=seeds, metavar="N", help="how many seeds (%(default)s)")
    command.add_argument("--requests", type=_count, metavar="N", help=f"{requests}, instead of as many as it takes")
    command.add_argument("--out", type=Path, metavar="DIR", help="write CSV and plots (PNG, SVG) there")
    command.add_argument("--no-plots", action="store_true", help="write no plots: matplotlib is not needed then")
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    command.add_argument("--jobs", type=_count, default=jobs, metavar="N", help="processes (%(default)s here)")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_count.__name__ = "number above 0"  # argparse says: invalid number above 0 value


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, tell, write; the exit status: 1 a bar is missed, 2 what was asked cannot be done."""
    options = parser().parse_args(arguments)
    try:
        if options.out is not None and not options.no_plots:
            available()
        if options.command in FIGURES:
            return _figure(options)
        return {"scenarios": _scenarios, "what-if": _what_if, "report": _report}[options.command](options)
    except ConfigurationError as error:
        sys.stderr.write(f"{_PROGRAM}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        return 130


def _figure(options: argparse.Namespace) -> int:
    figure = FIGURES[options.command]
    rules = rules_of(options.balancer) if options.balancer else None
    measured = _measured_figure(options, figure.name, rules, _csv(options, figure.name))
    findings = figure.findings(measured)
    _say(f"{figure.title}: latencies in ms, the paper's in [brackets]", as_text(*figure_rows(figure, measured)))
    _say_findings(findings)
    if options.out is not None and not options.no_plots:
        plot_figure(figure, measured, options.out / figure.name)
    return 0


def _measured_figure(
    options: argparse.Namespace, name: str, rules: Sequence[Rule] | None, csv: Path | None, seeds: int | None = None
) -> Read:
    points = shortened(FIGURES[name].points(rules), options.requests)
    for point in points:
        check(point.rule)
    return Read(points, run_kept(_figure_grid(points, _seeds(options, seeds)), options.jobs, name, csv))


def _figure_grid(points: Sequence[Point], seeds: Sequence[int]) -> list[Cell]:
    # Curves may share a point.
    distinct = {(point.scenario.name, point.rule.name): point for point in points}
    return [Cell(each.scenario, each.rule, seed) for each in distinct.values() for seed in seeds]


def _scenarios(options: argparse.Namespace) -> int:
    grid = _scenario_grid(options, options.scenario or list(SCENARIOS), options.balancer)
    results = run_kept(grid, options.jobs, "scenarios", _csv(options, "scenarios"))
    for scenario in dict.fromkeys(run.scenario for run in results.runs):
        title = SCENARIOS[scenario].title
        _say(f"{scenario}: {title}", as_text(*scenario_rows(results, scenario)))
        if options.out is not None and not options.no_plots:
            plot_scenario(title, results, scenario, options.out / scenario)
    findings = verdicts(results)
    if findings:
        _say("The bars", as_text(*finding_rows(findings)))
    return _status(findings)


def _scenario_grid(options: argparse.Namespace, names: Sequence[str], balancers: Sequence[str] | None) -> list[Cell]:
    for name in names:
        if name not in SCENARIOS:
            raise ConfigurationError(f"{name!r} is no scenario; there are {', '.join(SCENARIOS)}")
    rules = rules_of(balancers or ["prequal", OMNISCIENT, *RIVALS])
    chosen = [_of_length(SCENARIOS[name], options.requests) for name in dict.fromkeys(names)]
    return cells(chosen, rules, _seeds(options))


def _what_if(options: argparse.Namespace) -> int:
    if options.example:
        sys.stdout.write(EXAMPLE)
        return 0
    if options.file is None:
        raise ConfigurationError("what-if needs the description of a fleet; --example prints one")
    scenario = _of_length(read_fleet(options.file), options.requests)
    rules = rules_of(["prequal", *(options.balancer or ()), *SIMPLE, OMNISCIENT])
    grid = cells([scenario], rules, _seeds(options))
    results = run_kept(grid, options.jobs, scenario.name, _csv(options, scenario.name))
    servers = sum(kind.count for kind in scenario.servers)
    _say(
        f"{scenario.title}: {servers} servers, {scenario.proxies} gateways, {scenario.rate:.6g} requests/s, load"
        f" {scenario.load:.2f}",
        as_text(*scenario_rows(results, scenario.name)),
    )
    sys.stdout.write(advice(results, scenario.name) + "\n")
    if options.out is not None and not options.no_plots:
        plot_scenario(scenario.title, results, scenario.name, options.out / scenario.name)
    return 0


def _report(options: argparse.Namespace) -> int:
    parts = [*FIGURES, "scenarios"]
    for part in options.anew:
        if part not in parts:
            raise ConfigurationError(f"--anew: {part!r} is no part of the report; there are {', '.join(parts)}")
    kept = {part: options.out / FOLDER / f"{part}.csv" for part in parts}
    reused = {part for part in parts if options.reuse and part not in options.anew and kept[part].exists()}
    # What cannot be run is told before the hours that the rest takes.
    for name in FIGURES.keys() - reused:
        for point in FIGURES[name].points(None):
            check(point.rule)
    figures: dict[str, Read] = {}
    for name, figure in FIGURES.items():
        if name in reused:
            points = figure.points(None)
            grid = _figure_grid(shortened(points, options.requests), _seeds(options, options.figure_seeds))
            figures[name] = Read(points, reused_from(kept[name], name, grid))
        else:
            figures[name] = _measured_figure(options, name, None, kept[name], options.figure_seeds)
    grid = _scenario_grid(options, list(SCENARIOS), None)
    if "scenarios" in reused:
        scenarios = reused_from(kept["scenarios"], "scenarios", grid)
    else:
        scenarios = run_kept(grid, options.jobs, "scenarios", kept["scenarios"])
    page = write_report(options.out, figures, scenarios, plots=not options.no_plots)
    for name, measured in figures.items():
        sys.stdout.write(f"{FIGURES[name].title}: {agreement(FIGURES[name].findings(measured))}\n")
    sys.stdout.write(f"{page} is written\n")
    return _status(verdicts(scenarios))


def _csv(options: argparse.Namespace, name: str) -> Path | None:
    return None if options.out is None else options.out / f"{name}.csv"


def _seeds(options: argparse.Namespace, count: int | None = None) -> range:
    return range(options.seed, options.seed + (count or options.seeds))


def _of_length(scenario: Scenario, requests: int | None) -> Scenario:
    return scenario if requests is None else evolve(scenario, requests=requests)


def _status(findings: Sequence[Finding]) -> int:
    return int(any(finding.holds is False for finding in findings))


def _say_findings(findings: Sequence[Finding]) -> None:
    if findings:
        _say("What should be seen", as_text(*finding_rows(findings)))


def _say(title: str, table: str) -> None:
    sys.stdout.write(f"{title}\n\n{table}\n\n")
    sys.stdout.flush()
