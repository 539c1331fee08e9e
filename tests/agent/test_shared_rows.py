"""What the processes of one application say of themselves in the file they share."""

import os
import signal
from math import inf
from multiprocessing import get_context
from pathlib import Path

import pytest

from openprequal.agent.latency import Knowledge
from openprequal.agent.workers import rows as rows_module
from openprequal.agent.workers.rows import SharedRows, folder_for
from openprequal.values import LoadState


def test_a_new_row_says_that_nothing_is_in_flight_and_nothing_known(tmp_path: Path) -> None:
    (row,) = SharedRows(tmp_path).read()
    assert (row.rif, row.waiting_since, row.known.samples, row.state) == (0, inf, 0, LoadState.READY)


def test_each_reads_what_the_other_has_written(tmp_path: Path) -> None:
    one, other = SharedRows(tmp_path), SharedRows(tmp_path)
    one.count(3, 1.5, 10.0, 9.0)
    one.answered(8.0, Knowledge(0.25, 0.5, 8.0, 7.0))
    one.tell(LoadState.WARMING)
    (row,) = other.read(without_own=True)
    assert row == (3, 1.5, 10.0, 9.0, 8.0, Knowledge(0.25, 0.5, 8.0, 7.0), LoadState.WARMING, False, os.getpid())


def test_a_row_that_was_given_up_is_gone_and_taken_by_the_next(tmp_path: Path) -> None:
    one, other = SharedRows(tmp_path), SharedRows(tmp_path)
    one.count(3, 1.5, 10.0, 9.0)
    index = one.index
    one.close()
    assert len(other.read()) == 1
    next_one = SharedRows(tmp_path)
    assert next_one.index == index
    assert [row.rif for row in other.read(without_own=True)] == [0]


def test_only_one_leads_until_it_stops(tmp_path: Path) -> None:
    one, other = SharedRows(tmp_path), SharedRows(tmp_path)
    assert (one.lead(), other.lead(), one.lead()) == (True, False, True)
    one.stop_leading()
    assert (other.lead(), one.lead()) == (True, False)


def test_the_living_are_not_reaped(tmp_path: Path) -> None:
    one, other = SharedRows(tmp_path), SharedRows(tmp_path)
    one.count(3, 1.5, 10.0, 9.0)
    other.reap()
    assert [row.rif for row in other.read(without_own=True)] == [3]


def _count_and_die(folder: Path) -> None:
    SharedRows(folder).count(3, 1.5, 10.0, 9.0)
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_row_of_a_process_that_was_killed_is_cleared(tmp_path: Path) -> None:
    survivor = SharedRows(tmp_path)
    # Spawned, not forked: a fork would share our locks.
    victim = get_context("spawn").Process(target=_count_and_die, args=(tmp_path,))
    victim.start()
    victim.join()
    assert [row.rif for row in survivor.read(without_own=True)] == [3]
    survivor.reap()
    assert survivor.read(without_own=True) == []


def test_who_has_been_hidden_by_another_shows_itself_again(tmp_path: Path) -> None:
    one, other = SharedRows(tmp_path), SharedRows(tmp_path)
    one._set_header(0, 1)  # as if both had written the number of rows at once
    assert len(one.read()) == 1
    other.keep_visible()
    assert len(one.read()) == 2


def test_what_the_next_leader_must_know_is_kept(tmp_path: Path) -> None:
    one, other = SharedRows(tmp_path), SharedRows(tmp_path)
    one.probe_port, one.left_at = 8123, 12.5
    assert (other.probe_port, other.left_at) == (8123, 12.5)


def test_there_is_an_end_to_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "ROWS", 2)
    held = [SharedRows(tmp_path), SharedRows(tmp_path)]
    with pytest.raises(OSError, match="2 processes of one backend already"):
        SharedRows(tmp_path)
    assert len(held[0].read()) == 2


def test_two_backends_of_one_user_do_not_meet(tmp_path: Path) -> None:
    assert folder_for("default 8001", str(tmp_path)) != folder_for("default 8002", str(tmp_path))
    assert folder_for("default 8001", str(tmp_path)) == folder_for("default 8001", str(tmp_path))


def test_the_folder_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module.tempfile, "gettempdir", lambda: str(tmp_path))
    assert folder_for("default 8001").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module.tempfile, "gettempdir", lambda: str(tmp_path))
    folder = tmp_path / f"openprequal-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="BACKEND_RUN_FOLDER"):
        folder_for("default 8001")
