"""How do results look as pictures? Needs matplotlib, which nothing else here does."""

from collections.abc import Mapping, Sequence
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from openprequal.errors import ConfigurationError
from openprequal.simulation.figure import Figure, Read
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
    if figure.bars:
        picture, axes = _picture(1.4 + 0.32 * max(len(read.of(series)) for series in read.series()))
        quantities = {series: {p.label: read.latency(p, 0.99) for p in read.of(series)} for series in read.series()}
        _bars(axes, quantities)
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
    _bars(axes, {"p99": dict(sorted(p99.items(), key=lambda item: item[1]))})
    if limit is not None and isfinite(limit):
        axes.axvline(limit * 1000, color="black", linestyle="--", linewidth=1, label=OMNISCIENT)
        axes.legend(fontsize=8)
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
    axes.set_yscale("log")
    axes.set_xlabel(figure.x_name)
    axes.set_ylabel("latency, ms")
    axes.grid(alpha=0.3, which="both")
    axes.legend(fontsize=7, ncols=max(1, len(read.series())))


def _bars(axes: "Axes", groups: Mapping[str, Mapping[str, float]]) -> None:
    """Bars to the right, one group a name of a rule; those without an end reach beyond all others, and say so."""
    names = list(dict.fromkeys(name for values in groups.values() for name in values))
    finite = [value for values in groups.values() for value in values.values() if isfinite(value)]
    longest = 1.3 * max(finite, default=1.0)
    height = 0.8 / len(groups)
    for number, (group, values) in enumerate(groups.items()):
        at = [names.index(name) + (number - (len(groups) - 1) / 2) * height for name in values]
        widths = [1000 * min(value, longest) for value in values.values()]
        axes.barh(at, widths, height, label=group, color=_COLOURS[number])
        for place, width, value in zip(at, widths, values.values(), strict=True):
            said = f"{value * 1000:.0f}" if isfinite(value) else "failed"
            axes.text(width, place, f" {said}", va="center", fontsize=6)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(right=2500 * longest)
    axes.set_xlabel("p99, ms")
    axes.grid(alpha=0.3, axis="x")
    if len(groups) > 1:
        axes.legend(fontsize=7)


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
