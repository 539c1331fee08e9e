"""Requests that workers relay: how does the parent's own resource answer clients that another process talks to?"""

from collections.abc import Sequence
from typing import Any

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.server import Site

from openprequal.workers.framing import Message
from openprequal.workers.relay import address_of_words
from openprequal.workers.worker import Worker


class Relayed:
    """The requests under way that workers have relayed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._requests: dict[tuple[Worker, int], Any] = {}

    def hear(self, worker: Worker, kind: str, message: Message) -> None:
        """A new request, or one whose client has gone."""
        key = worker, int(message.head["request"])
        if kind == "request":
            channel = _FarChannel(self._site, worker, message, lambda: self._requests.pop(key, None))
            request = self._requests[key] = self._site.requestFactory(channel, False)
            for name, value in message.head["fields"]:
                request.requestHeaders.addRawHeader(name.encode("latin-1"), value.encode("latin-1"))
            request.gotLength(len(message.payload))
            request.handleContentChunk(message.payload)
            target = message.head["target"].encode("latin-1")
            # HTTP/1.0, so that twisted.web leaves framing to the worker.
            request.requestReceived(message.head["method"].encode("latin-1"), target, b"HTTP/1.0")
        else:
            self._lose(key)

    def gone(self, worker: Worker) -> None:
        """*worker* has ended, and its clients with it."""
        for key in list(self._requests):
            if key[0] is worker:
                self._lose(key)

    def _lose(self, key: tuple[Worker, int]) -> None:
        request = self._requests.pop(key, None)
        if request is not None:
            request.connectionLost(Failure(ConnectionDone()))


class _FarTransport:
    """Stands for the client's connection, which is a worker's."""

    def __init__(self, hearsay: bool) -> None:
        self.peer_is_told = hearsay


class _FarChannel:
    """The channel of a ``Request``, as HTTP/2 streams are in twisted.web; what it writes goes to the worker."""

    def __init__(self, site: Site, worker: Worker, message: Message, over: Any) -> None:
        self.site = site
        self.factory = site
        self.transport = _FarTransport(bool(message.head["hearsay"]))
        self._worker = worker
        self._head = message.head
        self._over = over

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """The response's head."""
        fields = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, values in headers.getAllRawHeaders()
            for value in values
            if name.lower() not in (b"connection", b"transfer-encoding", b"date", b"server")
        ]
        self._say("response", status=int(code), reason=reason.decode("latin-1"), fields=fields)

    def write(self, data: bytes) -> None:
        """More of the response's content."""
        if data:
            self._say("more", data)

    def writeSequence(self, iovec: Sequence[bytes]) -> None:
        """More of the response's content."""
        self.write(b"".join(iovec))

    def requestDone(self, request: object) -> None:
        """The response is complete."""
        self._over()
        self._say("end", whole=True)

    def loseConnection(self) -> None:
        """The resource gives up on this response."""
        self._over()
        self._say("end", whole=False)

    def _respondToBadRequestAndDisconnect(self) -> None:
        """twisted.web could not read a form in the body, which none of our resources takes."""
        self._say("response", status=400, reason="Bad Request", fields=[("Content-Length", "0")])
        self._over()
        self._say("end", whole=True)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Let a producer run freely: what our resources answer is short."""
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Nothing was registered."""

    def getPeer(self) -> object:
        return address_of_words(self._head["peer"])

    def getHost(self) -> object:
        return address_of_words(self._head["host"])

    def isSecure(self) -> bool:
        return bool(self._head["secure"])

    def _say(self, kind: str, payload: bytes = b"", **told: Any) -> None:
        self._worker.say(kind, payload, request=self._head["request"], **told)
