"""Is the upstream there? By connecting to it, or by asking its health path, again and again."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openprequal.upstream.connection import UpstreamConnection
from openprequal.upstream.connections import Connections
from openprequal.upstream.fetch import Answer, Fetch, get_request

FALL: Final = 2
"""Failed looks in a row until it counts as gone; a refused connect is no matter of patience."""


class Readiness:
    """Looks at the upstream every time it is ticked, one look at a time; tells *changed* when the verdict is another.

    Traffic spares it the trouble: an answer below 500 since the last look passes, and so does, where no health path is
    named, a kept connection that has not been closed.

    :ivar ready: the verdict; not ready until a look has passed.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        connections: Connections,
        changed: Callable[[bool], None],
        answered_at: Callable[[], float],
        *,
        path: str | None,
        authority: str,
        timeout_s: float,
    ) -> None:
        """
        :param answered_at: when the upstream last answered a request with a status below 500.
        :param path: must be answered with 2xx or 3xx; None: that it accepts a connection is enough.
        :param timeout_s: how long a look may take.
        """
        self.ready = False
        self._clock = clock
        self._connections = connections
        self._changed = changed
        self._answered_at = answered_at
        self._request = get_request(path, authority) if path is not None else None
        self._timeout_s = timeout_s
        self._looked_at = float("-inf")
        self._failures = 0
        self._fetch: Fetch | None = None
        self._connecting: Deferred[object] | None = None
        self._looking = False

    def look(self) -> None:
        """Look, unless a look is under way; give that up if it takes too long."""
        now = self._clock.seconds()
        if self._looking:
            if now - self._looked_at >= self._timeout_s:
                self.stop()
                self._failed(f"no answer within {self._timeout_s:g} s", FALL)
            return
        served = self._answered_at() > self._looked_at
        self._looked_at = now
        if self.ready and (served or (self._request is None and self._connections.idle)):
            self._failures = 0
            return
        self._looking = True
        if self._request is None:
            connecting = self._connections.connect(self._connected, self._refused)
            self._connecting = connecting if self._looking else None
        else:
            self._fetch = Fetch(self._connections, self._request, self._answered)
            self._fetch.start()

    def refused(self) -> None:
        """Under traffic no connection could be made."""
        self._failed("it refuses connections", 1)

    def stop(self) -> None:
        """Give up the look under way, if any."""
        self._looking = False
        fetch, self._fetch = self._fetch, None
        if fetch is not None:
            fetch.cancel()
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()

    def _connected(self, connection: UpstreamConnection) -> None:
        self._connections.finish(connection)
        self._passed()

    def _refused(self, reason: Exception) -> None:
        self._looking = False
        self._connecting = None
        self._failed(str(reason) or type(reason).__name__, 1)

    def _answered(self, result: Answer | Exception) -> None:
        self._fetch = None
        self._looking = False
        if isinstance(result, Exception):
            self._failed(str(result) or type(result).__name__, 1 if isinstance(result, ConnectError) else FALL)
        elif result.status >= 400:
            self._failed(f"its health path answered {result.status}", FALL)
        else:
            self._passed()

    def _passed(self) -> None:
        self._looking = False
        self._connecting = None
        self._failures = 0
        if not self.ready:
            self.ready = True
            self.log.info("the upstream is there")
            self._changed(True)

    def _failed(self, why: str, fall: int) -> None:
        self._failures += 1
        if self.ready and self._failures >= fall:
            self.ready = False
            self.log.warn("the upstream is gone: {why}", why=why)
            self._changed(False)
