"""Which benchmark, with what options? The command line of ``python -m openprequal.bench``."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from openprequal.balancing.catalogue import BALANCERS
from openprequal.bench.agent_path import report as agent_path
from openprequal.bench.faults import TRIALS
from openprequal.bench.faults import report as faults_report
from openprequal.bench.hot_path import report as hot_path
from openprequal.bench.peers import PEERS
from openprequal.bench.probe_path import report as probe_path
from openprequal.bench.processes import StartFailed
from openprequal.bench.report import as_csv, as_json, as_text
from openprequal.bench.rounds import Plan, measure
from openprequal.bench.scenarios import SCENARIOS


def parser() -> argparse.ArgumentParser:
    """The options, with their defaults."""
    top = argparse.ArgumentParser(prog="python -m openprequal.bench", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    one = commands.add_parser(
        "throughput", help="requests per second, CPU per request and latency, ours beside peers on one core"
    )
    one.add_argument("--scenario", choices=list(SCENARIOS), action="append", help="several may be given (small)")
    one.add_argument("--rounds", type=int, default=3, help="turns of each proxy (%(default)s)")
    one.add_argument("--seconds", type=int, default=6, help="length of a turn (%(default)s)")
    one.add_argument("--connections", type=int, help="client connections, instead of the scenario's own number")
    one.add_argument("--backends", type=int, default=16, help="backends behind each proxy (%(default)s)")
    one.add_argument("--peers", default=",".join(PEERS), help="with commas, or none (%(default)s)")
    one.add_argument("--without-own", action="store_true", help="measure only the peers")
    one.add_argument("--json", type=Path, metavar="FILE", help="write every turn and the report there")
    one.add_argument("--csv", type=Path, metavar="FILE", help="write every turn there, one a line")
    path = commands.add_parser("hot-path", help="microseconds of our own code per request, in memory")
    immediate = [name for name in BALANCERS if name != "prequal_sync"]  # whose picks do not wait for probes
    path.add_argument("--balancer", choices=immediate, default="prequal", help="(%(default)s)")
    path.add_argument("--backends", type=int, nargs="+", default=[10, 100, 1000, 10_000], help="(%(default)s)")
    path.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    agent = commands.add_parser("agent", help="microseconds that counting and reporting cost a backend per request")
    agent.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    probe = commands.add_parser("probe", help="microseconds of CPU that a probe costs the gateway, over real sockets")
    probe.add_argument("--count", type=int, default=50_000, help="probes (%(default)s)")
    faults = commands.add_parser("faults", help="failures, overload and kills in real processes, and what became of it")
    faults.add_argument("--trial", choices=list(TRIALS), action="append", help="several may be given (all)")
    faults.add_argument("--scale", type=float, default=1.0, help="how much longer than usual (%(default)s)")
    faults.add_argument("--gateway", action="append", default=[], metavar="FLAG", help="more flags of the gateway")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; the exit status."""
    top = parser()
    options = top.parse_args(arguments)
    if options.command == "hot-path":
        hot_path(options.balancer, options.backends, options.count)
        return 0
    if options.command == "agent":
        agent_path(options.count)
        return 0
    if options.command == "probe":
        return _probe(options.count)
    if options.command == "faults":
        return _faults(options.trial or list(TRIALS), options.scale, options.gateway)
    names = [name for name in options.peers.split(",") if name and name != "none"]
    if unknown := set(names) - set(PEERS):
        top.error(f"--peers: {', '.join(sorted(unknown))} unknown, allowed are {', '.join(PEERS)}")
    results = []
    try:
        for scenario in options.scenario or ["small"]:
            plan = Plan(
                scenario=SCENARIOS[scenario],
                rounds=options.rounds,
                seconds=options.seconds,
                connections=options.connections or SCENARIOS[scenario].connections,
                backends=options.backends,
                peers=names,
                own=not options.without_own,
            )
            results.append(measure(plan))
            sys.stdout.write(as_text(results[-1]) + "\n")
            sys.stdout.flush()
    except StartFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; everything that was started is stopped\n")
        return 130
    finally:
        if options.json and results:
            options.json.write_text(as_json(results))
        if options.csv and results:
            options.csv.write_text(as_csv(results))
    return 0


def _probe(count: int) -> int:
    try:
        probe_path(count)
    except StartFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _faults(trials: list[str], scale: float, flags: list[str]) -> int:
    try:
        return 0 if faults_report(trials, scale, flags) else 1
    except StartFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
