"""Where is done what may block, like files on a slow disk? In a thread, where there are threads."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool

P = ParamSpec("P")
R = TypeVar("R")


def beside(reactor: Any, call: Callable[P, R], *arguments: P.args, **keywords: P.kwargs) -> "Deferred[R]":
    """What *call* returns or raises, done in a thread of *reactor*; at once if it has none, as in virtual time."""
    if IReactorThreads.providedBy(reactor):
        return deferToThreadPool(reactor, reactor.getThreadPool(), call, *arguments, **keywords)
    return maybeDeferred(call, *arguments, **keywords)
