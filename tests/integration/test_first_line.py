"""The first line of the README does what it says."""

import re
from pathlib import Path

from running import ROOT, TWISTD, ask, backends, eventually, free_ports, running, up


def _first_block() -> str:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return str(blocks[0]).strip()


def _answering(port: int, want: set[str]) -> set[str]:
    """Who answered, asking until everyone in *want* did."""
    seen: set[str] = set()

    def all_seen() -> bool:
        answer = ask(port, "/hello?a=b")
        assert answer.status == 200
        name, method, target = answer.body.split()
        assert (method, target) == (b"GET", b"/hello?a=b")
        seen.add(name.decode())
        return seen >= want

    # Asked without a pause: who is passed over for long gets a trial once in some hundred requests.
    while not all_seen():
        assert ask(port, "/backends").json["backends"], "a backend left"
    return seen


def test_the_readmes_first_line_is_one_line_and_starts_three_backends() -> None:
    assert "\n" not in _first_block()
    assert _first_block().endswith("twistd -n openprequal --port 8000 --demo 3")


def test_the_first_line_brings_up_three_backends_and_each_answers(tmp_path: Path) -> None:
    command = _first_block().rpartition("&& ")[2].split()
    assert command[0].endswith(TWISTD.name)
    port = free_ports(4)
    arguments = [str(port) if word == "8000" else word for word in command[1:]]
    with running(arguments, tmp_path):
        eventually(lambda: up(port, 3), "three backends are up")
        names = {f"backend-{port + number}" for number in (1, 2, 3)}
        assert _answering(port, names) == names


def test_a_backend_started_by_hand_joins_and_leaves_in_good_order(tmp_path: Path) -> None:
    port = free_ports(2)
    url = f"http://localhost:{port + 1}"
    with running(["-n", "openprequal", f"--port={port}"], tmp_path):
        eventually(lambda: ask(port, "/readyz").status == 200, "the gateway is ready")
        arguments = ["-n", "openprequal-backend", f"--port={port + 1}"]
        with running(arguments, tmp_path, {"PROXY_URL": f"http://localhost:{port}"}):
            eventually(lambda: backends(port)[url]["up"] if backends(port) else False, "the backend is up")
            assert ask(port).body == b"backend-%d GET /\n" % (port + 1)
        assert backends(port) == {}
        assert ask(port).status == 503
