"""A result is known by the code, the scenario, the rule and the seed that it came from, and by nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from openprequal.simulation import origin
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.origin import digest, modules
from openprequal.simulation.run import Rule
from openprequal.simulation.scenario import Scenario

SCENARIO = SCENARIOS["bursts"]
RULE = Rule("prequal", {"q_rif": 0.5})


def test_the_same_run_has_the_same_digest_in_every_process() -> None:
    code = (
        "from openprequal.simulation import catalogue, origin, run;"
        "rule = run.Rule('prequal', {'q_rif': 0.5});"
        "print(origin.digest(catalogue.SCENARIOS['bursts'], rule, 1))"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said.strip() == digest(SCENARIO, RULE, 1)


@pytest.mark.parametrize(
    ("scenario", "rule", "seed"),
    [
        (evolve(SCENARIO, requests=SCENARIO.requests + 1), RULE, 1),
        (SCENARIO, Rule("prequal", {"q_rif": 0.6}), 1),
        (SCENARIO, RULE, 2),
    ],
)
def test_another_run_has_another_digest(scenario: Scenario, rule: Rule, seed: int) -> None:
    assert digest(scenario, rule, seed) != digest(SCENARIO, RULE, 1)


def test_other_code_gives_another_digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = digest(SCENARIO, RULE, 1)
    changed = tmp_path / "hot_cold.py"
    changed.write_bytes(modules()["openprequal.balancing.hot_cold"].read_bytes() + b"\n")
    found = {**modules(), "openprequal.balancing.hot_cold": changed}
    origin._code.cache_clear()
    monkeypatch.setattr(origin, "modules", lambda: found)
    try:
        assert digest(SCENARIO, RULE, 1) != before
    finally:
        origin._code.cache_clear()


def test_all_that_a_run_loads_counts() -> None:
    code = "import sys, openprequal.simulation.run; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    loaded = {name for name in said.split() if name.partition(".")[0] == "openprequal"}
    assert "openprequal.balancing.hot_cold" in loaded
    assert loaded <= modules().keys()


def test_what_only_tells_of_results_does_not_count() -> None:
    assert not {f"openprequal.simulation.{name}" for name in ("bars", "report", "tables", "plots")} & modules().keys()
