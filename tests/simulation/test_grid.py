"""Many runs give the same whatever number of processes does them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from openprequal.simulation import grid
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.grid import cells, run_all
from openprequal.simulation.measured import Measured
from openprequal.simulation.run import Rule, run
from openprequal.simulation.scenario import Scenario
from openprequal.simulation.unfinished import Unfinished

SHORT = [evolve(SCENARIOS[name], requests=requests) for name, requests in (("uniform-4-1", 100), ("bursts", 300))]
GRID = cells(SHORT, [Rule("random"), Rule("least_in_flight")], [1, 2])


def test_every_scenario_meets_every_rule_and_seed() -> None:
    assert len({(cell.scenario.name, cell.rule.name, cell.seed) for cell in GRID}) == 8


def test_results_come_in_the_order_of_the_grid_and_do_not_depend_on_processes() -> None:
    alone = run_all(GRID, 1)
    assert [(each.scenario, each.balancer, each.seed) for each in alone] == [
        (cell.scenario.name, cell.rule.name, cell.seed) for cell in GRID
    ]
    assert run_all(GRID, 2) == alone


class Power:
    """Runs that are noted, until it fails."""

    def __init__(self, runs: int) -> None:
        self.left = runs
        self.ran: list[tuple[str, str, int]] = []

    def __call__(self, scenario: Scenario, rule: Rule, seed: int) -> Measured:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.ran.append((scenario.name, rule.name, seed))
        return run(scenario, rule, seed)


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Unfinished, Power]]:
    """A grid that was ended after three of its eight runs, and what it is run with the next time."""
    unfinished = Unfinished(tmp_path / "short.unfinished.csv")
    first = Power(3)
    monkeypatch.setattr(grid, "run", first)
    with pytest.raises(KeyboardInterrupt):
        run_all(GRID, 1, "short", unfinished)
    second = Power(8)
    monkeypatch.setattr(grid, "run", second)
    yield unfinished, second
    assert not set(first.ran) & set(second.ran)


def test_what_had_ended_is_taken_over_and_only_the_rest_is_run(
    interrupted: tuple[Unfinished, Power], capsys: pytest.CaptureFixture[str]
) -> None:
    unfinished, power = interrupted
    results = run_all(GRID, 1, "short", unfinished)
    assert len(power.ran) == 5
    assert capsys.readouterr().err == f"short: 3 of 8 runs are taken over from {unfinished.path}\n"
    assert [(each.scenario, each.balancer, each.seed, each.digest) for each in results] == [
        (cell.scenario.name, cell.rule.name, cell.seed, cell.digest) for cell in GRID
    ]


def test_what_had_ended_of_other_settings_is_told_and_run_anew(
    interrupted: tuple[Unfinished, Power], capsys: pytest.CaptureFixture[str]
) -> None:
    unfinished, power = interrupted
    longer = cells([evolve(SHORT[0], requests=101)], [Rule("random")], [1, 2])
    run_all(longer, 1, "longer", unfinished)
    assert len(power.ran) == 2
    assert "longer: 0 of 2 runs are taken over" in capsys.readouterr().err


def test_results_of_several_processes_are_kept_as_they_come(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path / "short.unfinished.csv")
    results = run_all(GRID, 2, "short", unfinished)
    there = unfinished.taken_over({cell.digest for cell in GRID})
    assert there.others == 0
    assert there.runs.keys() == {each.digest for each in results}
