"""Who is a backend: renewed by heartbeat, forgotten when silent, back after a restart of the gateway."""

from pathlib import Path

from running import backend, backends, eventually, free_ports, gateway, post, up


def test_a_silent_lease_is_reaped_and_one_without_a_heartbeat_stays(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port):
        silent, lasting = (f"http://localhost:{free_ports()}" for _ in range(2))
        answer = post(port, "/register", {"url": silent, "heartbeat_seconds": 0.5})
        assert (answer.status, answer.json["lease_seconds"]) == (200, 1.0)
        assert post(port, "/register", {"url": lasting}).status == 200
        assert set(backends(port)) == {silent, lasting}
        eventually(lambda: set(backends(port)) == {lasting}, "the silent one is forgotten")


def test_a_backend_registers_again_after_the_gateway_was_restarted(tmp_path: Path) -> None:
    port = free_ports()
    with gateway(tmp_path, port=port) as (first, _), backend(tmp_path, port) as (_, its_port):
        eventually(lambda: up(port, 1), "the backend is up")
        first.process.kill()
        first.wait()
        with gateway(tmp_path, port=port):
            eventually(lambda: up(port, 1), "the backend is up again")
            assert set(backends(port)) == {f"http://localhost:{its_port}"}
