"""In which order do the proxies take their turns, and what is noted of each?

Each proxy runs on core 0 for the whole benchmark and is asked only in its turn; load and backends share core 1. Turns
are interleaved, so that what else the machine does falls on all alike.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

from attrs import field, frozen

from openprequal.bench.backends import Backends
from openprequal.bench.load import Load, put_under_load
from openprequal.bench.machine import describe_machine
from openprequal.bench.peers import OWN, PEERS, Peer
from openprequal.bench.peers.openprequal import with_access_log, with_routes
from openprequal.bench.processes import Running, StartFailed, answers, free_ports, listens
from openprequal.bench.scenarios import Scenario

PROXY_CORE = 0
WARM_UP_S = 1
DIRECT = "direct"
"""Stands among the proxies' names for asking the backend itself."""


@frozen
class Plan:
    """What one benchmark is to do."""

    scenario: Scenario
    rounds: int
    seconds: int
    connections: int
    backends: int
    peers: list[str]
    own: bool = True
    routes: int = 0
    """Ours is measured with so many too."""
    access_logs: tuple[str, ...] = ()
    """Ours is measured with an access log of each of these formats too."""


@frozen
class Turn:
    """One proxy's turn."""

    proxy: str
    round: int
    load: Load
    cpu_s_per_request: float
    """User and system time of the proxy, children included; nan for the backend asked directly."""
    probes_per_s: float
    """Probes and health checks that the backends got meanwhile."""
    reuse: float
    """Share of requests that the proxy sent on a connection it had already."""


@frozen
class Result:
    """What one benchmark found."""

    plan: Plan
    machine: str
    versions: dict[str, str]
    turns: list[Turn] = field(factory=list)
    missing: dict[str, str] = field(factory=dict)
    """Proxies that could not be measured, and why."""

    @property
    def proxies(self) -> list[str]:
        """Those measured, in the order of their turns."""
        return list(dict.fromkeys(turn.proxy for turn in self.turns))


def measure(plan: Plan) -> Result:
    """Start everything, take all turns, stop everything; progress goes to standard error.

    :raises StartFailed: what every proxy needs (nginx as backend, wrk) is missing.
    """
    result = Result(plan, describe_machine(), {})
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name, contextlib.ExitStack() as started:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user's
        backends = Backends(plan.backends, folder)
        started.enter_context(backends.start())
        running: dict[str, tuple[int, Running | None]] = {}
        if plan.scenario.direct:
            running[DIRECT] = (backends.ports[0], None)
        ours = [
            *([OWN] if plan.own else []),
            *([with_routes(plan.routes)] if plan.routes else []),
            *map(with_access_log, plan.access_logs),
        ]
        for peer in ours + [PEERS[each] for each in plan.peers]:
            _progress(f"starting {peer.name}")
            try:
                running[peer.name] = _start(peer, backends, folder, started)
                result.versions[peer.name] = peer.version()
            except (StartFailed, OSError) as error:
                result.missing[peer.name] = str(error)
        for number in range(1, plan.rounds + 1):
            for proxy, (port, process) in running.items():
                _progress(f"{plan.scenario.name}: round {number} of {plan.rounds}, {proxy}")
                result.turns.append(_turn(plan, number, proxy, port, process, backends, folder))
    _progress("")
    return result


def _start(peer: Peer, backends: Backends, folder: Path, started: contextlib.ExitStack) -> tuple[int, Running]:
    port = free_ports(1)[0]
    running = started.enter_context(Running(peer.launch(port, backends.ports, folder), PROXY_CORE, folder, peer.name))
    running.wait_until(lambda: listens(port))
    peer.join(port, backends.ports)
    running.wait_until(lambda: answers(port))
    return port, running


def _turn(
    plan: Plan, number: int, proxy: str, port: int, process: Running | None, backends: Backends, folder: Path
) -> Turn:
    put_under_load(port, plan.scenario, plan.connections, WARM_UP_S, folder)
    cpu_s, probes = process.cpu_s() if process else 0.0, backends.probes()
    connections = backends.connections()
    load = put_under_load(port, plan.scenario, plan.connections, plan.seconds, folder)
    used_s = process.cpu_s() - cpu_s if process else float("nan")
    return Turn(
        proxy=proxy,
        round=number,
        load=load,
        cpu_s_per_request=used_s / max(load.requests, 1),
        probes_per_s=(backends.probes() - probes) / load.seconds,
        reuse=1.0 - max(0, backends.connections() - connections - 1) / max(load.requests, 1),
    )


def _progress(text: str) -> None:
    sys.stderr.write(f"\r\033[K{text}" if sys.stderr.isatty() else f"{text}\n" if text else "")
    sys.stderr.flush()
