"""The channel between the parent and one worker: what is said on it, and who hears it?"""

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.workers.framing import BadFrame, Frames, Message, frame

KIND: Final = "kind"
"""The member of a head that says what the message is about."""

Heard = Callable[[str, Message], None]
"""Called with the kind and the message."""


class Channel(Protocol):
    """Both sides of it: a stream of messages each way, in order."""

    log = Logger()

    def __init__(self, heard: Heard, lost: Callable[[], None]) -> None:
        """
        :param heard: one that raises is logged, and the channel goes on.
        :param lost: the other side is gone, or what it said made no sense.
        """
        self._heard = heard
        self._lost = lost
        self._frames = Frames()

    def say(self, kind: str, payload: bytes = b"", **told: Any) -> None:
        """Send one message; harmless once the other side is gone."""
        if self.connected:
            transport: Any = self.transport
            transport.write(frame(Message({KIND: kind, **told}, payload)))

    def dataReceived(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._hear(message)
        except BadFrame as error:
            self.log.error("what another process of this gateway says cannot be read: {why}", why=error)
            self._frames = Frames()
            transport: Any = self.transport
            transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost()

    def _hear(self, message: Message) -> None:
        kind = message.head.get(KIND)
        try:
            self._heard(str(kind), message)
        except Exception:
            self.log.failure("a message of kind {kind} was not taken", kind=kind)
