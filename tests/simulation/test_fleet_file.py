"""A fleet's description becomes a scenario, or a message that names what is wrong."""

from math import inf
from pathlib import Path

import pytest

from openprequal.errors import ConfigurationError
from openprequal.simulation.fleet_file import EXAMPLE, read_fleet
from openprequal.simulation.scenario import Antagonists, Scenario, Servers, Work

DOCS = Path(__file__).parents[2] / "docs"

LEAST = """\
load = 0.8
[service_time]
mean_seconds = 0.1
[[servers]]
count = 3
cores = 2
"""


def fleet(tmp_path: Path, text: str) -> Scenario:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return read_fleet(path)


def test_the_example_is_the_one_in_the_documentation() -> None:
    assert (DOCS / "examples" / "fleet.toml").read_text("utf-8") == EXAMPLE


def test_the_example_describes_a_fleet() -> None:
    scenario = read_fleet(DOCS / "examples" / "fleet.toml")
    assert scenario.servers == (Servers(6, 4.0), Servers(2, 2.0, 0.5))
    assert (scenario.proxies, scenario.rate) == (2, pytest.approx(500))
    assert scenario.antagonists == Antagonists()


def test_what_is_optional_in_the_example_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_text("GET / rt=0.05\nGET / rt=0.15\n")
    text = EXAMPLE.replace("mean_seconds = 0.030\n", "")
    for key in ("deadline_seconds", "round_trip_seconds", "file", "format", "field", "unit", "kind", "reports"):
        assert f"# {key} =" in text
        text = text.replace(f"# {key} =", f"{key} =")
    scenario = fleet(tmp_path, text)
    assert scenario.work == Work(samples=(0.05, 0.15))
    assert scenario.deadline_s == 10
    assert scenario.servers[1] == Servers(2, 2.0, 0.5, queued=True, reports=False)


def test_a_fleet_has_defaults(tmp_path: Path) -> None:
    scenario = fleet(tmp_path, LEAST)
    assert (scenario.name, scenario.proxies, scenario.load) == ("mine", 1, 0.8)
    assert (scenario.deadline_s, scenario.antagonists) == (None, None)
    assert scenario.rate == pytest.approx(0.8 * 6 / 0.1)


def test_servers_that_only_wait_have_no_limit(tmp_path: Path) -> None:
    assert fleet(tmp_path, LEAST + 'kind = "delay"\n').servers == (Servers(3, inf, allotted=2.0),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("load = 0.8", "load = 0.8\nload = 1", r"mine.toml: .*line 2"),
        ("load = 0.8", "", "requests_per_second or load: one of the two"),
        ("load = 0.8", "load = 0.8\nrequests_per_second = 5", "one of the two"),
        ("load = 0.8", "load = -1", "load: -1 cannot be used; allowed: a number from 0.001 to 100"),
        ("load = 0.8", "load = nan", "load: nan cannot be used"),
        ("load = 0.8", "load = 0.8\ngateways = 1.5", "gateways: 1.5 cannot be used; allowed: a whole number"),
        ("load = 0.8", "load = 0.8\nproxies = 3", "proxies is not known; allowed: gateways, requests_per_second"),
        ("[service_time]\nmean_seconds = 0.1", "", "service_time is missing"),
        ("mean_seconds = 0.1", "", "service_time.mean_seconds or service_time.file: one of the two"),
        ("mean_seconds = 0.1", 'mean_seconds = "0.1"', "service_time.mean_seconds: '0.1' cannot be used"),
        ("mean_seconds = 0.1", "mean_seconds = 0.1\nshape = 'odd'", "service_time.shape: 'odd' .*exponential"),
        ("mean_seconds = 0.1", "file = 'gone.csv'", "gone.csv: No such file"),
        ("mean_seconds = 0.1", "file = 'gone.csv'\nmean_seconds = 1", "service_time.mean_seconds or service_time.file"),
        ("mean_seconds = 0.1", "file = 5", "service_time.file: 5 is no text"),
        ("count = 3", "", r"servers\[1\].count is missing"),
        ("cores = 2", "cores = 0", r"servers\[1\].cores: 0 cannot be used"),
        ("cores = 2", "cores = inf", r"servers\[1\].cores: inf cannot be used"),
        ("cores = 2", "cores = 1.5\nkind = 'queue'", r"servers\[1\].cores: 1.5 cannot be used; workers are whole"),
        ("cores = 2", "cores = 2\nreports = 1", r"servers\[1\].reports: 1 cannot be used; allowed: true or false"),
        ("cores = 2", "cores = 2\n[neighbours]\nlow = [1]", "neighbours.low: .*two numbers"),
        ("cores = 2", "cores = 2\n[neighbours]\nlow = [2, 1]", "neighbours.low: .*the lower one first"),
        ("[[servers]]", "[servers]", r"servers: at least one table is needed, \[\[servers\]\]"),
        ("[service_time]", "[[service_time]]", r"service_time: a table is needed"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in LEAST
    with pytest.raises(ConfigurationError, match=said):
        fleet(tmp_path, LEAST.replace(old, new))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"gone.toml: No such file"):
        read_fleet(tmp_path / "gone.toml")
