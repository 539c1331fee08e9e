"""How are runs kept, so that an interrupted benchmark loses none?"""

import json
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from pathlib import Path
from statistics import median

from attrs import frozen

from openprequal.bench.processes import StartFailed
from openprequal.bench.tail.policies import OURS
from openprequal.bench.tail.record import Record
from openprequal.simulation.measured import Spread
from openprequal.simulation.results import ratio


def read(path: Path) -> list[Record]:
    """The runs in that file, a line of JSON each; none if there is no such file.

    :raises StartFailed: a line is something else; the last one may be cut short, by an interruption, and is left out.
    """
    if not path.exists():
        return []
    lines = path.read_text("utf-8").split("\n")
    records = []
    for number, line in enumerate(lines[:-1], 1):
        try:
            records.append(Record.of_told(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise StartFailed(f"{path}, line {number}: no run of this benchmark: {error}") from None
    return records


def append(path: Path, record: Record) -> None:
    """Write *record* at the end, at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        # A line that an interruption cut short would spoil the next one.
        kept = path.read_bytes()
        if not kept.endswith(b"\n"):
            path.write_bytes(kept[: kept.rfind(b"\n") + 1])
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record.as_told(), allow_nan=False) + "\n")


class Results:
    """Runs, by workload and policy."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = tuple(records)

    @property
    def workloads(self) -> list[str]:
        """In the order in which they were run."""
        return list(dict.fromkeys(record.workload for record in self.records))

    def policies(self, workload: str) -> list[str]:
        """In the order in which they were run."""
        return list(dict.fromkeys(record.policy for record in self.of_workload(workload)))

    def of_workload(self, workload: str) -> Iterator[Record]:
        """Its runs."""
        return (record for record in self.records if record.workload == workload)

    def of(self, workload: str, policy: str) -> Sequence[Record]:
        """Its runs, by seed."""
        found = [record for record in self.of_workload(workload) if record.policy == policy]
        return sorted(found, key=lambda record: record.seed)

    def quantile(self, workload: str, policy: str, quantile: float) -> Spread:
        """Of the latency, over the seeds, in seconds; infinite where that many requests failed."""
        return Spread.over([record.quantile(quantile) for record in self.of(workload, policy)])

    def ours_to(self, workload: str, policy: str, quantile: float) -> "OursTo | None":
        """Our quantile beside that of *policy*, on the seeds that both were run with; None: there are none."""
        ours = {record.seed: record.quantile(quantile) for record in self.of(workload, OURS)}
        theirs = {record.seed: record.quantile(quantile) for record in self.of(workload, policy)}
        seeds = sorted(ours.keys() & theirs.keys())
        if not seeds:
            return None
        return OursTo(
            median(ours[seed] for seed in seeds),
            median(theirs[seed] for seed in seeds),
            Spread.over([ratio(ours[seed], theirs[seed]) for seed in seeds]),
        )


@frozen
class OursTo:
    """Our latency at a quantile beside another's: medians over the seeds, seconds; infinite where requests failed."""

    ours_s: float
    theirs_s: float
    by_seed: Spread
    """Of the ratios of single seeds."""

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return ratio(self.ours_s, self.theirs_s)

    def __str__(self) -> str:
        if inf in (self.ours_s, self.theirs_s):
            who = "both" if self.ours_s == self.theirs_s else "ours" if self.ours_s == inf else "theirs"
            return f"failed ({who})"
        low, high = self.by_seed.low, self.by_seed.high
        return f"{self.ratio:.2f} ×" + (f" ({low:.2f}–{high:.2f})" if low < high else "")
