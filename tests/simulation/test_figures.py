"""The figures run what the paper ran, and see what it saw where it is there."""

from math import inf

import pytest

from openprequal.simulation.figure import Figure, Point, Read, shortened
from openprequal.simulation.figures import FIGURES
from openprequal.simulation.measured import QUANTILES, Measured
from openprequal.simulation.results import Results
from openprequal.simulation.run import Rule, Run
from openprequal.simulation.tables import figure_rows


def _name(figure: Figure) -> str:
    return figure.name


def as_in_the_paper(figure: Figure, point: Point) -> dict[float, float]:
    """Latencies that have the shape that the paper tells of, whether or not it tells the number."""
    told = dict.fromkeys(QUANTILES, 0.1) | dict(figure.paper_seconds.get((point.series, point.label), {}))
    if figure.name == "fig8":
        told = dict.fromkeys(QUANTILES, 0.1 if point.x >= 1 else 0.2)
    elif figure.name == "fig7" and point.label in {"prequal", "peak_ewma"}:
        told[0.99] = 0.28 if point.label == "prequal" else 0.4
    elif figure.name == "fig9" and point.label == "1":
        told[0.999] = 0.2
    elif figure.name == "fig10":
        told = dict.fromkeys(QUANTILES, 0.2 - 0.05 * point.x if point.series == "linear" else 0.1)
    return told


def measured(figure: Figure, point: Point, quantiles: dict[float, float]) -> Measured:
    lost = sum(value == inf for value in quantiles.values())
    failed = {0: 0, 1: 5, 2: 50, 3: 250}.get(lost, 1000)
    rifs = dict.fromkeys(QUANTILES, 10 * quantiles[0.99] if quantiles[0.99] < inf else 100.0)
    return Measured(point.scenario.name, point.rule.name, 1, quantiles, 1000, 0, failed, (1.0,), rifs, 1.0, 0.1)


def read(figure: Figure) -> Read:
    points = figure.points(None)
    return Read(points, Results([measured(figure, point, as_in_the_paper(figure, point)) for point in points]))


@pytest.mark.parametrize("figure", FIGURES.values(), ids=_name)
def test_no_two_points_of_a_curve_have_one_label(figure: Figure) -> None:
    points = figure.points(None)
    assert len({(point.series, point.label) for point in points}) == len(points)


@pytest.mark.parametrize("figure", FIGURES.values(), ids=_name)
def test_every_number_of_the_paper_has_a_point_to_stand_beside(figure: Figure) -> None:
    points = {(point.series, point.label) for point in figure.points(None)}
    rules_to_come = {(series, label) for series, label in figure.paper_seconds if label in {"linear", "c3"}}
    assert figure.paper_seconds.keys() - rules_to_come <= points


@pytest.mark.parametrize("figure", FIGURES.values(), ids=_name)
def test_the_papers_own_results_agree_with_what_should_be_seen(figure: Figure) -> None:
    findings = figure.findings(read(figure))
    assert findings
    assert [finding for finding in findings if not finding.holds] == []


@pytest.mark.parametrize("figure", FIGURES.values(), ids=_name)
def test_results_without_any_shape_do_not_agree(figure: Figure) -> None:
    points = figure.points(None)
    flat = [measured(figure, point, dict.fromkeys(QUANTILES, inf)) for point in points]
    assert [finding for finding in figure.findings(Read(points, Results(flat))) if finding.holds is False]


@pytest.mark.parametrize("figure", FIGURES.values(), ids=_name)
def test_a_figure_is_run_with_other_rules_if_told_so(figure: Figure) -> None:
    points = figure.points([Rule("round_robin")])
    assert {point.rule.balancer for point in points} == {"round_robin"}
    runs = [measured(figure, point, dict.fromkeys(QUANTILES, 0.1)) for point in points]
    figure.findings(Read(points, Results(runs)))


def test_the_testbed_is_as_large_as_the_papers() -> None:
    for figure in FIGURES.values():
        for point in figure.points(None):
            assert point.scenario.proxies == sum(kind.count for kind in point.scenario.servers) == 100
    first, *_, last = FIGURES["fig6"].points(None)
    assert (first.scenario.rate, last.scenario.rate) == (pytest.approx(5600, rel=0.01), pytest.approx(13_000, rel=0.01))


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_fleet_as_a_whole_can_do_the_highest_load_with_every_seed(seed: int) -> None:
    scenario = FIGURES["fig6"].points(None)[-1].scenario
    running = Run(scenario, Rule("random"), seed)
    running._prepare()
    cores = sum(replica.serving.cores for replica in running._replicas.values())
    assert scenario.rate * scenario.work.reckoned_s < 0.95 * cores


def test_fig6_counts_enough_requests_for_its_highest_quantile() -> None:
    for point in FIGURES["fig6"].points(None):
        assert point.scenario.requests * (1 - point.scenario.warm_up) >= 50_000


def test_half_of_the_servers_of_fig9_are_twice_as_slow() -> None:
    slow, fast = FIGURES["fig9"].points(None)[0].scenario.servers
    assert (slow.count, fast.count) == (50, 50)
    assert slow.speed == fast.speed / 2


def test_a_figure_is_shortened_for_trying_it_out() -> None:
    assert {point.scenario.requests for point in shortened(FIGURES["fig8"].points(None), 70)} == {70}


def test_the_papers_latencies_stand_beside_ours() -> None:
    header, rows = figure_rows(FIGURES["fig6"], read(FIGURES["fig6"]))
    assert header[:3] == ["series", "load, relative to the allotments", "p50 ms"]
    assert rows[0][:6] == ["weighted_round_robin", "0.75", "80 [80]", "182 [182]", "265 [265]", "325 [325]"]
    assert rows[3][5] == "failed [TO]"


def test_points_that_were_not_run_are_left_out() -> None:
    figure = FIGURES["fig6"]
    points = figure.points(None)
    some = Read(points, Results([measured(figure, points[0], dict.fromkeys(QUANTILES, 0.1))]))
    assert len(figure_rows(figure, some)[1]) == 1
    figure.findings(some)
