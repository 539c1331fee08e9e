"""A process goes only once its successor accepts; whatever happens to that before, it goes on."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from openprequal.restart.inheritance import END, VARIABLE
from openprequal.restart.successor import START_S, CommandLine, Restart

SAYS, HEARS, STDERR = 3, 4, 2


class Listening:
    """A listener of one socket."""

    descriptions: tuple[str, ...] = ("tcp:80",)

    def __init__(self) -> None:
        self.ports = [self]
        self.handed_over = False

    def fileno(self) -> int:
        return 17

    def hand_over(self) -> None:
        self.handed_over = True


class Case(Clock):
    """The reactor, the process it starts, and the pipes to it."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.listening = Listening()
        self.said: list[bytes] = []
        self.signals: list[str] = []
        self.stopped = False
        self.spawned: list[Any] = []
        self.twistd = {"pidfile": "gateway.pid"}
        command = CommandLine(["python", "twistd", "-n"], str(folder), self.twistd)
        self.restart = Restart(self, command, [self.listening], lambda: b"[]\n")  # type: ignore[list-item]

    def spawnProcess(self, protocol: Any, *arguments: Any, childFDs: Any) -> None:
        self.spawned.append((*arguments, childFDs))
        self.successor = protocol
        protocol.makeConnection(self)

    def writeToChild(self, descriptor: int, data: bytes) -> None:
        assert descriptor == SAYS
        self.said.append(data)

    def closeChildFD(self, descriptor: int) -> None:
        self.said.append(b"closed")

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def stop(self) -> None:
        self.stopped = True

    def fail(self) -> None:
        self.successor.processEnded(Failure(ProcessTerminated(1)))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = Case(tmp_path)
    case.restart.begin()
    return case


def test_the_successor_inherits_the_sockets_and_is_told_who_is_registered(case: Case) -> None:
    ((_, arguments, environment, directory, descriptors),) = case.spawned
    assert arguments[1:] == ["twistd", "-n"]
    assert directory == str(case.folder)
    (number,) = json.loads(environment[VARIABLE])["listening"].values()
    assert descriptors[number] == 17
    assert case.said == [b"[]\n"]


def test_once_the_successor_is_ready_we_stop_accepting_tell_the_rest_and_go(case: Case) -> None:
    assert not case.listening.handed_over
    case.successor.childDataReceived(HEARS, b"rea")
    case.successor.childDataReceived(HEARS, b"dy 42\n")
    assert case.listening.handed_over
    assert case.said == [b"[]\n", b"[]\n", b"closed"]
    assert not case.stopped
    case.successor.childConnectionLost(SAYS)
    assert case.stopped
    assert case.twistd["pidfile"] == ""
    case.fail()
    assert not case.getDelayedCalls()


def test_if_the_successor_fails_we_go_on_and_may_try_again(case: Case) -> None:
    case.successor.childDataReceived(STDERR, b"openprequal: port: no\n")
    case.fail()
    assert not case.stopped
    assert not case.listening.handed_over
    assert (case.folder / "gateway.pid").exists()
    assert not case.getDelayedCalls()
    case.restart.begin()
    assert len(case.spawned) == 2


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (
            b"warning: old\nopenprequal: a.toml:1: x\nopenprequal: b: y\nopenprequal: 2 mistakes\n",
            "openprequal: a.toml:1: x; openprequal: b: y; openprequal: 2 mistakes",
        ),
        (b"Traceback:\n  File: x\nValueError: no\n", "ValueError: no"),
        (b"killed\n", "killed"),
        (b"", "no reason"),
    ],
)
def test_the_log_has_all_that_a_failed_successor_said_last(
    case: Case, errors: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(case.restart, "log", SimpleNamespace(error=lambda text, reason: logged.append(reason)))
    case.successor.childDataReceived(STDERR, errors)
    case.successor.processEnded(Failure(RuntimeError("no reason")))
    assert logged == [reason]


def test_a_successor_that_is_not_ready_in_time_is_ended(case: Case) -> None:
    case.advance(START_S)
    assert case.signals == ["KILL"]
    case.successor.childDataReceived(HEARS, b"ready 42\n")
    case.fail()
    assert not case.stopped
    assert not case.listening.handed_over


def test_a_daemon_that_is_not_ready_in_time_is_given_up_though_its_first_process_has_ended(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signalProcess(name: str) -> None:
        raise ProcessExitedAlready

    monkeypatch.setattr(case, "signalProcess", signalProcess)
    case.advance(START_S)
    case.restart.begin()
    assert len(case.spawned) == 2


def test_where_no_process_can_be_started_we_go_on_and_may_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spawnProcess(*arguments: Any, childFDs: Any) -> None:
        raise BlockingIOError("no more processes")

    case = Case(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(case, "spawnProcess", spawnProcess)
        case.restart.begin()
    assert not case.getDelayedCalls()
    case.restart.begin()
    assert len(case.spawned) == 1


def test_only_one_successor_starts_at_a_time(case: Case) -> None:
    case.restart.begin()
    assert len(case.spawned) == 1


def test_what_wraps_its_sockets_is_not_handed_over(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.listening.descriptions = ("haproxy:tcp:80",)
    case.restart.begin()
    assert case.spawned == []


def test_a_socket_with_tls_of_ours_before_it_is_handed_over(tmp_path: Path) -> None:
    case = Case(tmp_path)
    case.listening.descriptions = ("tls:tcp:443",)
    case.restart.begin()
    ((_, _, environment, _, descriptors),) = case.spawned
    (number,) = json.loads(environment[VARIABLE])["listening"].values()
    assert descriptors[number] == 17


def test_one_that_ends_for_good_takes_its_successor_along(case: Case) -> None:
    case.restart.begin()
    case.restart.give_up()
    assert case.said[-1] == END + b"\n"
    assert not case.getDelayedCalls()


def test_one_that_ends_because_it_was_replaced_says_no_more(case: Case) -> None:
    case.restart.begin()
    case.successor.childDataReceived(HEARS, b"ready 99\n")
    said = list(case.said)
    case.restart.give_up()
    assert case.said == said
