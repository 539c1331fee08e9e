"""One small GET to one backend, for probes and health checks: over the same connections as the traffic."""

from collections.abc import Callable
from typing import Final

from attrs import frozen
from twisted.internet.defer import Deferred

from openprequal.http1.fields import Field
from openprequal.http1.response import ResponseHead
from openprequal.upstream.connection import UpstreamConnection
from openprequal.upstream.connections import Connections

MAX_CONTENT: Final = 512 * 1024
"""An inference server's page of metrics has tens of kilobytes for each model."""


class FetchFailed(Exception):
    """No complete answer came; the message says why."""


@frozen
class Answer:
    """A complete answer."""

    status: int
    fields: list[Field]
    content: bytes
    load: bytes | None = None
    """Value of its OpenPrequal-Load field, which is not among the fields."""


class Fetch:
    """One GET; *done* is called once with the answer, or with why there is none, unless it is cancelled first."""

    def __init__(self, connections: Connections, request: bytes, done: Callable[[Answer | Exception], None]) -> None:
        """:param request: the whole request, see :func:`get_request`."""
        self._connections = connections
        self._request = request
        self._done: Callable[[Answer | Exception], None] | None = done
        self._connection: UpstreamConnection | None = None
        self._connecting: Deferred[object] | None = None
        self._reused = False
        self._head: ResponseHead | None = None
        self._content: list[bytes] = []
        self._size = 0

    def start(self) -> None:
        """Send it: at once if a connection is idle."""
        connection = self._connections.take()
        if connection is not None:
            self._reused = True
            self._send(connection)
        else:
            self._connect()

    def cancel(self) -> None:
        """Give it up; *done* is not called."""
        self._done = None
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    def _connect(self) -> None:
        self._reused = False
        self._connecting = self._connections.connect(self._connected, self._finish)

    def _connected(self, connection: UpstreamConnection) -> None:
        self._connecting = None
        self._send(connection)

    def _send(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        connection.begin(self, b"GET")
        connection.send(self._request)

    def response_started(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        self._head = head
        self.response_more(chunk)
        if ended:
            self.response_ended([])

    def response_more(self, chunk: bytes) -> None:
        self._content.append(chunk)
        self._size += len(chunk)
        if self._size > MAX_CONTENT and self._connection is not None:
            self._connection.abort()
            self._connection = None
            self._finish(FetchFailed(f"answer over {MAX_CONTENT} bytes"))

    def response_ended(self, trailers: list[Field]) -> None:
        connection, self._connection = self._connection, None
        if connection is None or self._head is None:
            return
        load, echoes = connection.load, connection.echoes
        self._connections.give_back(connection)
        self._finish(Answer(self._head.status, [*self._head.fields, *echoes], b"".join(self._content), load))

    def response_informational(self, head: ResponseHead) -> None:
        """Nothing to do."""

    def response_switched(self, head: ResponseHead, data: bytes) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        self._finish(FetchFailed("101 without an upgrade asked for"))

    def upstream_lost(self, reason: Exception) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._reused and not connection.answered:
            self._connect()  # the race with the backend closing an idle connection
        else:
            self._finish(reason)

    def upstream_congested(self) -> None:
        """The request is too short for that to matter."""

    def upstream_drained(self) -> None:
        """See ``upstream_congested``."""

    def _finish(self, result: Answer | Exception) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(result)


def get_request(path: str, authority: str) -> bytes:
    """The bytes of a GET for *path*, named so that a backend's log tells it from traffic."""
    return (f"GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: openprequal-probe\r\nAccept: */*\r\n\r\n").encode(
        "ascii"
    )
