"""Processes that are about to take our place, read from a /proc that is made for it."""

import os
from pathlib import Path

import pytest

from openprequal.agent.workers.siblings import YOUNG_S, coming

UP_S = 1000.0


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "uptime").write_text(f"{UP_S} 2000.0\n")
    (tmp_path / "self").mkdir()
    return tmp_path


def child(proc: Path, pid: int, age_s: float, parent: int | None = None, state: str = "S") -> None:
    started = int((UP_S - age_s) * os.sysconf("SC_CLK_TCK"))
    (proc / str(pid)).mkdir()
    fields = [state, str(os.getppid() if parent is None else parent), *["0"] * 17, str(started), "0"]
    (proc / str(pid) / "stat").write_text(f"{pid} (a name) with) {' '.join(fields)}\n")


def test_a_young_child_of_our_parent_that_has_not_joined_is_coming(proc: Path) -> None:
    child(proc, 10, 1.0)
    assert coming([], proc)


def test_one_that_has_joined_is_here_already(proc: Path) -> None:
    child(proc, 10, 1.0)
    assert not coming([10], proc)


def test_one_that_has_been_there_for_long_will_not_come(proc: Path) -> None:
    child(proc, 10, YOUNG_S + 1)
    assert not coming([], proc)


def test_children_of_others_do_not_concern_us(proc: Path) -> None:
    child(proc, 10, 1.0, parent=1_000_000)
    assert not coming([], proc)


def test_the_dead_do_not_come(proc: Path) -> None:
    child(proc, 10, 1.0, state="Z")
    assert not coming([], proc)


@pytest.mark.parametrize("content", [None, "", "10 (x)", "10 (x) S y z"])
def test_a_process_that_cannot_be_read_is_passed_over(proc: Path, content: str | None) -> None:
    (proc / "10").mkdir()
    if content is not None:
        (proc / "10" / "stat").write_text(content)
    assert not coming([], proc)


def test_without_proc_nobody_comes(tmp_path: Path) -> None:
    assert not coming([], tmp_path / "nowhere")
