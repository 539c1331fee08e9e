"""Which benchmark, with what options? The command line of ``python -m openprequal.bench``."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from openprequal.balancing.catalogue import BALANCERS
from openprequal.bench.access_log_path import report as access_log_path
from openprequal.bench.agent_path import report as agent_path
from openprequal.bench.check_path import report as check_path
from openprequal.bench.dashboard_path import report as dashboard_path
from openprequal.bench.explain_path import report as explain_path
from openprequal.bench.faults.soak import RATE_PER_S
from openprequal.bench.faults.soak import report as soak_report
from openprequal.bench.faults.trials import TRIALS
from openprequal.bench.faults.trials import report as faults_report
from openprequal.bench.hot_path import report as hot_path
from openprequal.bench.inference import WAYS as INFERENCE
from openprequal.bench.inference import report as inference
from openprequal.bench.middleware_path import report as middleware_path
from openprequal.bench.peers import PEERS
from openprequal.bench.probe_path import report as probe_path
from openprequal.bench.processes import StartFailed
from openprequal.bench.rate_limit_path import report as rate_limit_path
from openprequal.bench.registry_path import report as registry_path
from openprequal.bench.report import as_csv, as_json, as_text
from openprequal.bench.rounds import Plan, measure
from openprequal.bench.route_matching import report as route_matching
from openprequal.bench.scenarios import SCENARIOS
from openprequal.bench.scrape_path import report as scrape_path
from openprequal.bench.sidecar_path import report as sidecar_path
from openprequal.bench.tail.command import add_options as add_tail_options
from openprequal.bench.tail.command import run as run_tail
from openprequal.bench.tracing_path import report as tracing_path
from openprequal.bench.workers import report as workers


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
    one.add_argument("--routes", type=int, default=0, help="measure ours with so many routes too (%(default)s)")
    one.add_argument(
        "--access-log", choices=("json", "combined"), action="append", default=[], help="measure ours with it too"
    )
    one.add_argument("--without-own", action="store_true", help="measure only the peers")
    one.add_argument("--json", type=Path, metavar="FILE", help="write every turn and the report there")
    one.add_argument("--csv", type=Path, metavar="FILE", help="write every turn there, one a line")
    add_tail_options(
        commands.add_parser("tail", help="tail latency, ours beside peers before the same emulated backends")
    )
    path = commands.add_parser("hot-path", help="microseconds of our own code per request, in memory")
    immediate = [name for name in BALANCERS if name != "prequal_sync"]  # whose picks do not wait for probes
    path.add_argument("--balancer", choices=immediate, default="prequal", help="(%(default)s)")
    path.add_argument("--backends", type=int, nargs="+", default=[10, 100, 1000, 10_000], help="(%(default)s)")
    path.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    matching = commands.add_parser("routes", help="microseconds to find a request's route, in memory")
    matching.add_argument("--routes", type=int, nargs="+", default=[1, 100, 1000, 10_000], help="(%(default)s)")
    matching.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    agent = commands.add_parser("agent", help="microseconds that counting and reporting cost a backend per request")
    agent.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    checks = commands.add_parser("checks", help="microseconds that tokens and passwords cost a request, in memory")
    checks.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    limits = commands.add_parser("rate-limits", help="microseconds that a rate limit costs a request, in memory")
    limits.add_argument("--count", type=int, default=200_000, help="requests of one repeat (%(default)s)")
    scrape = commands.add_parser("scrape", help="how long a scrape of the metrics holds the reactor, in memory")
    scrape.add_argument("--backends", type=int, nargs="+", default=[10, 1000, 10_000], help="(%(default)s)")
    tracing = commands.add_parser("tracing", help="microseconds that tracing costs a request, in memory")
    tracing.add_argument("--count", type=int, default=20_000, help="requests of one repeat (%(default)s)")
    logging = commands.add_parser("access-log", help="microseconds that the access log costs a request, in memory")
    logging.add_argument("--count", type=int, default=500, help="requests of one round (%(default)s)")
    why = commands.add_parser("explain", help="microseconds that explanations and a shadow cost a request, in memory")
    why.add_argument("--balancer", choices=immediate, default="prequal", help="(%(default)s)")
    why.add_argument("--backends", type=int, default=10, help="(%(default)s)")
    why.add_argument("--count", type=int, default=10_000, help="requests of one repeat (%(default)s)")
    probe = commands.add_parser("probe", help="microseconds of CPU that a probe costs the gateway, over real sockets")
    probe.add_argument("--count", type=int, default=50_000, help="probes (%(default)s)")
    board = commands.add_parser("dashboard", help="what a snapshot costs, and the CPU of a gateway for one who looks")
    board.add_argument("--backends", type=int, nargs="+", default=[100, 1000], help="(%(default)s)")
    board.add_argument("--rounds", type=int, default=3, help="without and with one who looks; 0: none (%(default)s)")
    board.add_argument("--seconds", type=float, default=10.0, help="of each (%(default)s)")
    registry = commands.add_parser("registry", help="CPU of a gateway, and of Redis, for registrations and heartbeats")
    registry.add_argument("--backends", type=int, default=1000, help="(%(default)s)")
    registry.add_argument("--seconds", type=float, default=30.0, help="of heartbeats (%(default)s)")
    sidecar = commands.add_parser("sidecar", help="what the sidecar adds to a request's latency, over real sockets")
    sidecar.add_argument("--rounds", type=int, default=5, help="turns of each way (%(default)s)")
    sidecar.add_argument("--seconds", type=int, default=3, help="length of a turn (%(default)s)")
    streams = commands.add_parser("inference", help="time to the first byte of streams from emulated vLLM servers")
    streams.add_argument("--ways", nargs="+", choices=list(INFERENCE), default=list(INFERENCE), help="(all)")
    streams.add_argument("--seeds", type=int, default=3, help="(%(default)s)")
    streams.add_argument("--seconds", type=float, default=40.0, help="of arrivals in a turn (%(default)s)")
    streams.add_argument("--load", type=float, default=0.8, help="of what all slots can serve (%(default)s)")
    several = commands.add_parser("workers", help="what two workers carry beside one, each held to a share of a core")
    several.add_argument("--share", type=float, default=0.35, help="of a core, for each worker (%(default)s)")
    several.add_argument("--connections", type=int, default=64, help="(%(default)s)")
    several.add_argument("--rounds", type=int, default=3, help="turns of each gateway (%(default)s)")
    several.add_argument("--seconds", type=int, default=5, help="length of a turn (%(default)s)")
    faults = commands.add_parser("faults", help="failures, overload and kills in real processes, and what became of it")
    faults.add_argument("--trial", choices=list(TRIALS), action="append", help="several may be given (all)")
    faults.add_argument("--scale", type=float, default=1.0, help="how much longer than usual (%(default)s)")
    faults.add_argument("--gateway", action="append", default=[], metavar="FLAG", help="more flags of the gateway")
    soak = commands.add_parser("soak", help="chaos of every kind for an hour, and what has leaked or failed by then")
    soak.add_argument("--minutes", type=float, default=60.0, help="(%(default)s)")
    soak.add_argument("--rate", type=float, default=RATE_PER_S, help="requests a second (%(default)s)")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; the exit status."""
    top = parser()
    options = top.parse_args(arguments)
    if options.command == "hot-path":
        hot_path(options.balancer, options.backends, options.count)
        return 0
    if options.command == "routes":
        route_matching(options.routes, options.count)
        return 0
    if options.command == "agent":
        agent_path(options.count)
        middleware_path(options.count)
        return 0
    if options.command == "checks":
        check_path(options.count)
        return 0
    if options.command == "rate-limits":
        rate_limit_path(options.count)
        return 0
    if options.command == "access-log":
        access_log_path(options.count)
        return 0
    if options.command == "explain":
        explain_path(options.balancer, options.backends, options.count)
        return 0
    if options.command == "scrape":
        scrape_path(options.backends)
        return 0
    if options.command == "tracing":
        tracing_path(options.count)
        return 0
    if options.command == "probe":
        return _told(lambda: probe_path(options.count))
    if options.command == "dashboard":
        return _told(lambda: dashboard_path(options.backends, options.rounds, options.seconds))
    if options.command == "registry":
        return _told(lambda: registry_path(options.backends, options.seconds))
    if options.command == "tail":
        return _told(lambda: run_tail(options))
    if options.command == "sidecar":
        return _told(lambda: sidecar_path(options.rounds, options.seconds))
    if options.command == "workers":
        return _told(lambda: workers(options.share, options.connections, options.rounds, options.seconds))
    if options.command == "inference":
        return _told(lambda: inference(options.ways, options.seeds, options.seconds, options.load))
    if options.command == "faults":
        trials = options.trial or list(TRIALS)
        return _told(lambda: int(not faults_report(trials, options.scale, options.gateway)))
    if options.command == "soak":
        return _told(lambda: int(not soak_report(options.minutes, options.rate)))
    names = [name for name in options.peers.split(",") if name and name != "none"]
    if unknown := set(names) - set(PEERS):
        top.error(f"--peers: {', '.join(sorted(unknown))} unknown, allowed are {', '.join(PEERS)}")
    return _told(lambda: _throughput(options, names))


def _throughput(options: argparse.Namespace, peers: list[str]) -> None:
    """Measure, print and write one scenario after the other; what was measured is written whatever ends it."""
    results = []
    try:
        for scenario in options.scenario or ["small"]:
            plan = Plan(
                scenario=SCENARIOS[scenario],
                rounds=options.rounds,
                seconds=options.seconds,
                connections=options.connections or SCENARIOS[scenario].connections,
                backends=options.backends,
                peers=peers,
                own=not options.without_own,
                routes=options.routes,
                access_logs=tuple(options.access_log),
            )
            results.append(measure(plan))
            sys.stdout.write(as_text(results[-1]) + "\n")
            sys.stdout.flush()
    finally:
        if options.json and results:
            options.json.write_text(as_json(results))
        if options.csv and results:
            options.csv.write_text(as_csv(results))


def _told(measure: Callable[[], int | None]) -> int:
    """The exit status of *measure*; what hinders it is said."""
    try:
        return measure() or 0
    except StartFailed as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; everything that was started is stopped\n")
        return 130


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    sys.exit(main())
