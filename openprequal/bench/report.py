"""What do the turns say? Medians, ratios with their range, as text, JSON or CSV."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from statistics import median

import attrs

from openprequal.bench.peers import OWN
from openprequal.bench.rounds import DIRECT, Result, Turn


def rate(turn: Turn) -> float:
    """Requests per second."""
    return turn.load.requests_per_s


def cpu_us(turn: Turn) -> float:
    """CPU time per request, in microseconds."""
    return turn.cpu_s_per_request * 1e6


def p50_us(turn: Turn) -> float:
    """Median latency, in microseconds."""
    return turn.load.p50_s * 1e6


COLUMNS: list[tuple[str, Callable[[Turn], float], str]] = [
    ("requests/s", rate, ",.0f"),
    ("MB/s", lambda turn: turn.load.bytes_per_s / 1e6, ",.0f"),
    ("CPU µs/req", cpu_us, ".1f"),
    ("p50 µs", p50_us, ",.0f"),
    ("p99 µs", lambda turn: turn.load.p99_s * 1e6, ",.0f"),
    ("errors", lambda turn: turn.load.errors, ".0f"),
    ("probes/s", lambda turn: turn.probes_per_s, ",.0f"),
    ("reuse %", lambda turn: turn.reuse * 100, ".2f"),
]


def middle(result: Result, proxy: str, figure: Callable[[Turn], float]) -> float:
    """The median of a figure over that proxy's turns."""
    return median(figure(turn) for turn in result.turns if turn.proxy == proxy)


@attrs.frozen
class Ratio:
    """Ours to a peer's: the ratio of medians, and the least and most of any one round."""

    peer: str
    what: str
    of_medians: float
    least: float
    most: float


def ratios(result: Result) -> list[Ratio]:
    """Ours to every peer's, in requests per second and in CPU per request; empty when ours was not measured."""
    if OWN.name not in result.proxies:
        return []
    found = []
    for peer in result.proxies:
        if peer in (OWN.name, DIRECT):
            continue
        for what, figure in (("requests/s", rate), ("CPU per request", cpu_us)):
            ours = [figure(turn) for turn in result.turns if turn.proxy == OWN.name]
            theirs = [figure(turn) for turn in result.turns if turn.proxy == peer]
            each = [divided(mine, other) for mine, other in zip(ours, theirs, strict=True)]
            found.append(Ratio(peer, what, divided(median(ours), median(theirs)), min(each), max(each)))
    return found


def divided(one: float, other: float) -> float:
    """Their quotient; nan where there is none."""
    return one / other if other else math.nan


def added_p50_us(result: Result) -> dict[str, float]:
    """Median latency each proxy adds to asking the backend directly, in microseconds; empty where that was not done."""
    if DIRECT not in result.proxies:
        return {}
    base = middle(result, DIRECT, p50_us)
    return {proxy: middle(result, proxy, p50_us) - base for proxy in result.proxies if proxy != DIRECT}


def as_text(result: Result) -> str:
    """The report for people."""
    plan = result.plan
    lines = [
        f"== {plan.scenario.name}: {plan.scenario.about}",
        f"   {plan.connections} connections, {plan.backends} backends, {plan.rounds} rounds of {plan.seconds} s, "
        f"medians; access logs off{' but where said' if plan.access_logs else ''}; "
        "proxy on core 0, load and backends on core 1",
        f"   {result.machine}",
        "",
        f"{'':<13}" + "".join(f"{title:>12}" for title, _, _ in COLUMNS),
    ]
    for proxy in result.proxies:
        figures = [format(middle(result, proxy, figure), form) for _, figure, form in COLUMNS]
        lines.append(f"{proxy:<13}" + "".join(f"{each:>12}" for each in figures))
    lines.append("")
    for ratio in ratios(result):
        spread = f"rounds {ratio.least:.2f} to {ratio.most:.2f}"
        lines.append(f"{OWN.name} / {ratio.peer}, {ratio.what}: {ratio.of_medians:.2f} × ({spread})")
    lines += [f"{proxy} adds {added:,.0f} µs to the median" for proxy, added in added_p50_us(result).items()]
    lines += [f"{proxy}: {version}" for proxy, version in result.versions.items()]
    lines += [f"{proxy} was not measured: {why}" for proxy, why in result.missing.items()]
    return "\n".join(lines) + "\n"


def as_json(results: Sequence[Result]) -> str:
    """Everything, for programs."""
    told = [
        {
            **attrs.asdict(result),
            "ratios": [attrs.asdict(ratio) for ratio in ratios(result)],
            "added_p50_us": added_p50_us(result),
        }
        for result in results
    ]
    return json.dumps(_without_nan(told), indent=2) + "\n"


def _without_nan(value: object) -> object:
    """JSON has no nan: null stands for it."""
    if isinstance(value, dict):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def as_csv(results: Sequence[Result]) -> str:
    """A line a turn, for spreadsheets."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["scenario", "round", "proxy", *[title for title, _, _ in COLUMNS]])
    for result in results:
        for turn in result.turns:
            writer.writerow(
                [result.plan.scenario.name, turn.round, turn.proxy, *[figure(turn) for _, figure, _ in COLUMNS]]
            )
    return out.getvalue()
