"""How are commands sent to Redis on one connection, and whose is which answer?"""

from collections import deque
from typing import Any

from hiredis import HiredisError, Reader, ReplyError, pack_command
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

Word = bytes | str | int

_MORE = object()


class RedisConnection(Protocol):
    """Commands are sent at once, without waiting for the answers to those before; answers come in the same order."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._reader = Reader(notEnoughData=_MORE)
        self._asked: deque[tuple[float, Deferred[object]]] = deque()
        self._ended = False
        self.lost: Deferred[None] = Deferred()
        """Fires once, when the connection has ended."""

    def ask(self, *words: Word) -> "Deferred[object]":
        """Send one command.

        :raises ReplyError: (errback) Redis answers with an error.
        :raises ConnectionClosed: (errback) the connection ended before the answer came.
        """
        if self._ended:
            return fail(ConnectionDone())
        answer: Deferred[object] = Deferred()
        self._asked.append((self._clock.seconds(), answer))
        self._transport().write(pack_command(words))  # type: ignore[arg-type]
        return answer

    def waited_s(self) -> float:
        """How long the oldest command without an answer has waited, in seconds."""
        return self._clock.seconds() - self._asked[0][0] if self._asked else 0.0

    def close(self) -> None:
        """End it now, answers or not."""
        self._transport().abortConnection()

    def dataReceived(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (reply := self._reader.gets()) is not _MORE and not self._ended:
                if not self._asked:
                    self.close()
                    return
                _, answer = self._asked.popleft()
                if isinstance(reply, ReplyError):
                    answer.errback(Failure(reply))
                else:
                    answer.callback(reply)
        except HiredisError:
            # Whoever is at the other end speaks something else.
            self.close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._ended = True
        while self._asked:
            _, answer = self._asked.popleft()
            answer.errback(Failure(ConnectionLost(str(reason.value))))
        self.lost.callback(None)

    def _transport(self) -> Any:
        return self.transport
