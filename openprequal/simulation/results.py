"""What do several runs say together, and how are they kept in a file?"""

import csv
import io
from collections.abc import Iterable, Sequence
from math import inf
from pathlib import Path
from statistics import median

from attrs import frozen

from openprequal.errors import ConfigurationError
from openprequal.simulation.measured import QUANTILES, Measured, Spread

_LATENCIES = {quantile: f"p{quantile * 100:g}_seconds" for quantile in QUANTILES}
_RIFS = {quantile: f"rif_p{quantile * 100:g}" for quantile in QUANTILES}
_COLUMNS = (
    "scenario",
    "balancer",
    "seed",
    "requests",
    "failed",
    "timed_out",
    *_LATENCIES.values(),
    *_RIFS.values(),
    "probes_per_request",
    "wall_seconds",
    "shares",
    "digest",
)
HEADER = ",".join(_COLUMNS)
"""The first line of a file of results."""

_OLDER = _COLUMNS[:-1]
"""Files from before results had a digest."""


class Results:
    """Runs, by scenario and rule."""

    def __init__(self, runs: Iterable[Measured]) -> None:
        self.runs = tuple(runs)
        self._by: dict[tuple[str, str], list[Measured]] = {}
        for measured in self.runs:
            self._by.setdefault((measured.scenario, measured.balancer), []).append(measured)

    def has(self, scenario: str, rule: str) -> bool:
        """Was it run?"""
        return (scenario, rule) in self._by

    def rules(self, scenario: str) -> list[str]:
        """Names of the rules that *scenario* was run with, in that order."""
        return [rule for name, rule in self._by if name == scenario]

    def of(self, scenario: str, rule: str) -> Sequence[Measured]:
        """The runs with each seed; at least one.

        :raises KeyError: there was none.
        """
        return self._by[scenario, rule]

    def latency(self, scenario: str, rule: str, quantile: float) -> Spread:
        """A quantile of the latency over the seeds, in seconds; infinite where that many requests failed."""
        return Spread.over([measured.quantiles[quantile] for measured in self.of(scenario, rule)])

    def pair(self, scenario: str, rule: str, other: str, quantile: float) -> tuple[float, float] | None:
        """A quantile of the latency of two rules: the medians over the seeds that both were run with; None: there are
        none."""
        first = {measured.seed: measured.quantiles[quantile] for measured in self.of(scenario, rule)}
        second = {measured.seed: measured.quantiles[quantile] for measured in self.of(scenario, other)}
        seeds = first.keys() & second.keys()
        if not seeds:
            return None
        return median(first[seed] for seed in seeds), median(second[seed] for seed in seeds)

    def rif(self, scenario: str, rule: str, quantile: float) -> Spread:
        """A quantile of the requests in flight at a server, over the seeds."""
        return Spread.over([measured.rif_quantiles[quantile] for measured in self.of(scenario, rule)])

    def errors(self, scenario: str, rule: str) -> Spread:
        """The share of requests that failed, over the seeds."""
        return Spread.over([measured.errors for measured in self.of(scenario, rule)])

    def probes(self, scenario: str, rule: str) -> Spread:
        """Probes per request, over the seeds."""
        return Spread.over([measured.probes for measured in self.of(scenario, rule)])


def write(path: Path, runs: Sequence[Measured]) -> None:
    """Write *runs* as CSV, one a line: all of them, or the file stays as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text("".join(f"{line}\n" for line in (HEADER, *map(to_line, runs))), "utf-8")
    new.replace(path)


def read(path: Path) -> list[Measured]:
    """What :func:`write` wrote.

    :raises ConfigurationError: it is not that; the message names the line.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) not in (_COLUMNS, _OLDER):
            raise ConfigurationError(f"{path}, line 1: not the columns of a simulation's results; run it anew")
        runs = []
        for number, row in enumerate(rows, 2):
            try:
                runs.append(_measured(row))
            except (TypeError, ValueError, KeyError) as error:
                raise ConfigurationError(f"{path}, line {number}: {error}") from None
        return runs


def to_line(each: Measured) -> str:
    """One run as a line of CSV, without its end."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(
        (
            each.scenario,
            each.balancer,
            each.seed,
            each.requests,
            each.failed,
            each.timed_out,
            *(f"{each.quantiles[quantile]:.9g}" for quantile in QUANTILES),
            *(f"{each.rif_quantiles[quantile]:.9g}" for quantile in QUANTILES),
            f"{each.probes:.6g}",
            f"{each.wall_s:.2f}",
            " ".join(f"{share:.5f}" for share in each.shares),
            each.digest,
        )
    )
    return line.getvalue()


def from_line(line: str) -> Measured | None:
    """What :func:`to_line` wrote; None: it is something else."""
    try:
        return _measured(next(csv.DictReader([line], _COLUMNS)))
    except (TypeError, ValueError, KeyError, StopIteration, csv.Error):
        return None


def _measured(row: dict[str, str]) -> Measured:
    return Measured(
        row["scenario"],
        row["balancer"],
        int(row["seed"]),
        {quantile: float(row[column]) for quantile, column in _LATENCIES.items()},
        int(row["requests"]),
        int(row["failed"]),
        int(row["timed_out"]),
        tuple(float(share) for share in row["shares"].split()),
        {quantile: float(row[column]) for quantile, column in _RIFS.items()},
        float(row["probes_per_request"]),
        float(row["wall_seconds"]),
        row.get("digest") or "",
    )


@frozen
class Finding:
    """Something that was claimed, and whether it is so."""

    claim: str
    seen: str
    holds: bool | None
    """None: cannot be told from what was run."""


def ratio(value: float, other: float) -> float:
    """*value* over *other*, where both may be infinite or none."""
    if value == other:
        return 1.0
    return value / other if other else inf
