"""Departure: how do the gateways hear that this process is to end before its server does?

A server that gets SIGTERM stops accepting connections at once, while gateways still send requests. So the signal is
kept until they have been told, and only then passed on to whoever it was for.
"""

import signal
from threading import current_thread, main_thread
from types import FrameType
from typing import Any, Final

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_NUDGE: Final = signal.SIGURG
"""Only the main thread may set what a signal does, and servers do so at times of their own. Nobody notices this one:
whoever does not handle it ignores it."""


class Departure:
    """Stands before this process's handlers of :data:`SIGNALS`.

    :ivar signum: the signal that has arrived and waits to be passed on; None: none has.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._over = False
        self._before: dict[int, Any] = {}
        self._nudges = False
        if current_thread() is main_thread() and signal.getsignal(_NUDGE) in (signal.SIG_DFL, signal.SIG_IGN):
            signal.signal(_NUDGE, self._nudged)
            self._nudges = True

    def stand_before(self) -> None:
        """Called again and again, in any thread: see to it that signals come to us first, if they do not now."""
        if self._over or not any(self._is_anothers(signum) for signum in SIGNALS):
            return
        if current_thread() is main_thread():
            self._stand_before()
        elif self._nudges:
            _to_main_thread(_NUDGE)

    def pass_on(self) -> None:
        """The gateways have been told: what has arrived, and what comes from now on, is the server's."""
        over, self._over = self._over, True
        if self.signum is not None and not over:
            _to_main_thread(self.signum)

    def renew(self) -> None:
        """In a child that was forked: nothing has arrived yet."""
        self.signum, self._over = None, False

    def _is_anothers(self, signum: int) -> bool:
        # What is ignored stays so (nohup), and a handler that is not Python's cannot be called.
        return signal.getsignal(signum) not in (None, signal.SIG_IGN, self._arrived)

    def _nudged(self, signum: int, frame: FrameType | None) -> None:
        self._stand_before()

    def _stand_before(self) -> None:
        for signum in SIGNALS:
            if self._is_anothers(signum):
                self._before[signum] = signal.signal(signum, self._arrived)

    def _arrived(self, signum: int, frame: FrameType | None) -> None:
        # It may have interrupted anything: no lock may be taken here, and no line be logged.
        if not self._over and self.signum is None:
            self.signum = signum
            return
        self._over = True  # somebody insists, or all is said
        before = self._before.get(signum, signal.SIG_DFL)
        if callable(before):
            before(signum, frame)
        else:
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)


def _to_main_thread(signum: int) -> None:
    ident = main_thread().ident
    assert ident is not None
    # To the process, it might be delivered to a thread that does not wait in the kernel, and the main one sleep on.
    signal.pthread_kill(ident, signum)
