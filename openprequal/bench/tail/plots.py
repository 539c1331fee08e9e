"""How do the runs look as pictures? Needs matplotlib, which nothing else here does."""

from collections.abc import Callable, Sequence
from math import isfinite, log10
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from openprequal.bench.tail.histograms import add, empty, record
from openprequal.bench.tail.policies import OURS
from openprequal.bench.tail.record import Record
from openprequal.bench.tail.results import Results
from openprequal.bench.tail.workloads import DEADLINE_S, WORKLOADS
from openprequal.simulation.plots import available

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = ("png", "svg")
_NINES = (0.0, 50.0, 90.0, 99.0, 99.9)

__all__ = ["available", "plot"]


def plot(results: Results, folder: Path, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Draw of each workload the latency by percentile, the latency over time, and the requests of each backend."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for workload in results.workloads:
        drawn += _picture(results, workload, "percentiles", _percentiles, folder, formats)
        drawn += _picture(results, workload, "over-time", _over_time, folder, formats)
        drawn += _picture(results, workload, "per-backend", _per_backend, folder, formats)
    return drawn


_Draw = Callable[["Axes", Results, str], None]


def _picture(
    results: Results, workload: str, what: str, draw: _Draw, folder: Path, formats: Sequence[str]
) -> list[Path]:
    import matplotlib
    from matplotlib.figure import Figure

    picture = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = picture.subplots()
    draw(axes, results, workload)
    axes.set_title(f"{workload}: {WORKLOADS[workload].scenario.title}", fontsize=9)
    axes.grid(alpha=0.3, which="both")
    picture.legend(*axes.get_legend_handles_labels(), fontsize=7, ncols=3, loc="outside lower center")
    paths = []
    for format_ in formats:
        path = folder / f"{workload}-{what}.{format_}"
        # Without dates and random ids, so that the same results make the same file.
        with matplotlib.rc_context({"svg.hashsalt": "openprequal"}):
            picture.savefig(path, dpi=90, metadata={"Date": None} if format_ == "svg" else {})
        paths.append(path)
    return paths


def _percentiles(axes: "Axes", results: Results, workload: str) -> None:
    """All seeds together; requests that were not answered are at the deadline."""
    for number, policy in enumerate(_ours_last(results.policies(workload))):
        runs = results.of(workload, policy)
        together = empty()
        for run in runs:
            add(together, run.latencies.histogram)
            lost = run.latencies.failed + run.latencies.timed_out
            if lost:
                record(together, DEADLINE_S, lost)
        # As many nines as there are at least ten requests beyond.
        most = 100.0 * (1.0 - 10.0 / max(11, together.get_total_count()))
        points = [100.0 - 10.0 ** (2.0 - step / 25.0) for step in range(101)]
        points = [point for point in points if point <= most]
        axes.plot(
            [2.0 - log10(100.0 - point) for point in points],
            [together.get_value_at_percentile(point) / 1000 for point in points],
            **_line(policy, number),
        )
    axes.set_xticks([2.0 - log10(100.0 - nine) for nine in _NINES], [f"p{nine:g}" for nine in _NINES])
    axes.set_xlabel("percentile")
    _latency_axis(axes)


def _over_time(axes: "Axes", results: Results, workload: str) -> None:
    """p99 of each second, the median over the seeds; where it was not answered, it is at the deadline."""
    for number, policy in enumerate(_ours_last(results.policies(workload))):
        runs = results.of(workload, policy)
        seconds = range(min(len(run.latencies.by_second) for run in runs))
        axes.plot(seconds, [_second_p99_ms(runs, second) for second in seconds], **_line(policy, number))
    axes.set_xlabel("seconds since counting began")
    _latency_axis(axes, "p99 of each second, ms")


def _second_p99_ms(runs: Sequence[Record], second: int) -> float:
    tails = [run.latencies.by_second[second][1] for run in runs]
    return 1000 * median(DEADLINE_S if tail is None or not isfinite(tail) else tail for tail in tails)


def _per_backend(axes: "Axes", results: Results, workload: str) -> None:
    """Share of the requests, the median over the seeds."""
    for number, policy in enumerate(_ours_last(results.policies(workload))):
        runs = results.of(workload, policy)
        shares = [[count / max(1, sum(run.per_backend)) for count in run.per_backend] for run in runs]
        middle = [100 * median(each) for each in zip(*shares, strict=True)]
        axes.plot(range(1, len(middle) + 1), middle, marker="o", markersize=3, **_line(policy, number))
    axes.set_xlabel("backend")
    axes.set_ylabel("share of the requests, %")
    axes.set_ylim(bottom=0)


def _ours_last(policies: Sequence[str]) -> list[str]:
    """So that ours is drawn over the others, and the others are in one order."""
    return sorted(policies, key=lambda policy: (policy == OURS, policy))


def _line(policy: str, number: int) -> dict[str, Any]:
    """How a policy is drawn: ours black and bold, all others apart by colour, every other one dashed."""
    if policy == OURS:
        return {"label": policy, "color": "black", "linewidth": 2.2}
    return {"label": policy, "color": f"C{number}", "linewidth": 1.1, "linestyle": "-" if number % 2 else "--"}


def _latency_axis(axes: "Axes", label: str = "latency, ms") -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel(label)
