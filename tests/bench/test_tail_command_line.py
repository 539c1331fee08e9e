"""What the command line of the tail benchmark takes, and what it refuses."""

import sys
from pathlib import Path

import pytest

from openprequal.bench.__main__ import main, parser
from openprequal.bench.processes import StartFailed
from openprequal.bench.tail.histograms import empty
from openprequal.bench.tail.policies import POLICIES
from openprequal.bench.tail.results import append, read
from tests.bench.tail_records import record


def tail(out: Path, *more: str) -> int:
    return main(["tail", "--out", str(out), "--seconds", "10", "--warm-up-seconds", "5", "--no-plots", *more])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with two runs."""
    for policy in ("openprequal", "haproxy-leastconn"):
        append(tmp_path / "runs.jsonl", record("uniform-4-1", policy, 0.1))
    return tmp_path


def test_by_default_all_policies_run_with_five_seeds_one_at_a_time() -> None:
    options = parser().parse_args(["tail"])
    assert options.policies.split(",") == list(POLICIES)
    assert (options.seeds, options.lanes, options.seconds) == (5, 1, 60.0)


def test_an_unknown_policy_is_named_with_those_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tail(tmp_path, "--policies", "openprequal,apache") == 1
    assert "apache unknown, allowed are openprequal, " in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--seeds", "--lanes", "--seconds"])
def test_nothing_can_be_done_for_no_time(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tail(tmp_path, option, "0")
    assert "invalid number above 0 value: '0'" in capsys.readouterr().err


def test_runs_that_are_there_are_not_lost_by_mistake(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tail(out) == 1
    assert "has runs already: --reuse keeps them" in capsys.readouterr().err
    assert len(read(out / "runs.jsonl")) == 2


def test_with_report_only_what_is_there_is_reported(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tail(out, "--report-only") == 0
    assert "uniform-4-1: openprequal / haproxy-leastconn: p50 1.00 ×" in capsys.readouterr().out
    assert {"report.txt", "report.json", "report.csv"} <= {path.name for path in out.iterdir()}


def test_both_ratios_are_told_beside_the_simulation(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tail(out, "--report-only", "--compare-simulation") == 0
    assert "openprequal / haproxy-leastconn, p99: live 1.00 ×, simulated " in capsys.readouterr().out


def test_runs_of_another_length_are_left_out_and_that_is_said(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tail(out, "--report-only", "--seconds", "60") == 0
    told = capsys.readouterr()
    assert "2 runs of another length" in told.err
    assert told.out == "nothing was measured\n"


def test_all_missing_programs_are_named_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path=None: None)
    assert tail(tmp_path, "--policies", "haproxy-leastconn,nginx-least-conn,nginx-random-two") == 1
    assert capsys.readouterr().err.splitlines() == [
        "haproxy is not installed: apt-get install haproxy",
        "nginx is not installed: apt-get install nginx",
        "or leave out, with --policies, those that are missing",
    ]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)
    with pytest.raises(StartFailed, match=r"pip install 'openprequal\[bench\]'"):
        empty()
