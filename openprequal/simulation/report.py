"""How does the report of all simulations come about? Text from the results, with the paper's numbers beside ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from openprequal.simulation.bars import verdicts
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.figure import Figure, Read
from openprequal.simulation.figures import FIGURES
from openprequal.simulation.plots import plot_figure, plot_scenario
from openprequal.simulation.results import Finding, Results
from openprequal.simulation.tables import as_markdown, figure_rows, finding_rows, scenario_rows

PAGE = "simulation-report.md"
FOLDER = "simulation"

_HEAD = """\
# Simulations: the report

Written by `python -m openprequal.simulation report`; [simulation.md](simulation.md) says what is simulated and how.
Latencies are in milliseconds: medians over the seeds (and their range); `failed` where so many requests failed that the
quantile is one of them; the paper's in square brackets where it tells them, `TO` for its time-out of 5 s.
"""


def write_report(out: Path, figures: Mapping[str, Read], scenarios: Results, *, plots: bool = True) -> Path:
    """Write the page and its pictures under *out*.

    :param figures: what was measured for each, by name.
    :return: the page.
    """
    parts = [_HEAD]
    for name, read in figures.items():
        parts.append(_figure(FIGURES[name], read, out, plots))
    parts.append(_scenarios(scenarios, out, plots))
    runs = [*scenarios.runs, *(run for read in figures.values() for run in read.results.runs)]
    spent_s = sum(run.wall_s for run in runs)
    seeds = sorted({run.seed for run in runs})
    parts.append(f"{len(runs)} runs, seeds {', '.join(map(str, seeds))}, {spent_s / 60:.0f} minutes of one core.\n")
    out.mkdir(parents=True, exist_ok=True)
    page = out / PAGE
    page.write_text("\n".join(parts), "utf-8")
    return page


def agreement(findings: Sequence[Finding]) -> str:
    """A paragraph on how far what was seen is what was to be seen."""
    judged = [finding for finding in findings if finding.holds is not None]
    missed = [finding for finding in judged if not finding.holds]
    if not judged:
        return "Nothing of it can be judged by what was run."
    told = f"{len(judged) - len(missed)} of {len(judged)} findings are as in the paper."
    if missed:
        told += " Not so: " + "; ".join(f"{finding.claim} (seen: {finding.seen})" for finding in missed) + "."
    return told


def _figure(figure: Figure, read: Read, out: Path, plots: bool) -> str:
    findings = figure.findings(read)
    parts = [
        f"## {figure.title}\n",
        f"{figure.setting}\n",
        f"**The paper.** {figure.paper}\n",
        f"**Look for** {figure.look_for}\n",
    ]
    if plots:
        plot_figure(figure, read, out / FOLDER / figure.name, ("png",))
        parts.append(f"![{figure.title}]({FOLDER}/{figure.name}.png)\n")
    parts.append(as_markdown(*figure_rows(figure, read)) + "\n")
    parts.append(f"**Agreement.** {agreement(findings)}\n")
    parts.append(as_markdown(*finding_rows(findings)) + "\n")
    if figure.differs:
        parts.append(f"{figure.differs}\n")
    return "\n".join(parts)


def _scenarios(results: Results, out: Path, plots: bool) -> str:
    parts = [
        "## The scenarios\n",
        "Those on which the defaults were chosen (`openprequal/simulation/catalogue.py`), and the bars that they are"
        " held to.\n",
        as_markdown(*finding_rows(verdicts(results))) + "\n",
    ]
    for scenario in dict.fromkeys(run.scenario for run in results.runs):
        title = SCENARIOS[scenario].title
        parts.append(f"### {scenario}\n\n{title}\n")
        if plots:
            plot_scenario(title, results, scenario, out / FOLDER / scenario, ("png",))
            parts.append(f"![{scenario}]({FOLDER}/{scenario}.png)\n")
        parts.append(as_markdown(*scenario_rows(results, scenario)) + "\n")
    return "\n".join(parts)
