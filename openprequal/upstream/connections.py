"""All connections to one backend: idle ones are kept, new ones made when none is idle."""

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from openprequal.http1.origin import Origin
from openprequal.upstream.connection import UpstreamConnection

Dial = Callable[..., "Deferred[Any]"]
"""Opens one connection to the backend for a factory and fires with its protocol; see ``dialing``. A second argument are
bytes to be sent before all else."""


class Connections:
    """The connections of one backend, most recently used first out, bounded and expiring.

    :ivar opened: connections made so far; with the number of requests it gives the reuse rate.
    """

    def __init__(self, dial: Dial, clock: IReactorTime, *, max_idle: int, idle_timeout_s: float) -> None:
        self._dial = dial
        self._clock = clock
        self._max_idle = max_idle
        self._idle_timeout_s = idle_timeout_s
        self._idle: deque[UpstreamConnection] = deque()
        self._finishing: deque[UpstreamConnection] = deque()
        self._open: set[UpstreamConnection] = set()
        self._closed = False
        self._factory = Factory.forProtocol(lambda: UpstreamConnection(self._gone))
        self._factory.noisy = False
        self.opened = 0

    def configure(self, dial: Dial, *, max_idle: int, idle_timeout_s: float) -> None:
        """Other settings, for what is opened or becomes idle from now on; what is idle by the former ones goes."""
        while self._idle:
            self._idle.pop().abort()
        self._dial = dial
        self._max_idle = max_idle
        self._idle_timeout_s = idle_timeout_s

    def take(self, origin: Origin | None = None) -> UpstreamConnection | None:
        """An idle connection that a request from *origin* (None: one of our own) may use, or None. Immediate."""
        return self._idle.pop() if self._idle else None

    def connect(
        self,
        connected: Callable[[UpstreamConnection], None],
        failed: Callable[[Exception], None],
        origin: Origin | None = None,
    ) -> "Deferred[object]":
        """Open a connection for a request from *origin*, or one of our own.

        Exactly one of the callbacks is called, unless the result is cancelled first.
        """
        dialling = self._opening(origin)

        def made(protocol: Protocol) -> None:
            assert isinstance(protocol, UpstreamConnection)
            self.opened += 1
            self._open.add(protocol)
            connected(protocol)

        def not_made(reason: Failure) -> None:
            if not reason.check(CancelledError, ConnectingCancelledError):
                failed(reason.value if isinstance(reason.value, Exception) else Exception(str(reason.value)))

        return dialling.addCallbacks(made, not_made)

    def _opening(self, origin: Origin | None) -> "Deferred[Any]":
        return self._dial(self._factory)

    def give_back(self, connection: UpstreamConnection) -> None:
        """An exchange on *connection* is over and its request was sent whole."""
        if not connection.release():
            return
        if self._closed or len(self._idle) >= self._max_idle:
            connection.abort()
            return
        connection.idle_since = self._clock.seconds()
        self._idle.append(connection)

    def finish(self, connection: UpstreamConnection) -> None:
        """Close *connection* once everything sent on it has left: the end of a tunnel."""
        connection.idle_since = self._clock.seconds()
        self._finishing.append(connection)
        connection.close()

    def expire(self, now: float) -> None:
        """Close connections that have been idle too long, or whose backend does not take what is left to send."""
        for waiting in (self._idle, self._finishing):
            while waiting and now - waiting[0].idle_since > self._idle_timeout_s:
                waiting.popleft().abort()

    def close(self) -> None:
        """The backend is gone: close idle connections now, busy ones when their exchange is over."""
        self._closed = True
        while self._idle:
            self._idle.pop().abort()

    def abort(self) -> None:
        """Close every connection at once."""
        self.close()
        for connection in list(self._open):
            connection.abort()

    @property
    def idle(self) -> int:
        return len(self._idle)

    def _gone(self, connection: UpstreamConnection) -> None:
        self._open.discard(connection)
        for waiting in (self._idle, self._finishing):
            if connection in waiting:
                waiting.remove(connection)
