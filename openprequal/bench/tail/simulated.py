"""What does the simulation say of the same runs, and does it put the policies in the same order?"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from attrs import frozen

from openprequal.bench.tail.policies import OURS, POLICIES
from openprequal.bench.tail.record import Record
from openprequal.bench.tail.results import Results
from openprequal.bench.tail.workloads import WORKLOADS
from openprequal.simulation import results as simulation_results
from openprequal.simulation.grid import Cell, run_all
from openprequal.simulation.measured import Measured
from openprequal.simulation.results import ratio
from openprequal.simulation.run import Rule

QUANTILE = 0.99
NEAR = 0.1
"""Of two policies whose p99 is that close, neither is said to be the better."""


def simulate(records: Iterable[Record], jobs: int, file: Path) -> simulation_results.Results:
    """Every run again in virtual time, the rule of the same kind standing for the proxy; the same for each of its kind.

    :param jobs: processes.
    :param file: where what was simulated is kept, and not done again.
    """
    kept = {_key(run): run for run in simulation_results.read(file)} if file.exists() else {}
    cells: dict[tuple[str, str, int, int], Cell] = {}
    for record in records:
        rule = POLICIES[record.policy].stand_in
        scenario = WORKLOADS[record.workload].lasting(record.warm_up_s, record.counted_s)
        counted = scenario.requests - int(scenario.requests * scenario.warm_up)
        cells[record.workload, rule, record.seed, counted] = Cell(scenario, Rule(rule), record.seed)
    done = run_all([cell for key, cell in cells.items() if key not in kept], jobs, "simulating")
    kept |= {_key(run): run for run in done}
    simulation_results.write(file, list(kept.values()))
    return simulation_results.Results(kept[key] for key in cells)


def _key(run: Measured) -> tuple[str, str, int, int]:
    return run.scenario, run.balancer, run.seed, run.requests


@frozen
class Comparison:
    """Ours to one policy's, live and simulated."""

    policy: str
    live: float
    simulated: float

    @property
    def agrees(self) -> bool:
        """Is the better one the better one in both, or neither?"""
        return _side(self.live) == _side(self.simulated) or abs(self.live - self.simulated) <= NEAR


def comparisons(results: Results, simulated: simulation_results.Results, workload: str) -> list[Comparison]:
    """Ours to every other policy, in p99."""
    found = []
    for policy in results.policies(workload):
        live = results.ours_to(workload, policy, QUANTILE)
        rule = POLICIES[policy].stand_in
        if policy == OURS or live is None or not simulated.has(workload, rule):
            continue
        pair = simulated.pair(workload, POLICIES[OURS].stand_in, rule, QUANTILE)
        if pair is not None:
            found.append(Comparison(policy, live.ratio, ratio(*pair)))
    return found


def order_agrees(results: Results, simulated: simulation_results.Results, workload: str) -> tuple[int, int]:
    """Of how many pairs of policies with different rules the better one is the same live and simulated, and of how many
    the two are far enough apart in both to be compared."""
    medians: Mapping[str, tuple[float, float]] = {
        policy: (
            results.quantile(workload, policy, QUANTILE).median,
            simulated.latency(workload, POLICIES[policy].stand_in, QUANTILE).median,
        )
        for policy in results.policies(workload)
        if simulated.has(workload, POLICIES[policy].stand_in)
    }
    sides: Sequence[tuple[int, int]] = [
        (_side(ratio(medians[one][0], medians[other][0])), _side(ratio(medians[one][1], medians[other][1])))
        for one, other in combinations(medians, 2)
        if POLICIES[one].stand_in != POLICIES[other].stand_in
    ]
    apart = [(live, virtual) for live, virtual in sides if live and virtual]
    return sum(live == virtual for live, virtual in apart), len(apart)


def _side(factor: float) -> int:
    if abs(factor - 1.0) <= NEAR:
        return 0
    return -1 if factor < 1.0 else 1
