"""The throughput benchmark runs against real programs and leaves nothing behind."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from openprequal.bench.__main__ import main
from openprequal.bench.processes import Launch, Running, StartFailed

NEEDED = ("nginx", "wrk")
MISSING = [name for name in NEEDED if not (shutil.which(name) or shutil.which(name, path="/usr/sbin"))]


def children() -> set[int]:
    """Pids of this process's children."""
    return {int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


@pytest.mark.skipif(bool(MISSING) and os.environ.get("CI") != "true", reason=f"needs {', '.join(MISSING)}")
def test_a_short_benchmark_reports_a_peer_and_leaves_no_process_and_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = children()
    told = tmp_path / "told.json"
    status = main(
        ["throughput", "--without-own", "--peers", "nginx", "--rounds", "1", "--seconds", "1", "--json", str(told)]
    )
    assert status == 0
    assert "nginx" in capsys.readouterr().out
    turn = json.loads(told.read_text())[0]["turns"][0]
    assert turn["load"]["requests"] > 0
    assert turn["load"]["errors"] == 0
    assert turn["cpu_s_per_request"] > 0
    assert children() == before
    assert list(tmp_path.glob("openprequal-bench-*")) == []


def test_a_program_is_ended_with_its_children(tmp_path: Path) -> None:
    script = "sleep 600 & echo $! > child; wait"
    with Running(Launch(["sh", "-c", script]), 0, tmp_path, "parent") as running:
        running.wait_until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip() != "")
        child = int((tmp_path / "child").read_text())
        assert Path(f"/proc/{child}").exists()
    stat = Path(f"/proc/{child}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_program_that_ends_at_once_is_reported_with_its_output(tmp_path: Path) -> None:
    with (
        pytest.raises(StartFailed, match=r"parrot ended: no such cage"),
        Running(Launch(["sh", "-c", "echo no such cage"]), 0, tmp_path, "parrot") as running,
    ):
        running.wait_until(lambda: False)
