"""The register and unregister hooks: who is asked, who is told, and what becomes of their failures."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from openprequal.errors import HookFailed, RegistrationRefused
from openprequal.hooks.registration import RegistrationHooks
from openprequal.values import Backend

BACKEND = Backend(url="http://a.test:1")


def outcome(deferred: "Deferred[None]") -> list[object]:
    fired: list[object] = []
    deferred.addCallbacks(fired.append, lambda failure: fired.append(failure.value))
    return fired


def hooks_with(failed: list[str], **chosen) -> RegistrationHooks:  # type: ignore[no-untyped-def]
    return RegistrationHooks(Clock(), 1.0, failed.append, **chosen)


def test_without_hooks_everyone_may_register_and_leave() -> None:
    hooks = hooks_with([])
    assert outcome(hooks.ask(BACKEND)) == [None]
    assert outcome(hooks.tell(BACKEND)) == [None]


def test_both_are_handed_the_backend() -> None:
    asked: list[Backend] = []
    told: list[Backend] = []
    hooks = hooks_with([], register=asked.append, unregister=told.append)
    assert outcome(hooks.ask(BACKEND)) == [None]
    assert outcome(hooks.tell(BACKEND)) == [None]
    assert (asked, told) == ([BACKEND], [BACKEND])


def test_a_refusal_passes_with_its_status_and_reason() -> None:
    refusal = RegistrationRefused("not on Sundays", status=409)

    async def register(backend: Backend) -> None:
        raise refusal

    failed: list[str] = []
    assert outcome(hooks_with(failed, register=register).ask(BACKEND)) == [refusal]
    assert failed == []


@pytest.mark.parametrize("status", [0, 200, 302, 600])
def test_a_refusal_with_a_status_that_is_no_error_is_a_failure(status: int) -> None:
    def register(backend: Backend) -> None:
        raise RegistrationRefused("no", status=status)

    failed: list[str] = []
    (error,) = outcome(hooks_with(failed, register=register).ask(BACKEND))
    assert isinstance(error, HookFailed)
    assert len(failed) == 1


def test_a_register_hook_that_fails_fails_the_registration() -> None:
    def register(backend: Backend) -> None:
        raise ValueError

    failed: list[str] = []
    (error,) = outcome(hooks_with(failed, register=register).ask(BACKEND))
    assert isinstance(error, HookFailed)
    assert len(failed) == 1


def test_an_unregister_hook_that_fails_is_counted_and_goes_unheard() -> None:
    def unregister(backend: Backend) -> None:
        raise ValueError

    failed: list[str] = []
    assert outcome(hooks_with(failed, unregister=unregister).tell(BACKEND)) == [None]
    assert len(failed) == 1
