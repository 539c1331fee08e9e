"""What is a figure? Points to be measured, what the paper has at them, and what should be seen."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf

from attrs import evolve, field, frozen

from openprequal.simulation.measured import QUANTILES
from openprequal.simulation.results import Finding, Results
from openprequal.simulation.run import Rule
from openprequal.simulation.scenario import Scenario


@frozen
class Point:
    """One measurement of a figure."""

    series: str
    """The curve it is on."""
    x: float
    label: str
    """*x* for people; for a rule without a number, its name."""
    scenario: Scenario
    rule: Rule


@frozen
class Figure:
    """A figure of the paper's section 5, and what we run for it."""

    name: str
    title: str
    x_name: str
    setting: str
    """What is run, for people."""
    paper: str
    """What the paper measured, in words."""
    look_for: str
    """What a reader should look for."""
    points: Callable[[Sequence[Rule] | None], Sequence[Point]]
    """Those to be measured, with these rules instead of the figure's own; None: with its own."""
    findings: Callable[["Read"], Sequence[Finding]]
    """Whether what should be seen is there."""
    paper_seconds: Mapping[tuple[str, str], Mapping[float, float]] = field(factory=dict)
    """The paper's latencies, by series and label of the point; infinite: the deadline."""
    differs: str = ""
    """Why ours differ from the paper's, written by whoever has looked at them."""
    by_rule: bool = False
    """The points of a series are unlike things, rules; False: numbers on an axis."""
    shows_rif: bool = False
    """The tail of the requests in flight is part of it."""


@frozen
class Read:
    """A figure's points with what was measured at them."""

    points: Sequence[Point]
    results: Results

    def series(self) -> list[str]:
        """Names of the curves of which something was measured."""
        return list(dict.fromkeys(point.series for point in self))

    def of(self, series: str) -> list[Point]:
        """The points of one curve."""
        return [point for point in self if point.series == series]

    def at(self, series: str, label: str) -> Point | None:
        """The point of a curve with that label, if it was measured."""
        return next((point for point in self if (point.series, point.label) == (series, label)), None)

    def latency(self, point: Point | None, quantile: float) -> float:
        """Seconds, the median over the seeds; infinite for no point at all."""
        return inf if point is None else self.results.latency(point.scenario.name, point.rule.name, quantile).median

    def latencies(self, series: str, quantile: float) -> list[float]:
        """Along a curve."""
        return [self.latency(point, quantile) for point in self.of(series)]

    def errors(self, point: Point) -> float:
        """Share of the requests, the median over the seeds."""
        return self.results.errors(point.scenario.name, point.rule.name).median

    def rif(self, point: Point, quantile: float) -> float:
        """Requests in flight at a server, the median over the seeds."""
        return self.results.rif(point.scenario.name, point.rule.name, quantile).median

    def __iter__(self) -> Iterator[Point]:
        return (point for point in self.points if self.results.has(point.scenario.name, point.rule.name))


def of_paper(*values_ms: float | None) -> dict[float, float]:
    """Latencies of the paper at :data:`QUANTILES`, given in milliseconds; None: not told."""
    return {
        quantile: value_ms / 1000
        for quantile, value_ms in zip(QUANTILES, values_ms, strict=False)
        if value_ms is not None
    }


def shortened(points: Sequence[Point], requests: int | None) -> Sequence[Point]:
    """The same with other numbers of requests each; None: as they are."""
    if requests is None:
        return points
    return [evolve(point, scenario=evolve(point.scenario, requests=requests)) for point in points]


def in_ms(seconds: float) -> str:
    """A latency for people."""
    if seconds == inf:
        return "failed"
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"
