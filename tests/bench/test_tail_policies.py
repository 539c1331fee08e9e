"""What is written for each policy."""

from pathlib import Path

import pytest

from openprequal.balancing.catalogue import BALANCERS
from openprequal.bench.peers import envoy, haproxy, nginx
from openprequal.bench.processes import StartFailed
from openprequal.bench.tail.policies import POLICIES
from openprequal.bench.tail.workloads import WORKLOADS
from openprequal.simulation.catalogue import SCENARIOS


def written(policy: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All configuration of a policy's proxy, and its command line."""
    for module in (envoy, haproxy, nginx):
        monkeypatch.setattr(module, "program", lambda: "program")
    monkeypatch.setattr("openprequal.bench.peers.caddy.program", lambda: "program")
    launch = POLICIES[policy].peer.launch(8000, [9001, 9002], folder)
    return "\n".join([*(path.read_text() for path in sorted(folder.iterdir())), " ".join(launch.command)])


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("openprequal-round-robin", "--load-balancer-class RoundRobin"),
        ("haproxy-leastconn", "balance leastconn"),
        ("haproxy-random-2", "balance random(2)"),
        ("nginx-least-conn", "        least_conn;"),
        ("nginx-random-two", "        random two least_conn;"),
        ("envoy-least-request", "lb_policy: LEAST_REQUEST"),
        ("envoy-full-scan", "selection_method: FULL_SCAN"),
        ("envoy-weighted", "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin"),
        ("caddy-least-conn", "lb_policy least_conn"),
    ],
)
def test_each_policy_has_its_line(policy: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line in written(policy, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("openprequal", "--retry-attempts 0"),
        ("openprequal-round-robin", "--retry-attempts 0"),
        ("haproxy-leastconn", "retries 0"),
        ("nginx-least-conn", "proxy_next_upstream off;"),
        ("caddy-least-conn", "lb_retries 0"),
    ],
)
def test_nobody_retries(policy: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert line in written(policy, tmp_path, monkeypatch)


@pytest.mark.parametrize("policy", [name for name in POLICIES if not name.startswith("openprequal")])
def test_peers_know_all_backends(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = written(policy, tmp_path, monkeypatch)
    assert "9001" in told
    assert "9002" in told


def test_ours_runs_with_its_other_defaults(tmp_path: Path) -> None:
    assert POLICIES["openprequal"].peer.launch(8000, [9001], tmp_path).command[1:] == [
        *("-n", "--pidfile=", "openprequal", "--port", "8000", "--retry-attempts", "0")
    ]


def test_what_stands_for_a_policy_is_a_balancer_of_ours() -> None:
    assert {policy.stand_in for policy in POLICIES.values()} <= set(BALANCERS)


def test_workloads_with_a_name_of_the_catalogue_differ_from_it_in_work_and_deadline_alone() -> None:
    for name in WORKLOADS.keys() & SCENARIOS.keys():
        live, simulated = WORKLOADS[name].scenario, SCENARIOS[name]
        assert (live.servers, live.proxies, live.load) == (simulated.servers, simulated.proxies, simulated.load)
        assert (live.antagonists, live.failing, live.joining) == (
            simulated.antagonists,
            simulated.failing,
            simulated.joining,
        )


def test_a_missing_program_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    with pytest.raises(StartFailed, match=r"haproxy is not installed: apt-get install haproxy"):
        haproxy.program()
