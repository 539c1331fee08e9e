"""A request that goes round in a circle ends at once, whichever gateways it passes."""

from pathlib import Path

from running import ask, eventually, free_ports, gateway, post, up


def test_a_loop_through_two_gateways_ends_with_508(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with gateway(first) as (_, a), gateway(second) as (_, b):
        for here, there in ((a, b), (b, a)):
            assert post(here, "/register", {"url": f"http://127.0.0.1:{there}"}).status == 200
        eventually(lambda: up(a, 1) and up(b, 1), "each is a backend of the other")
        answer = ask(a, "/round/and/round")
        assert (answer.status, answer.json["title"]) == (508, "Loop detected")


def test_a_gateway_is_no_backend_of_its_own_by_any_name_of_this_host(tmp_path: Path) -> None:
    port = free_ports()
    with gateway(tmp_path, port=port):
        for host in ("localhost", "127.0.0.1", "127.4.5.6", "[::1]"):
            refused = post(port, "/register", {"url": f"http://{host}:{port}"})
            assert (refused.status, "this gateway itself" in refused.json["detail"]) == (400, True)
