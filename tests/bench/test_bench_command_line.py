"""What the benchmark's command line takes."""

import pytest

from openprequal.bench.__main__ import main, parser
from openprequal.bench.peers import PEERS
from openprequal.bench.rate_limit_path import CASES


def test_by_default_all_peers_take_three_turns() -> None:
    options = parser().parse_args(["throughput"])
    assert options.peers.split(",") == list(PEERS)
    assert options.rounds == 3


def test_an_unknown_peer_is_named_with_those_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["throughput", "--peers", "apache"])
    assert "apache unknown, allowed are haproxy, nginx, envoy, caddy" in capsys.readouterr().err


def test_an_unknown_scenario_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["throughput", "--scenario", "huge"])
    assert "new-connections" in capsys.readouterr().err


def test_the_hot_path_is_measured_for_every_number_of_backends(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hot-path", "--backends", "1", "30", "--count", "64"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[0] for row in rows] == ["1", "30"]
    assert all(float(figure) > 0 for row in rows for figure in row.split()[1:])


def test_finding_a_route_is_measured_for_every_number_of_routes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["routes", "--routes", "1", "30", "--count", "16"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split()[0] for row in rows] == ["1", "30"]
    assert all(len(row.split()) == 6 for row in rows)


def test_what_a_rate_limit_costs_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {name: (by, rate, min(clients, 64), proxied) for name, (by, rate, clients, proxied) in CASES.items()}
    monkeypatch.setattr("openprequal.bench.rate_limit_path.CASES", few)
    assert main(["rate-limits", "--count", "64"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == 6
    assert all(float(row.split()[-1]) > 0 for row in rows)


def test_what_the_agent_costs_a_request_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agent", "--count", "64"]) == 0
    rows = [row for row in capsys.readouterr().out.splitlines() if row.endswith("µs")]
    assert [row.split("  ")[0] for row in rows[:2]] == ["begin, head, report, end", "and the report written"]
    middlewares = [
        f"{kind}, {count}" for kind in ("ASGI", "WSGI", "twisted.web") for count in ("1 process", "4 processes")
    ]
    assert {row.split("  ")[0] for row in rows[2:]} >= set(middlewares)
    assert all(float(row.split()[-2]) > 0 for row in rows)


def test_an_unknown_trial_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["faults", "--trial", "sunk"])
    assert "overloaded" in capsys.readouterr().err


def test_what_checks_cost_a_request_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openprequal.bench.check_path.TOKENS", 2)
    monkeypatch.setattr("openprequal.bench.check_path.COSTS", (4,))
    monkeypatch.setattr("openprequal.bench.check_path.ARGON2", {"time_cost": 1, "memory_cost": 8, "parallelism": 1})
    assert main(["checks", "--count", "8"]) == 0
    rows = [row.split() for row in capsys.readouterr().out.splitlines() if row.startswith(" ")]
    assert [row[0] for row in rows] == ["RS256", "ES256", "EdDSA", "HS256", "bcrypt", "argon2id"]
    assert all(float(row[-1]) > 0 for row in rows)


def test_how_long_a_scrape_holds_the_reactor_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scrape", "--backends", "1", "200"]) == 0
    rows = [row.split() for row in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0] for row in rows] == ["1", "1", "200", "200"]
    assert all(float(row[-2]) > 0 for row in rows)


def test_what_tracing_costs_a_request_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tracing", "--count", "128"]) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert len(rows) == 5
    assert all(float(row.split()[-1]) > 0 for row in rows)


def test_a_snapshot_of_the_dashboard_is_measured_for_every_number_of_backends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["dashboard", "--backends", "1", "60", "--rounds", "0"]) == 0
    rows = capsys.readouterr().out.splitlines()[2:-1]
    assert [row.split()[0] for row in rows] == ["1", "60"]
    assert all(len(row.split()) == 6 for row in rows)
