"""How do results look as text?"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from openprequal.simulation.figure import Figure, Read, in_ms
from openprequal.simulation.measured import QUANTILES, Spread
from openprequal.simulation.results import Finding, Results

Row = Sequence[str]


def as_text(header: Row, rows: Iterable[Row]) -> str:
    """Columns for a terminal: the first to the left, numbers to the right."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    lines = [
        "  ".join(cell.rjust(width) if column else cell.ljust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in table)
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def as_markdown(header: Row, rows: Iterable[Row]) -> str:
    """The same for a page."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def scenario_rows(results: Results, scenario: str) -> tuple[Row, list[Row]]:
    """Every rule that *scenario* was run with, the lowest p99 first: milliseconds, medians (and ranges) over seeds."""
    header: Row = ["balancer", *(f"p{quantile * 100:g} ms" for quantile in QUANTILES), "errors", "probes/req", "shares"]
    rules = sorted(results.rules(scenario), key=lambda rule: results.latency(scenario, rule, 0.99).median)
    rows: list[Row] = []
    for rule in rules:
        shares = results.of(scenario, rule)[0].shares
        rows.append(
            [
                rule,
                *(spread_in_ms(results.latency(scenario, rule, quantile)) for quantile in QUANTILES),
                f"{results.errors(scenario, rule).median:.2%}",
                f"{results.probes(scenario, rule).median:.2f}",
                f"{min(shares):.1%}–{max(shares):.1%}",
            ]
        )
    return header, rows


def figure_rows(figure: Figure, read: Read) -> tuple[Row, list[Row]]:
    """Every point of a figure, with the paper's latencies in brackets where it tells them."""
    many = len(read.series()) > 1
    header: Row = [
        *(["series"] if many else []),
        figure.x_name,
        *(f"p{quantile * 100:g} ms" for quantile in QUANTILES),
        "errors",
        *(["RIF p99", "RIF p99.9"] if figure.shows_rif else []),
    ]
    rows: list[Row] = []
    for point in read:
        paper = figure.paper_seconds.get((point.series, point.label), {})
        spreads = ((q, read.results.latency(point.scenario.name, point.rule.name, q)) for q in QUANTILES)
        rows.append(
            [
                *([point.series] if many else []),
                point.label,
                *(spread_in_ms(spread) + _paper(paper, quantile) for quantile, spread in spreads),
                f"{read.errors(point):.2%}",
                *([f"{read.rif(point, q):.0f}" for q in (0.99, 0.999)] if figure.shows_rif else []),
            ]
        )
    return header, rows


def finding_rows(findings: Iterable[Finding]) -> tuple[Row, list[Row]]:
    """A line a finding."""
    words = {True: "yes", False: "NO", None: "?"}
    return ["claim", "holds", "seen"], [[each.claim, words[each.holds], each.seen] for each in findings]


def spread_in_ms(spread: Spread) -> str:
    """Milliseconds: the median, and the range if there is one."""
    if in_ms(spread.low) == in_ms(spread.high):
        return in_ms(spread.median)
    return f"{in_ms(spread.median)} ({in_ms(spread.low)}–{in_ms(spread.high)})"


def _paper(latencies: Mapping[float, float], quantile: float) -> str:
    if quantile not in latencies:
        return ""
    value = latencies[quantile]
    return f" [{'TO' if value == inf else in_ms(value)}]"
