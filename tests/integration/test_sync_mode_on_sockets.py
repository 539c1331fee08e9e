"""Prequal's sync mode between real processes: probes with hints draw requests to the backend that served the like."""

from pathlib import Path

from running import ask, backend, eventually, gateway, up

SETTINGS = """
load_balancer_class = "prequal_sync"

[balancer_parameters]
hint = "header:Tenant"
"""


def test_requests_of_a_tenant_stay_with_the_backend_that_has_served_it(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(SETTINGS)
    # Every request takes 50 ms, so that a tenth of a backend's latency is a difference that nothing else makes.
    flags = ("--hint=header:tenant", "--work-seconds=0.05")
    with (
        gateway(tmp_path, "--config=gateway.toml") as (_, port),
        backend(tmp_path, port, *flags) as (_, first),
        backend(tmp_path, port, *flags) as (_, second),
    ):
        eventually(lambda: up(port, 2), "both backends are up")
        # A backend without a latency of its own looks like its peers; it has one after eight requests.
        for backend_port in (first, second):
            assert [ask(backend_port).status for _ in range(8)] == [200] * 8
        for tenant in ("a", "b", "c", "d"):
            answers = [ask(port, headers={"Tenant": tenant}) for _ in range(6)]
            assert [answer.status for answer in answers] == [200] * 6
            assert len({answer.body for answer in answers}) == 1
