"""What do the register and unregister hooks have to say about a backend that comes or goes?"""

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReactorTime

from openprequal.errors import HookFailed, RegistrationRefused
from openprequal.hooks.calling import call
from openprequal.interfaces import RegisterHook, UnregisterHook
from openprequal.values import Backend


class RegistrationHooks:
    """Asks ``CUSTOM_REGISTER_HOOK`` before every registration, renewals by heartbeat included, and tells
    ``CUSTOM_UNREGISTER_HOOK`` after a backend has left by ``/unregister``.
    """

    def __init__(
        self,
        clock: IReactorTime,
        timeout_s: float,
        on_failure: Callable[[str], object],
        register: RegisterHook | None = None,
        unregister: UnregisterHook | None = None,
    ) -> None:
        """
        :param timeout_s: seconds either hook may take.
        :param on_failure: called with the dotted name of a hook that failed, for counting.
        """
        self._clock = clock
        self._timeout_s = timeout_s
        self._on_failure = on_failure
        self._register = register
        self._unregister = unregister

    def ask(self, backend: Backend) -> "Deferred[None]":
        """Ask whether *backend* may be registered; fires if so.

        :raises RegistrationRefused: (errback) the hook refused; its status and reason are for the caller.
        :raises HookFailed: (errback) the hook raised something else or took too long.
        """
        return Deferred.fromCoroutine(self._ask(backend))

    def tell(self, backend: Backend) -> "Deferred[None]":
        """Tell that *backend* has left; a hook that fails is logged and counted, for the backend is gone anyway."""
        return Deferred.fromCoroutine(self._tell(backend))

    async def _ask(self, backend: Backend) -> None:
        if self._register is None:
            return
        await self._call(self._register, backend, (RegistrationRefused,))

    async def _tell(self, backend: Backend) -> None:
        if self._unregister is None:
            return
        try:
            await self._call(self._unregister, backend, ())
        except HookFailed:
            return

    async def _call(
        self, hook: RegisterHook | UnregisterHook, backend: Backend, expected: tuple[type[Exception], ...]
    ) -> None:
        answer = call(
            hook, backend, clock=self._clock, timeout_s=self._timeout_s, on_failure=self._on_failure, expected=expected
        )
        await (answer if isinstance(answer, Deferred) else succeed(answer))
