"""How is a hook called so that nothing it does, or fails to do, costs more than its one request?"""

from collections.abc import Awaitable, Callable
from inspect import isawaitable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.errors import HookFailed, RegistrationRefused
from openprequal.interfaces import HookAnswer

Expected = tuple[type[BaseException], ...]

log = Logger()


def call(
    hook: Callable[..., object],
    *args: object,
    clock: IReactorTime,
    timeout_s: float,
    on_failure: Callable[[str], object],
    expected: Expected = (RegistrationRefused, HookAnswer),
    check: Callable[[object], object] | None = None,
) -> "object | Deferred[object]":
    """Call ``hook(*args)``; its answer itself if it gave one at once, a Deferred of it if it returned an awaitable.

    A plain function costs no Deferred and no timer. Cancelling the Deferred cancels the hook's awaitable.

    :param timeout_s: seconds an awaitable may take; a plain function cannot be interrupted.
    :param on_failure: called with the hook's dotted name each time it failed, for counting.
    :param expected: exceptions that are the hook's way to answer; they pass unchanged.
    :param check: called with what the hook answered, returns the answer to go on with; what it raises is the hook's
        failure.
    :raises HookFailed: (or errbacks) it raised anything else or took too long; the cause has been logged.
    """
    try:
        result = hook(*args)
        if result is None or not isawaitable(result):
            return result if check is None else check(result)
    except expected:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException:  # SystemExit too: a hook that calls sys.exit() must not end the gateway
        raise _failed(hook, Failure(), on_failure) from None
    waiting = _InTime(_deferred(result), clock, timeout_s)

    def judge(failure: Failure) -> Failure:
        if waiting.abandoned or failure.check(*expected):
            return failure
        raise _failed(hook, failure, on_failure)

    if check is not None:
        waiting.answer.addCallback(check)
    return waiting.answer.addErrback(judge)


def dotted_name(hook: object) -> str:
    """``module.name`` of *hook*, as in the configuration; an instance goes by its class."""
    named = hook if hasattr(hook, "__qualname__") else type(hook)
    return f"{named.__module__}.{named.__qualname__}"


def _deferred(awaitable: Awaitable[object]) -> "Deferred[object]":
    if isinstance(awaitable, Deferred):
        return awaitable

    async def waiting() -> object:
        return await awaitable

    return Deferred.fromCoroutine(waiting())


def _failed(hook: object, failure: Failure, on_failure: Callable[[str], object]) -> HookFailed:
    name = dotted_name(hook)
    log.failure("hook {hook} failed", failure=failure, hook=name)
    on_failure(name)
    return HookFailed(f"hook {name}: {failure.getErrorMessage()}")


class _InTime:
    """Passes on what *source* fires with, unless the time runs out or the receiver cancels first.

    ``Deferred.addTimeout`` is not enough: a coroutine that swallows the cancellation would keep its caller waiting.
    """

    def __init__(self, source: "Deferred[object]", clock: IReactorTime, timeout_s: float) -> None:
        self.answer: Deferred[object] = Deferred(self._abandon)
        self.abandoned = False
        """The receiver cancelled: the request is gone, which is no failure of the hook."""
        self._source = source
        self._timer = clock.callLater(timeout_s, self._give_up, timeout_s)
        source.addCallbacks(self._answered, self._errored)

    @property
    def _over(self) -> bool:
        return self.abandoned or bool(self.answer.called)

    def _answered(self, result: object) -> object:
        if not self._over:
            self._timer.cancel()
            self.answer.callback(result)
        return result  # the hook may have kept its Deferred, to return it again

    def _errored(self, failure: Failure) -> None:
        # Once it is over, a failure ends here: it follows from our own cancelling.
        if not self._over:
            self._timer.cancel()
            self.answer.errback(failure)

    def _give_up(self, timeout_s: float) -> None:
        self.answer.errback(Failure(TimeoutError(f"no answer within {timeout_s:g} s")))
        self._source.cancel()

    def _abandon(self, answer: "Deferred[object]") -> None:
        self.abandoned = True
        self._timer.cancel()
        self._source.cancel()
