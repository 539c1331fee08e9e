"""One request to a server of the operator's, whose answer is small: for keys, the word on a request, or with traces."""

from typing import Any, Final

from attrs import field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

MOST_CONTENT: Final = 256 * 1024


@frozen
class Answer:
    """What came."""

    status: int
    headers: Headers = field(repr=False)
    content: bytes | None = field(repr=False)
    """None: more than is taken."""


def ask(
    agent: IAgent, url: bytes, headers: Headers, most: int = MOST_CONTENT, *, post: bytes | None = None
) -> "Deferred[Answer]":
    """GET *url*, or POST to it; redirects are not followed. Cancelling drops the connection.

    :param most: bytes of content that are taken.
    :param post: what is posted.
    """

    async def asking() -> Answer:
        if post is None:
            response = await agent.request(b"GET", url, headers, None)
        else:
            response = await agent.request(b"POST", url, headers, _Posted(post))
        return Answer(response.code, response.headers, await _content(response, most))

    return Deferred.fromCoroutine(asking())


def _content(response: IResponse, most: int) -> "Deferred[bytes | None]":
    receiver = _Receiver(most)
    response.deliverBody(receiver)
    return receiver.done


class _Receiver(Protocol):
    def __init__(self, most: int) -> None:
        self.done: Deferred[bytes | None] = Deferred(lambda _: self._drop())
        self._most = most
        self._size = 0
        self._chunks: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self._size += len(data)
        if self._size <= self._most:
            self._chunks.append(data)
        elif not self.done.called:
            self.done.callback(None)
            self._drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._chunks))
        else:
            self.done.errback(reason)

    def _drop(self) -> None:
        transport: Any = self.transport
        transport.loseConnection()


@implementer(IBodyProducer)
class _Posted:
    """All of it at once."""

    def __init__(self, content: bytes) -> None:
        self.length: int = len(content)
        self._content = content

    def startProducing(self, consumer: IConsumer) -> "Deferred[None]":
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It has been written."""

    def resumeProducing(self) -> None:
        """It has been written."""

    def stopProducing(self) -> None:
        """It has been written."""
