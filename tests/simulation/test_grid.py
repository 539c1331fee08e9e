"""Many runs give the same whatever number of processes does them."""

from attrs import evolve

from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.grid import cells, run_all
from openprequal.simulation.run import Rule

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
