"""Passwords are verified a few at a time, whoever sends how many."""

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred

from openprequal.checks.verifications import Verifications


class Threads:
    """Threads in which time stands still."""

    def __init__(self) -> None:
        self.running: list[tuple[Callable[[], bool], Deferred[bool]]] = []

    def __call__(self, verify: Callable[[], bool]) -> "Deferred[bool]":
        result: Deferred[bool] = Deferred()
        self.running.append((verify, result))
        return result

    def finish(self) -> None:
        """The first is done."""
        verify, result = self.running.pop(0)
        result.callback(verify())


class Case:
    def __init__(self, running: int = 1, waiting: int = 4) -> None:
        self.threads = Threads()
        self.verifications = Verifications(self.threads, running, waiting)
        self.answers: dict[bytes, object] = {}

    def ask(self, key: bytes, client: str = "a", right: bool = True) -> "Deferred[bool] | None":
        answer = self.verifications.verify(key, client, lambda: right)
        if answer is not None:
            answer.addBoth(lambda result: self.answers.__setitem__(key, result))
        return answer


def test_each_gets_its_own_answer() -> None:
    case = Case(running=2)
    case.ask(b"1", right=True)
    case.ask(b"2", right=False)
    case.threads.finish()
    case.threads.finish()
    assert case.answers == {b"1": True, b"2": False}


def test_no_more_run_at_a_time_than_may() -> None:
    case = Case(running=2)
    for key in (b"1", b"2", b"3"):
        case.ask(key)
    assert len(case.threads.running) == 2
    case.threads.finish()
    assert len(case.threads.running) == 2
    assert case.answers == {b"1": True}


def test_beyond_those_that_wait_none_is_taken() -> None:
    case = Case(waiting=4)
    assert all(case.ask(b"%d" % number, client=str(number)) for number in range(5))
    assert case.ask(b"5", client="5") is None
    case.threads.finish()
    assert case.ask(b"5", client="5") is not None


def test_one_client_cannot_take_all_places() -> None:
    case = Case(waiting=4)
    case.ask(b"0")
    assert [case.ask(b"%d" % number) is not None for number in (1, 2, 3)] == [True, True, False]
    assert case.ask(b"4", "b") is not None


def test_the_same_is_verified_once_for_all_who_ask() -> None:
    case = Case()
    answers: list[bool] = []
    for _ in range(9):
        answer = case.ask(b"1")
        assert answer is not None
        answer.addCallback(answers.append)
    assert len(case.threads.running) == 1
    case.threads.finish()
    assert len(answers) == 9


def test_one_that_nobody_waits_for_any_more_gives_up_its_place() -> None:
    case = Case()
    case.ask(b"1")
    second, third = case.ask(b"2"), case.ask(b"3")
    assert second is not None
    second.cancel()
    case.threads.finish()
    case.threads.finish()
    assert third is not None
    assert case.threads.running == []
    assert case.answers[b"3"] is True
    assert case.answers[b"2"].check(CancelledError)  # type: ignore[attr-defined]


def test_one_that_others_wait_for_keeps_its_place() -> None:
    case = Case()
    case.ask(b"1")
    first, second = case.ask(b"2"), case.ask(b"2")
    assert first is not None
    assert second is not None
    answers: list[bool] = []
    second.addCallback(answers.append)
    first.cancel()
    case.threads.finish()
    case.threads.finish()
    assert len(answers) == 1


def test_one_that_runs_and_that_nobody_waits_for_still_counts() -> None:
    case = Case()
    first = case.ask(b"1")
    case.ask(b"2")
    assert first is not None
    first.cancel()
    assert len(case.threads.running) == 1
    case.threads.finish()
    assert len(case.threads.running) == 1


def test_a_thread_that_fails_fails_its_own() -> None:
    case = Case()
    case.ask(b"1")
    case.ask(b"2")
    case.threads.running.pop(0)[1].errback(RuntimeError("no"))
    case.threads.finish()
    assert case.answers[b"1"].check(RuntimeError)  # type: ignore[attr-defined]
    assert case.answers[b"2"] is True


def test_a_thread_that_takes_no_time() -> None:
    def at_once(verify: Callable[[], bool]) -> "Deferred[bool]":
        result: Deferred[bool] = Deferred()
        result.callback(verify())
        return result

    answers: list[bool] = []
    answer = Verifications(at_once, 1).verify(b"1", "a", lambda: True)
    assert answer is not None
    answer.addCallback(answers.append)
    assert answers == [True]
