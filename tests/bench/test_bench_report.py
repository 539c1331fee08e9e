"""What the benchmark says of its turns."""

import json
import math

import pytest

from openprequal.bench.load import Load
from openprequal.bench.report import added_p50_us, as_csv, as_json, as_text, ratios
from openprequal.bench.rounds import DIRECT, Plan, Result, Turn
from openprequal.bench.scenarios import SCENARIOS


def turn(proxy: str, number: int, requests: int, cpu_us: float = 20.0, p50_us: float = 100.0) -> Turn:
    """One second of this many requests."""
    load = Load(requests, 1.0, p50_us / 1e6, 0.001, 1e6, 0)
    return Turn(proxy, number, load, cpu_us / 1e6, 0.0, 1.0)


def result(*turns: Turn, missing: dict[str, str] | None = None) -> Result:
    """A benchmark of these turns."""
    plan = Plan(SCENARIOS["small"], 3, 1, 64, 16, ["envoy"])
    return Result(plan, "a machine", {"envoy": "envoy 1"}, list(turns), missing or {})


THREE_ROUNDS = [
    turn(proxy, number, requests)
    for number, ours, theirs in [(1, 100, 50), (2, 300, 100), (3, 200, 200)]
    for proxy, requests in [("openprequal", ours), ("envoy", theirs)]
]


def test_the_ratio_is_that_of_medians_and_its_range_that_of_rounds() -> None:
    found = ratios(result(*THREE_ROUNDS))[0]
    assert (found.peer, found.what) == ("envoy", "requests/s")
    assert found.of_medians == pytest.approx(2.0)
    assert (found.least, found.most) == pytest.approx((1.0, 3.0))


def test_there_is_no_ratio_without_ours() -> None:
    assert ratios(result(turn("envoy", 1, 10))) == []


def test_a_peer_without_a_single_answer_gives_no_ratio() -> None:
    assert math.isnan(ratios(result(turn("openprequal", 1, 10), turn("envoy", 1, 0)))[0].of_medians)


def test_added_latency_is_over_asking_directly() -> None:
    found = result(turn(DIRECT, 1, 10, p50_us=30), turn("openprequal", 1, 10, p50_us=130))
    assert added_p50_us(found) == pytest.approx({"openprequal": 100.0})


def test_the_text_names_the_machine_the_versions_and_what_is_missing() -> None:
    text = as_text(result(*THREE_ROUNDS, missing={"caddy": "caddy is not installed: apt-get install caddy"}))
    assert "a machine" in text
    assert "envoy: envoy 1" in text
    assert "caddy was not measured: caddy is not installed: apt-get install caddy" in text
    assert "openprequal / envoy, requests/s: 2.00 × (rounds 1.00 to 3.00)" in text


def test_json_holds_every_turn_and_no_nan() -> None:
    told = json.loads(as_json([result(turn(DIRECT, 1, 10, cpu_us=math.nan))]), parse_constant=pytest.fail)
    assert told[0]["turns"][0]["cpu_s_per_request"] is None
    assert told[0]["turns"][0]["load"]["requests"] == 10


def test_csv_has_a_line_for_each_turn() -> None:
    assert len(as_csv([result(*THREE_ROUNDS)]).splitlines()) == 1 + len(THREE_ROUNDS)
