"""Calling a hook: plain functions, awaitables, time-outs, and everything that goes wrong."""

import asyncio
import sys

import pytest
from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock

from openprequal.errors import HookFailed, RegistrationRefused
from openprequal.hooks.calling import call, dotted_name
from openprequal.interfaces import HookAnswer


class Caller:
    """Calls with a virtual clock and keeps the names of the hooks that failed."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.failed: list[str] = []

    def __call__(self, hook, *args, **keywords):  # type: ignore[no-untyped-def]
        return call(hook, *args, clock=self.clock, timeout_s=1.0, on_failure=self.failed.append, **keywords)


@pytest.fixture
def caller() -> Caller:
    return Caller()


def outcome(deferred: object) -> list[object]:
    """What *deferred* has fired with, in a list; empty if it has not. A failure goes by its exception."""
    assert isinstance(deferred, Deferred)
    fired: list[object] = []
    deferred.addCallbacks(fired.append, lambda failure: fired.append(failure.value))
    return fired


def test_a_plain_function_answers_without_deferred_or_timer(caller: Caller) -> None:
    assert caller(lambda path: path + "b", "/a") == "/ab"
    assert not caller.clock.getDelayedCalls()


def test_a_coroutine_is_awaited(caller: Caller) -> None:
    async def hook(path: str) -> str:
        return path + await succeed("b")

    assert outcome(caller(hook, "/a")) == ["/ab"]
    assert not caller.clock.getDelayedCalls()


def test_a_deferred_answers_when_it_fires(caller: Caller) -> None:
    later: Deferred[str] = Deferred()
    fired = outcome(caller(lambda: later))
    assert fired == []
    later.callback("done")
    assert fired == ["done"]
    assert not caller.clock.getDelayedCalls()


def test_any_awaitable_object_will_do(caller: Caller) -> None:
    class Awaitable:
        def __await__(self):  # type: ignore[no-untyped-def]
            return succeed("done").__await__()

    assert outcome(caller(Awaitable)) == ["done"]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), asyncio.CancelledError(), CancelledError()])
def test_a_plain_function_that_raises_becomes_hook_failed(caller: Caller, error: BaseException) -> None:
    def hook() -> None:
        raise error

    with pytest.raises(HookFailed):
        caller(hook)
    assert caller.failed == [dotted_name(hook)]


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), asyncio.CancelledError(), CancelledError()])
def test_a_coroutine_that_raises_becomes_hook_failed(caller: Caller, error: BaseException) -> None:
    async def hook() -> None:
        raise error

    (failed,) = outcome(caller(hook))
    assert isinstance(failed, HookFailed)
    assert caller.failed == [dotted_name(hook)]
    assert not caller.clock.getDelayedCalls()


def test_asyncio_calls_without_asyncio_become_hook_failed(caller: Caller) -> None:
    async def hook() -> None:
        await asyncio.sleep(1)

    (failed,) = outcome(caller(hook))
    assert isinstance(failed, HookFailed)


@pytest.mark.parametrize("error", [RegistrationRefused("no"), HookAnswer(404)])
def test_documented_exceptions_pass_unchanged(caller: Caller, error: Exception) -> None:
    def plain() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        caller(plain)
    assert raised.value is error
    assert outcome(caller(lambda: fail(error))) == [error]
    assert caller.failed == []


def test_an_exception_documented_for_another_hook_does_not_pass(caller: Caller) -> None:
    def hook() -> None:
        raise HookAnswer(200)

    with pytest.raises(HookFailed):
        caller(hook, expected=(RegistrationRefused,))


def test_one_that_takes_too_long_is_cancelled_and_fails(caller: Caller) -> None:
    cancelled: list[object] = []
    fired = outcome(caller(lambda: Deferred(cancelled.append)))
    caller.clock.advance(0.9)
    assert fired == []
    caller.clock.advance(0.2)
    assert isinstance(fired[0], HookFailed)
    assert len(cancelled) == 1
    assert len(caller.failed) == 1


def test_a_coroutine_that_swallows_its_cancellation_keeps_nobody_waiting(caller: Caller) -> None:
    async def stubborn() -> None:
        while True:
            try:
                await Deferred()
            except CancelledError:
                continue

    fired = outcome(caller(stubborn))
    caller.clock.advance(1.1)
    assert isinstance(fired[0], HookFailed)


def test_an_answer_after_the_time_out_is_ignored(caller: Caller) -> None:
    later: Deferred[str] = Deferred()
    fired = outcome(caller(lambda: later))
    caller.clock.advance(1.1)
    later.callback("late")
    assert len(fired) == 1
    assert isinstance(fired[0], HookFailed)


def test_cancelling_cancels_the_hook_and_is_no_failure_of_it(caller: Caller) -> None:
    cancelled: list[object] = []
    answer = caller(lambda: Deferred(cancelled.append))
    fired = outcome(answer)
    answer.cancel()
    assert isinstance(fired[0], CancelledError)
    assert len(cancelled) == 1
    assert caller.failed == []
    assert not caller.clock.getDelayedCalls()


def test_the_check_decides_what_the_answer_is(caller: Caller) -> None:
    assert caller(lambda: 2, check=lambda answer: answer * 2) == 4
    assert outcome(caller(lambda: succeed(2), check=lambda answer: answer * 2)) == [4]


def test_a_check_that_raises_is_the_failure_of_the_hook(caller: Caller) -> None:
    def check(answer: object) -> object:
        raise HookFailed("left nonsense behind")

    def hook() -> None:
        pass

    with pytest.raises(HookFailed):
        caller(hook, check=check)
    (failed,) = outcome(caller(lambda: succeed(None), check=check))
    assert isinstance(failed, HookFailed)
    assert len(caller.failed) == 2


def test_the_name_of_a_callable_object_is_that_of_its_class() -> None:
    class Hook:
        def __call__(self) -> None:
            pass

    assert dotted_name(Hook()).endswith("Hook")
    assert dotted_name(sys.exit) == "sys.exit"
