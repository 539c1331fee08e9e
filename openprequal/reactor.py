"""Which reactor the commands run on: Twisted's epoll reactor on a monotonic clock, and with less around every event.

Twisted's timers follow the wall clock: set forward by an hour, it would end every lease and time out every request.

Twisted wraps each read and write in ``log.callWithLogger``, which builds a context for the legacy logger: 2.5 µs an
event, two events a request, an eighth of what a request costs (``docs/decisions/0005-reactor.md``). Nothing here or in
Twisted's own protocols uses that context; an exception out of a protocol is logged and its connection closed as ever,
by ``_doReadOrWrite`` itself.
"""

import sys
import time
from typing import Any

from twisted.logger import Logger

if sys.platform == "linux":
    from select import EPOLLIN

    from twisted.internet import tcp
    from twisted.internet.epollreactor import EPollReactor
    from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST

    _STREAMS = frozenset((tcp.Server, tcp.Client))

    class PlainEPollReactor(EPollReactor):
        """Calls what is ready, and nothing around it."""

        log = Logger()
        seconds = staticmethod(time.monotonic)

        def doPoll(self, timeout: float | None) -> None:
            poller: Any = self._poller
            read_or_write: Any = self._doReadOrWrite
            disconnect: Any = self._disconnectSelectable
            try:
                ready = poller.poll(-1 if timeout is None else timeout, len(self._selectables))
            except InterruptedError:
                return
            selectables = self._selectables
            for fd, event in ready:
                # One call may have closed another descriptor of the same round.
                selectable = selectables.get(fd)
                if selectable is None:
                    continue
                if event != EPOLLIN or type(selectable) not in _STREAMS:
                    read_or_write(selectable, fd, event)
                    continue
                # By far the most common event; what ``doRead`` does, without the calls in between.
                try:
                    data = selectable.socket.recv(selectable.bufferSize)
                except BlockingIOError:
                    continue
                except OSError:
                    disconnect(selectable, CONNECTION_LOST, True)
                    continue
                if not data:
                    disconnect(selectable, CONNECTION_DONE, True)
                    continue
                try:
                    selectable.protocol.dataReceived(data)
                except Exception as error:
                    self.log.failure("a protocol failed; its connection is closed")
                    disconnect(selectable, error, True)

        doIteration = doPoll


def install() -> None:
    """Make this the process's reactor, unless one was chosen already (``twistd --reactor``) or there is no epoll."""
    if sys.platform != "linux" or "twisted.internet.reactor" in sys.modules:
        return
    from twisted.internet.main import installReactor

    installReactor(PlainEPollReactor())  # type: ignore[no-untyped-call]
