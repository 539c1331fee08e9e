"""The tail benchmark runs against real programs, keeps its runs, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from openprequal.bench.__main__ import main
from openprequal.bench.processes import own_environment
from openprequal.bench.tail.results import read
from tests.integration.running import eventually

POLICIES = "openprequal,haproxy-leastconn"


def options(out: Path) -> list[str]:
    """Of a benchmark as short as one can be; how late it is does not matter."""
    short = ["--seconds", "2", "--warm-up-seconds", "0.5", "--seeds", "1", "--late-ms", "5000", "--no-plots"]
    return ["tail", "--workload", "uniform-4-1", "--policies", POLICIES, "--lanes", "2", "--out", str(out), *short]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary folders are made: pytest's own paths are too long for sockets."""
    with tempfile.TemporaryDirectory(prefix="tail-") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


def started_by(pid: int) -> set[int]:
    """Pids of a process's children."""
    tasks = Path(f"/proc/{pid}/task")
    return {int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()}


def test_a_short_benchmark_measures_both_and_leaves_no_process_and_no_folder(
    tmp_path: Path,
    short: Path,
    capsys: pytest.CaptureFixture[str],
    program: Callable[[str], str],
) -> None:
    program("haproxy")
    before = started_by(os.getpid())
    out = tmp_path / "out"
    assert main(options(out)) == 0
    assert "uniform-4-1: openprequal / haproxy-leastconn: p50 " in capsys.readouterr().out
    runs = read(out / "runs.jsonl")
    assert {run.policy for run in runs} == set(POLICIES.split(","))
    assert len({run.latencies.requests for run in runs}) == 1, "the schedule is the same for all"
    assert all(set(run.latencies.statuses) == {"200"} for run in runs)
    assert all(sum(run.per_backend) > 0 for run in runs)
    assert started_by(os.getpid()) == before
    assert list(short.iterdir()) == []
    # And what is there is not done again.
    assert main([*options(out), "--reuse"]) == 0
    assert len(read(out / "runs.jsonl")) == 2


def test_an_interrupted_benchmark_stops_what_it_started(
    tmp_path: Path, short: Path, program: Callable[[str], str]
) -> None:
    program("haproxy")
    command = [sys.executable, "-m", "openprequal.bench", *options(tmp_path / "out"), "--seconds", "600"]
    environ = {**os.environ, **own_environment(), "TMPDIR": str(short)}
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as bench:
        try:
            # Backends and proxy of each lane, and the generators: it is under way.
            eventually(lambda: len(started_by(bench.pid)) == 6, "six processes", 60.0)
            children = started_by(bench.pid)
            bench.send_signal(signal.SIGTERM)
            _, told = bench.communicate(timeout=30)
        finally:
            bench.kill()
    assert bench.returncode == 130
    assert "interrupted; everything that was started is stopped" in told
    eventually(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()], "all gone", 20.0)
    assert list(short.iterdir()) == []
