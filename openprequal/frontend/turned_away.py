"""A client that is one too many: told so when it asks, not left to guess why its connection was closed."""

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from openprequal.errors import GatewayError
from openprequal.forwarding.problem import problem
from openprequal.frontend.response_bytes import render_head
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.phrases import PHRASES


class TurnedAway(Protocol):
    """Answers the first bytes, whatever they are, and closes; then nothing unread can reset the answer."""

    def __init__(self, error: GatewayError, date: Field, since: float, closed: "Callable[[TurnedAway], None]") -> None:
        """:param error: what it is told."""
        fields, self._content = problem(error)
        self._head = render_head(
            error.status,
            PHRASES[error.status],
            FieldSection([*fields, date]),
            chunked=False,
            close=True,
            keep_alive_1_0=False,
        )
        self.since = since
        self._closed = closed

    def dataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        transport.write(self._head + self._content)
        transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._closed(self)

    def give_up(self) -> None:
        """It has not asked for long enough."""
        transport: Any = self.transport
        transport.abortConnection()
