"""How do results look as pictures? Needs matplotlib, which nothing else here does."""

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from openprequal.errors import ConfigurationError
from openprequal.simulation.figure import Figure, Read, in_ms
from openprequal.simulation.measured import QUANTILES
from openprequal.simulation.results import Results
from openprequal.simulation.run import OMNISCIENT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture

MISSING = (
    "plots need matplotlib, which is not installed: pip install 'openprequal[simulation]', or leave them out with"
    " --no-plots"
)

_MARKS = "os^Dv<>*"
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown", "tab:pink", "tab:gray")


def available() -> None:
    """
    :raises ConfigurationError: there is no matplotlib; the message tells how to get it.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigurationError(MISSING) from None


def plot_figure(figure: Figure, read: Read, stem: Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Draw *figure* into ``stem.png`` and so on."""
    if figure.by_rule:
        picture, axes = _picture(1.4 + 0.32 * max(len(read.of(series)) for series in read.series()))
        quantities = {series: {p.label: read.latency(p, 0.99) for p in read.of(series)} for series in read.series()}
        _marks(axes, quantities)
    elif figure.shows_rif:
        picture, (axes, below) = _pictures(2)
        _curves(axes, figure, read)
        for number, series in enumerate(read.series()):
            points = read.of(series)
            for style, quantile in (("-", 0.99), ("--", 0.999)):
                below.plot(
                    [point.x for point in points],
                    [read.rif(point, quantile) for point in points],
                    style,
                    marker=_MARKS[number % len(_MARKS)],
                    label=f"{series}, p{quantile * 100:g}",
                )
        below.set_xlabel(figure.x_name)
        below.set_ylabel("requests in flight at a server")
        below.set_ylim(bottom=0)
        below.legend(fontsize=8)
    else:
        picture, axes = _picture(4.2)
        _curves(axes, figure, read)
    axes.set_title(figure.title, fontsize=10)
    return _save(picture, stem, formats)


def plot_scenario(
    title: str, results: Results, scenario: str, stem: Path, formats: Sequence[str] = ("png", "svg")
) -> list[Path]:
    """Draw the p99 of every rule of *scenario*, the omniscient one as a line."""
    p99 = {rule: results.latency(scenario, rule, 0.99).median for rule in results.rules(scenario)}
    limit = p99.pop(OMNISCIENT, None)
    picture, axes = _picture(1.2 + 0.24 * len(p99))
    shown = limit if limit is not None and isfinite(limit) else None
    _marks(axes, {"p99": dict(sorted(p99.items(), key=lambda item: item[1]))}, shown)
    axes.set_title(f"{scenario}: {title}", fontsize=9)
    return _save(picture, stem, formats)


def _curves(axes: "Axes", figure: Figure, read: Read) -> None:
    limit = max((point.scenario.deadline_s or 0.0 for point in read), default=0.0)
    for number, series in enumerate(read.series()):
        points = read.of(series)
        for quantile, style in zip(QUANTILES, (":", "-.", "-", "--"), strict=True):
            values = [read.latency(point, quantile) for point in points]
            axes.plot(
                [point.x for point in points],
                [1000 * (limit if value == inf else value) for value in values],
                style,
                color=_COLOURS[number % len(_COLOURS)],
                marker=_MARKS[number % len(_MARKS)],
                markersize=3,
                linewidth=1,
                label=f"{series}, p{quantile * 100:g}",
            )
    _plain_decades(axes, "y")
    axes.set_xlabel(figure.x_name)
    axes.set_ylabel("latency, ms")
    axes.grid(alpha=0.3, which="both")
    axes.figure.legend(
        *axes.get_legend_handles_labels(), fontsize=7, ncols=max(2, len(read.series())), loc="outside lower center"
    )


def _marks(axes: "Axes", groups: Mapping[str, Mapping[str, float]], limit: float | None = None) -> None:
    """A mark for each rule, one kind a group; what failed is to the right of all others, and says so.

    Marks, not bars: the axis is logarithmic, and has no zero for bars to begin at.
    """
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    finite = [value for values in groups.values() for value in values.values() if isfinite(value)]
    longest = 1.5 * max(finite, default=1.0)
    for number, (group, values) in enumerate(groups.items()):
        at = [names.index(name) + 0.3 * (number - (len(groups) - 1) / 2) for name in values]
        places = [1000 * min(value, longest) for value in values.values()]
        axes.plot(places, at, _MARKS[number], markersize=5, label=group, color=_COLOURS[number])
        for place, height, value in zip(places, at, values.values(), strict=True):
            said = in_ms(value)
            axes.text(place * 1.03, height, f" {said}", va="center", fontsize=6)
    if limit is not None:
        axes.axvline(limit * 1000, color="black", linestyle="--", linewidth=1, label=OMNISCIENT)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(700 * min([*finite, *([limit] if limit else [])], default=1.0), 1600 * longest)
    axes.set_xlabel("p99, ms")
    axes.grid(alpha=0.3, which="both")
    _plain_decades(axes, "x")
    if len(groups) > 1 or limit is not None:
        axes.legend(fontsize=7)


def _plain_decades(axes: "Axes", which: Literal["x", "y"]) -> None:
    """A logarithmic axis with 100, 200, 500 on it, as people write them."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_xscale("log") if which == "x" else axes.set_yscale("log")
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _picture(height: float) -> "tuple[Picture, Axes]":
    from matplotlib.figure import Figure as Picture

    picture = Picture(figsize=(6.4, max(2.0, height)), layout="constrained")
    return picture, picture.subplots()


def _pictures(count: int) -> "tuple[Picture, Sequence[Axes]]":
    from matplotlib.figure import Figure as Picture

    picture = Picture(figsize=(6.4, 3.6 * count), layout="constrained")
    return picture, picture.subplots(count, 1)


def _save(picture: "Picture", stem: Path, formats: Sequence[str]) -> list[Path]:
    import matplotlib

    stem.parent.mkdir(parents=True, exist_ok=True)
    # Path.with_suffix would take "0.9" of "antagonists-0.9" for a suffix.
    paths = [stem.parent / f"{stem.name}.{format_}" for format_ in formats]
    for path in paths:
        # Without dates and random ids, so that the same results make the same file.
        stamp = {"Date": None} if path.suffix == ".svg" else {}
        with matplotlib.rc_context({"svg.hashsalt": "openprequal"}):
            picture.savefig(path, dpi=90, metadata=stamp)
    return paths
