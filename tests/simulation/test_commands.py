"""The command line runs, tells and writes what was asked, and says what is wrong with the rest."""

import csv
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import attrs
import pytest
from attrs import evolve

from openprequal.balancing.catalogue import BALANCERS, PARAMETERS
from openprequal.simulation import commands
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.commands import main
from openprequal.simulation.figure import Point
from openprequal.simulation.figures import FIGURES, fig6
from openprequal.simulation.grid import Cell
from openprequal.simulation.report import agreement
from openprequal.simulation.results import Finding, Results
from openprequal.simulation.run import Rule
from openprequal.simulation.scenario import Servers

FAST = ["--jobs", "1", "--seeds", "1"]
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "fleet.toml"

SMALL_TESTBED = 6
"""Servers and clients, where it is the command that is tried and not what comes of a hundred of each."""

papers_rules = pytest.mark.skipif(
    "linear" not in BALANCERS or "preset" not in attrs.fields_dict(PARAMETERS["prequal"]),
    reason="the paper's rules are not all there",
)


def test_a_figure_is_run_told_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["fig6", *FAST, "--requests", "150", "--balancer", "round_robin", "--out", str(tmp_path)]
    assert main(asked) == 0
    told = capsys.readouterr().out
    assert told.startswith("Fig. 6: load beyond the allotment")
    assert "0.75" in told
    assert {path.name for path in tmp_path.iterdir()} == {"fig6.csv", "fig6.png", "fig6.svg"}
    with (tmp_path / "fig6.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 9


@pytest.mark.usefixtures("small_testbed")
@pytest.mark.parametrize("figure", ["fig7", "fig8"])
def test_figures_of_every_kind_are_drawn(tmp_path: Path, figure: str) -> None:
    asked = [figure, *FAST, "--requests", "40", "--out", str(tmp_path)]
    assert main([*asked, "--balancer", "prequal" if figure == "fig8" else "random"]) == 0
    assert (tmp_path / f"{figure}.png").stat().st_size > 5000


@pytest.fixture
def small_testbed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All points of all figures, with fewer servers and clients."""
    for figure in FIGURES.values():
        monkeypatch.setitem(FIGURES, figure.name, evolve(figure, points=partial(smaller, figure.points)))


def smaller(points: Callable[[Sequence[Rule] | None], Sequence[Point]], rules: Sequence[Rule] | None) -> list[Point]:
    return [
        evolve(point, scenario=evolve(point.scenario, servers=few(point.scenario.servers), proxies=SMALL_TESTBED))
        for point in points(rules)
    ]


def few(kinds: Sequence[Servers]) -> tuple[Servers, ...]:
    return tuple(evolve(kind, count=SMALL_TESTBED // len(kinds)) for kind in kinds)


@papers_rules
@pytest.mark.usefixtures("small_testbed")
@pytest.mark.parametrize("figure", ["fig9", "fig10"])
def test_figures_of_the_papers_own_rules_are_run(tmp_path: Path, figure: str) -> None:
    assert main([figure, *FAST, "--requests", "40", "--out", str(tmp_path)]) == 0
    assert (tmp_path / f"{figure}.png").exists()


def test_seeds_are_run_one_by_one(tmp_path: Path) -> None:
    asked = ["fig6", "--jobs", "2", "--seed", "5", "--seeds", "2", "--requests", "40", "--balancer", "random"]
    assert main([*asked, "--out", str(tmp_path), "--no-plots"]) == 0
    with (tmp_path / "fig6.csv").open() as file:
        assert {row["seed"] for row in csv.DictReader(file)} == {"5", "6"}


def test_scenarios_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["scenarios", *FAST, "--scenario", "uniform-4-1", "--requests", "200", "--out", str(tmp_path)]
    assert main([*asked, "--balancer", "random", "--balancer", "omniscient"]) == 0
    told = capsys.readouterr().out
    assert told.index("omniscient") < told.index("random")
    assert "The bars" not in told
    assert {path.name for path in tmp_path.iterdir()} == {"scenarios.csv", "uniform-4-1.png", "uniform-4-1.svg"}


@pytest.mark.parametrize(("holds", "status"), [(True, 0), (False, 1), (None, 0)])
def test_a_missed_bar_is_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], holds: bool | None, status: int
) -> None:
    monkeypatch.setattr(commands, "verdicts", lambda results: [Finding("claimed", "seen", holds)])
    asked = ["scenarios", *FAST, "--scenario", "uniform-4-1", "--requests", "50", "--balancer", "random"]
    assert main(asked) == status
    assert "claimed" in capsys.readouterr().out


def test_a_fleet_of_ones_own_is_advised_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["what-if", str(EXAMPLE), *FAST, "--requests", "300", "--out", str(tmp_path), "--no-plots"]
    assert main([*asked, "--balancer", "prequal:q_rif=0"]) == 0
    told = capsys.readouterr().out
    assert "8 servers, 2 gateways, 500 requests/s, load 0.58" in told
    assert "prequal:q_rif=0" in told
    assert "Take " in told
    assert (tmp_path / "fleet.csv").exists()


def test_an_example_of_a_fleet_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["what-if", "--example"]) == 0
    assert capsys.readouterr().out == EXAMPLE.read_text("utf-8")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["scenarios", "--scenario", "uniform"], "'uniform' is no scenario; there are antagonists-0.9, "),
        (["scenarios", "--balancer", "prequel"], "'prequel' is no balancer; there are prequal, "),
        (["fig6", "--balancer", "prequal:q_rif=2"], "allowed: a number from 0 to 1"),
        (["what-if"], "needs the description of a fleet; --example prints one"),
        (["what-if", "/gone.toml"], "/gone.toml: No such file"),
        (["report", "--anew", "fig5"], "'fig5' is no part of the report; there are fig6, "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(capsys: pytest.CaptureFixture[str], asked: list[str], said: str) -> None:
    assert main(asked) == 2
    told = capsys.readouterr().err
    assert told.startswith("openprequal-simulation: ")
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("number", ["0", "-1", "x"])
def test_numbers_of_nothing_are_refused(capsys: pytest.CaptureFixture[str], number: str) -> None:
    with pytest.raises(SystemExit):
        main(["fig6", "--requests", number])
    assert f"invalid number above 0 value: '{number}'" in capsys.readouterr().err


def test_without_matplotlib_plots_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    asked = ["fig6", *FAST, "--requests", "20", "--balancer", "random", "--out", str(tmp_path)]
    assert main(asked) == 2
    assert "pip install 'openprequal[simulation]'" in capsys.readouterr().err
    assert main([*asked, "--no-plots"]) == 0


def test_nothing_but_plots_needs_matplotlib() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import openprequal.simulation.commands"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("command", [*FIGURES, "scenarios", "what-if", "report"])
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--seeds" in capsys.readouterr().out


def test_the_help_of_scenarios_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["scenarios", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert [name for name in SCENARIOS if name not in told.replace("- ", "-")] == []


@pytest.fixture
def small_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """A report on one figure and one scenario."""
    few = [*fig6.FIGURE.points([Rule("random")])[:2], *fig6.FIGURE.points([Rule("weighted_round_robin")])[:2]]
    monkeypatch.setattr(commands, "FIGURES", {"fig6": evolve(fig6.FIGURE, points=lambda rules: few)})
    monkeypatch.setattr(commands, "SCENARIOS", {"uniform-4-1": SCENARIOS["uniform-4-1"]})
    monkeypatch.setattr(commands, "verdicts", lambda results: [])
    return ["report", *FAST, "--requests", "60", "--out", str(tmp_path)]


def test_a_report_is_a_page_with_pictures_and_numbers(small_report: list[str], tmp_path: Path) -> None:
    assert main(small_report) == 0
    page = (tmp_path / "simulation-report.md").read_text("utf-8")
    assert "## Fig. 6: load beyond the allotment" in page
    assert "**Agreement.** " in page
    assert "### uniform-4-1" in page
    assert "[80]" in page
    for name in ("fig6.png", "uniform-4-1.png"):
        assert f"(simulation/{name})" in page
        assert (tmp_path / "simulation" / name).exists()
    assert {path.name for path in (tmp_path / "simulation").glob("*.csv")} == {"fig6.csv", "scenarios.csv"}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts of a report that are run."""
    titles: list[str] = []
    run_kept = commands.run_kept

    def noted(grid: Sequence[Cell], jobs: int, title: str, csv: Path | None) -> Results:
        titles.append(title)
        return run_kept(grid, jobs, title, csv)

    monkeypatch.setattr(commands, "run_kept", noted)
    return titles


def test_a_report_reuses_what_was_run_and_runs_the_rest_anew(
    small_report: list[str], tmp_path: Path, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*small_report, "--no-plots"]
    assert main(asked) == 0
    page = (tmp_path / "simulation-report.md").read_text("utf-8")
    ran.clear()
    assert main([*asked, "--reuse"]) == 0
    assert ran == []
    assert (tmp_path / "simulation-report.md").read_text("utf-8") == page
    assert f"fig6: 4 runs are taken over from {tmp_path}/simulation/fig6.csv\n" in capsys.readouterr().err
    assert main([*asked, "--reuse", "--anew", "scenarios"]) == 0
    assert ran == ["scenarios"]


def test_a_report_tells_which_of_what_it_reuses_is_not_known_to_be_of_this_code(
    small_report: list[str], tmp_path: Path, ran: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*small_report, "--no-plots"]
    assert main(asked) == 0
    ran.clear()
    file = tmp_path / "simulation" / "fig6.csv"
    file.write_text("\n".join(line.rpartition(",")[0] for line in file.read_text().splitlines()))
    assert main([*asked, "--reuse"]) == 0
    assert ran == []
    said = capsys.readouterr().err
    assert "fig6.csv; 4 of them are not known to be of this code and these settings\n" in said
    assert "scenarios.csv\n" in said


def test_a_report_that_was_ended_goes_on_where_it_was(small_report: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "simulation"
    asked = [*small_report, "--no-plots"]
    assert main(asked) == 0
    before = (folder / "scenarios.csv").read_text()
    header, *lines = before.splitlines()
    told = [line.replace(",51,", ",7777,") for line in lines[:3]]
    (folder / "scenarios.unfinished.csv").write_text("\n".join([header, *told, lines[3][:40]]))
    assert main([*asked, "--reuse", "--anew", "scenarios"]) == 0
    after = (folder / "scenarios.csv").read_text().splitlines()
    assert after[1:4] == told
    assert [line.split(",")[:4] for line in after[4:]] == [line.split(",")[:4] for line in lines[3:]]
    assert [path.name for path in folder.glob("*unfinished*")] == []


@papers_rules
@pytest.mark.usefixtures("small_testbed")
def test_the_whole_report_can_be_written(tmp_path: Path) -> None:
    assert main(["report", *FAST, "--requests", "20", "--out", str(tmp_path), "--no-plots"]) in (0, 1)
    page = (tmp_path / "simulation-report.md").read_text("utf-8")
    assert [name for name in SCENARIOS if f"### {name}" not in page] == []
    assert [figure.title for figure in FIGURES.values() if f"## {figure.title}" not in page] == []


def test_the_paragraph_on_agreement_names_what_is_not_so() -> None:
    findings = [Finding("a", "1", True), Finding("b", "2", False), Finding("c", "3", None)]
    assert agreement(findings) == "1 of 2 findings are as in the paper. Not so: b (seen: 2)."
    assert agreement(findings[2:]) == "Nothing of it can be judged by what was run."
