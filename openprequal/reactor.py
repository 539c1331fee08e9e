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

from openprequal.http1.send import outbox

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
            outbox.gathering = True
            try:
                for fd, event in ready:
                    # One call may have closed another descriptor of the same round.
                    selectable = selectables.get(fd)
                    if selectable is None:
                        continue
                    if event == EPOLLIN and type(selectable) in _STREAMS:
                        why = self._read(selectable)
                        if why is not None:
                            disconnect(selectable, why, True)
                    else:
                        read_or_write(selectable, fd, event)
            finally:
                outbox.flush()

        doIteration = doPoll

        def _read(self, stream: Any) -> Exception | None:
            """What ``doRead`` does, by far the most common event, with fewer calls in between.

            :return: why the connection is to be closed, if it is.
            """
            try:
                data = stream.socket.recv(stream.bufferSize)
            except BlockingIOError:
                return None
            except OSError:
                return CONNECTION_LOST
            if not data:
                return CONNECTION_DONE
            try:
                stream.protocol.dataReceived(data)
            except Exception as error:
                self.log.failure("a protocol failed; its connection is closed")
                return error
            return None


def install() -> None:
    """Make this the process's reactor, unless one was chosen already (``twistd --reactor``) or there is no epoll."""
    if sys.platform != "linux" or "twisted.internet.reactor" in sys.modules:
        return
    from twisted.internet.main import installReactor

    installReactor(PlainEPollReactor())  # type: ignore[no-untyped-call]
