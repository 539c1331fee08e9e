"""The program in docs/own-site.md runs as it is written there."""

import re
from pathlib import Path

from running import ROOT, ask, backend, eventually, free_ports, running, up


def test_a_site_of_ones_own_has_its_pages_and_the_backends(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-site.md").read_text("utf-8"), re.DOTALL)
    port = free_ports()
    assert program.count("tcp:8000") == 1
    (tmp_path / "site.tac").write_text(program.replace("tcp:8000", f"tcp:{port}"))
    with running(["-n", "--pidfile=", "-y", "site.tac"], tmp_path), backend(tmp_path, port, "--name=one"):
        eventually(lambda: up(port, 1), "the backend is up")
        assert ask(port, "/about").body == b"A site of its own.\n"
        answer = ask(port, "/anything", "POST", b"a=1", {"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status == 200
        assert b"one" in answer.body
        assert b'openprequal_requests_total{code="200"' in ask(port, "/metrics").body


def test_it_ends_at_once_when_nothing_is_under_way(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-site.md").read_text("utf-8"), re.DOTALL)
    port = free_ports()
    (tmp_path / "site.tac").write_text(program.replace("tcp:8000", f"tcp:{port}"))
    with running(["-n", "--pidfile=", "-y", "site.tac"], tmp_path) as command:
        eventually(lambda: ask(port, "/readyz").status == 200, "it is ready")
        command.process.terminate()
        command.wait()
    assert "Traceback" not in command.output
