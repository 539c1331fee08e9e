"""How lines get out: in batches, by a thread, and never at the price of traffic."""

import threading
from pathlib import Path
from typing import Any

import pytest
from journeys import journey
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher

from openprequal.access_log import writer as module
from openprequal.access_log.file_sink import FileSink
from openprequal.access_log.log import AccessLog
from openprequal.access_log.outlets import Outlets
from openprequal.access_log.writer import BACKLOG, FAILED, MADE_AT_ONCE, MAX_WAITING, TELL_S, Writer
from openprequal.forwarding.journey import Journey

DEADLINE_S = 20.0


class Remembering:
    """A sink that remembers; it may be made to wait, or to fail.

    :ivar batches: the lines of each call.
    """

    def __init__(self) -> None:
        self.trouble = ""
        self.batches: list[list[str]] = []
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.has_begun = threading.Event()
        self.closed = threading.Event()
        self.fails = False

    def write(self, lines: list[str]) -> int:
        self.has_begun.set()
        assert self.goes_on.wait(DEADLINE_S)
        if self.fails:
            self.trouble = "No space left on device"
            return len(lines)
        self.batches.append(lines)
        return 0

    def reopen(self) -> None:
        raise AssertionError("nothing was moved")

    def close(self) -> None:
        self.closed.set()


class Case:
    """A writer with such a sink, and lines that say their journey's status.

    :ivar entries: what it wrote into the gateway's own log.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.sink = Remembering()
        self.writer = Writer(self.sink, "there", self.clock.seconds)
        self.entries: list[str] = []

    def write(self, count: int = 1, line: str = "x") -> None:
        for _ in range(count):
            self.writer.write(JOURNEY, lambda _: line)

    def heard(self, event: dict[str, Any]) -> None:
        if "access log" in (event.get("log_format") or ""):
            self.entries.append(event["log_format"].format(**event))


JOURNEY = journey()


def first(made: Journey) -> str:
    return f"first {made.status}"


def second(made: Journey) -> str:
    return f"second {made.status}"


@pytest.fixture
def case() -> Any:
    made = Case()
    globalLogPublisher.addObserver(made.heard)
    yield made
    globalLogPublisher.removeObserver(made.heard)
    made.sink.goes_on.set()
    made.writer.close()


def test_nothing_is_written_before_the_tick(case: Case) -> None:
    case.writer.write(JOURNEY, first)
    assert not case.sink.batches
    case.writer.tick()
    case.writer.close()
    assert case.sink.batches == [["first 200"]]


def test_lines_of_a_tick_are_one_batch_in_the_order_of_their_ends(case: Case) -> None:
    for status in (200, 201, 202):
        case.writer.write(journey(status=status), first)
    case.writer.tick()
    case.writer.close()
    assert case.sink.batches == [["first 200", "first 201", "first 202"]]


def test_many_lines_do_not_wait_for_the_tick(case: Case) -> None:
    for _ in range(module.GIVEN_AT_ONCE + MADE_AT_ONCE):
        case.writer.write(JOURNEY, first)
    assert case.sink.has_begun.wait(DEADLINE_S)


def test_requests_of_former_settings_keep_their_format(case: Case) -> None:
    for make in (first, second, first):
        case.writer.write(JOURNEY, make)
    case.writer.close()
    assert case.sink.batches == [["first 200", "second 200", "first 200"]]


def test_a_sink_that_takes_nothing_loses_lines_and_they_are_counted(case: Case) -> None:
    case.sink.goes_on.clear()
    line = "x" * (MAX_WAITING // 4)
    for _ in range(6):
        case.writer.write(JOURNEY, lambda _: line)
        case.writer.flush()
    assert case.writer.lost == {BACKLOG: 2}


def test_it_takes_lines_again_when_the_sink_does(case: Case) -> None:
    case.sink.goes_on.clear()
    line = "x" * MAX_WAITING
    for _ in range(2):
        case.writer.write(JOURNEY, lambda _: line)
        case.writer.flush()
    case.sink.goes_on.set()
    case.writer.close()
    case.writer.write(JOURNEY, first)
    case.writer.close()
    assert case.sink.batches[-1] == ["first 200"]


def test_lines_that_could_not_be_written_are_counted_and_told_once_a_minute(case: Case) -> None:
    case.sink.fails = True
    for _ in range(3):
        case.writer.write(JOURNEY, first)
        case.writer.close()
    assert case.writer.lost == {FAILED: 3}
    assert case.entries == ["access log: 1 lines for there lost: No space left on device"]
    case.clock.advance(TELL_S)
    case.writer.tick()
    assert case.entries[1:] == ["access log: 2 lines for there lost: No space left on device"]


def test_without_lines_there_is_no_thread_and_nothing_is_told(case: Case) -> None:
    before = threading.active_count()
    case.writer.tick()
    assert threading.active_count() == before
    assert not case.entries


def test_a_sink_that_gets_no_lines_is_closed_until_it_does(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST_S", 0.01)
    case.writer.write(JOURNEY, first)
    case.writer.flush()
    assert case.sink.closed.wait(DEADLINE_S)
    case.writer.write(JOURNEY, second)
    case.writer.close()
    assert case.sink.batches == [["first 200"], ["second 200"]]


def test_one_destination_has_one_writer(tmp_path: Path) -> None:
    outlets = Outlets(Clock().seconds)
    one = outlets.writer(str(tmp_path / "a"))
    assert outlets.writer(str(tmp_path / "a")) is one
    assert outlets.writer(str(tmp_path / "b")) is not one


def kept(share: float, draw: float, slow_s: float | None = None, **changes: Any) -> bool:
    """Whether a journey is written down."""
    taken: list[Journey] = []

    class Taking:
        def write(self, made: Journey, make_line: object) -> None:
            taken.append(made)

    log = AccessLog(Taking(), first, lambda: draw, share=share, slow_s=slow_s)  # type: ignore[arg-type]
    made = journey(**changes)
    log.began(made)
    log.ended(made)
    return taken == [made]


def test_a_share_of_those_that_went_well_is_kept() -> None:
    assert kept(1.0, 0.99)
    assert kept(0.1, 0.05)
    assert not kept(0.1, 0.1)
    assert not kept(0.0, 0.0)


@pytest.mark.parametrize("changes", [{"status": 500}, {"status": 503}, {"broken": True}])
def test_those_that_failed_are_always_kept(changes: dict[str, Any]) -> None:
    assert kept(0.0, 0.5, **changes)


def test_those_that_were_slow_are_always_kept() -> None:
    assert kept(0.0, 0.5, slow_s=0.25)
    assert not kept(0.0, 0.5, slow_s=0.26)


@pytest.mark.parametrize("status", [499, 404, None])
def test_what_clients_did_wrong_is_not_a_failure(status: int | None) -> None:
    assert not kept(0.0, 0.5, status=status)


def test_a_file_is_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("before\n")
    sink = FileSink(str(path))
    assert sink.write(["one", "two"]) == 0
    sink.close()
    assert path.read_text() == "before\none\ntwo\n"


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = FileSink(str(path))
    sink.write(["one"])
    path.rename(tmp_path / "log.1")
    sink.write(["two"])
    sink.close()
    assert ((tmp_path / "log.1").read_text(), path.read_text()) == ("one\n", "two\n")


def test_a_file_that_cannot_be_written_loses_lines_until_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = FileSink(str(folder / "log"))
    folder.rmdir()
    assert sink.write(["one", "two"]) == 2
    assert sink.trouble == "No such file or directory"
    folder.mkdir()
    assert sink.write(["three"]) == 0
    sink.close()
    assert (folder / "log").read_text() == "three\n"


def test_a_line_that_was_cut_by_a_full_disk_is_ended_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    path, room, write = tmp_path / "log", [6], os.write

    def some(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = write(fd, bytes(data)[: room[0]])
        room[0] -= written
        return written

    sink = FileSink(str(path))
    monkeypatch.setattr(os, "write", some)
    assert sink.write(["one", "two", "three"]) == 2
    room[0] = 100
    assert sink.write(["four"]) == 0
    sink.close()
    assert path.read_text() == "one\ntw\nfour\n"
