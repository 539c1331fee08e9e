"""Results are kept in files as they are, and summed up over seeds."""

from math import inf
from pathlib import Path

import pytest

from openprequal.errors import ConfigurationError
from openprequal.simulation.measured import Spread, quantile_of
from openprequal.simulation.results import Results, ratio, read, write
from openprequal.simulation.tables import as_markdown, as_text, scenario_rows

from .fleets import measured, results

RUNS = [measured("s", "a", 0.1, 1), measured("s", "a", 0.3, 2, failed=7), measured("s", "b, c", inf, 1)]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "s.csv"
    write(path, RUNS)
    assert read(path) == RUNS


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ConfigurationError, match=r"s.csv, line 1: not the columns"):
        read(path)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    write(path, RUNS)
    path.write_text(path.read_text().replace("s,a,2,", "s,a,two,"))
    with pytest.raises(ConfigurationError, match=r"line 3: .*two"):
        read(path)


def test_seeds_are_summed_up_by_median_and_range() -> None:
    assert Results(RUNS).latency("s", "a", 0.99) == Spread(0.2, 0.1, 0.3)
    assert Results(RUNS).errors("s", "a").high == 0.007


def test_requests_that_failed_are_the_slowest() -> None:
    assert quantile_of([1.0, 2.0], 0.5, 2) == inf
    assert quantile_of([1.0, 2.0, 3.0], 0.5, 1) == 3.0
    assert quantile_of([], 0.5) == inf


def test_ratios_of_failures_are_numbers() -> None:
    assert (ratio(inf, inf), ratio(inf, 1.0), ratio(1.0, inf), ratio(1.0, 0.0)) == (1.0, inf, 0.0, inf)


def test_a_scenario_is_a_table_with_the_best_first() -> None:
    header, rows = scenario_rows(results("s", slow=0.2, fast=0.1), "s")
    assert header[0] == "balancer"
    assert [row[0] for row in rows] == ["fast", "slow"]
    assert rows[0][1:5] == ["50", "90", "100", "150"]
    assert rows[0][-1] == "25.0%–75.0%"


def test_text_is_aligned_and_markdown_escaped() -> None:
    assert as_text(["a", "bb"], [["xyz", "1"]]) == "a    bb\n---  --\nxyz   1"
    assert as_markdown(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"
