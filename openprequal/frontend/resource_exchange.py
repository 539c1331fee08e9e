"""A request of ours, not a backend's: answered by a twisted.web resource on our own channel."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import INegotiated
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.server import Site

from openprequal.errors import BadRequest, ContentTooLarge, GatewayError, NoBackend, RequestTimeout
from openprequal.forwarding.downstream import Downstream
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.framing import UNTIL_CLOSE
from openprequal.http1.request import RequestHead

MAX_BODY: Final = 64 * 1024
BODY_TIMEOUT_S: Final = 10.0


class ResourceExchange:
    """Hands one request to a :class:`~twisted.web.server.Site` and its response to the client.

    It is the channel of that site's ``Request``, as HTTP/2 streams are in twisted.web.
    """

    def __init__(
        self, site: Site, client: Downstream, head: RequestHead, transport: Any, now: Callable[[], float]
    ) -> None:
        """:param transport: of the client's connection, for its addresses."""
        self.site = site
        self.factory = site
        self.transport = transport
        self._client = client
        self._head = head
        self._now = now
        self._began_at = now()
        self._body: list[bytes] = []
        self._size = 0
        self._request: Any = None
        self._settled = False
        self._responding = False
        self._producer: Any = None

    # ---- what the client connection asks of an exchange -------------------------------------------------------------

    def start(self, body: bytes, ended: bool) -> None:
        self.request_more(body)
        if ended and not self._settled:
            self._render()

    def request_more(self, chunk: bytes) -> None:
        self._body.append(chunk)
        self._size += len(chunk)
        if self._size > MAX_BODY and not self._settled:
            self.refuse(ContentTooLarge(f"body over {MAX_BODY} bytes"))

    def request_end(self, trailers: list[Field]) -> None:
        if not self._settled:
            self._render()

    def client_gone(self) -> None:
        self._settled = True
        if self._request is not None:
            self._request.connectionLost(Failure(ConnectionDone()))

    def client_congested(self) -> None:
        if self._producer is not None:
            self._producer.pauseProducing()

    def client_drained(self) -> None:
        if self._producer is not None:
            self._producer.resumeProducing()

    def refuse(self, error: GatewayError) -> None:
        self._client.respond_error(error)
        self._settle()

    def expire(self, now: float) -> None:
        if self._request is None and now - self._began_at > BODY_TIMEOUT_S:
            self.refuse(RequestTimeout("body not complete in time"))

    def shut_down(self) -> None:
        if not self._settled and not self._responding:
            self.refuse(NoBackend("shutting down"))

    def _render(self) -> None:
        head = self._head
        request = self._request = self.site.requestFactory(self, False)
        for field in head.head_fields:
            request.requestHeaders.addRawHeader(field.name, field.value)
        request.gotLength(self._size)
        for chunk in self._body:
            request.handleContentChunk(chunk)
        # HTTP/1.0, so that twisted.web leaves framing to us.
        request.requestReceived(head.method, head.target, b"HTTP/1.0")

    def _settle(self) -> None:
        if not self._settled:
            self._settled = True
            self._client.settled(self._now())

    # ---- what twisted.web's Request asks of its channel -------------------------------------------------------------

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Headers) -> None:
        """The response's head."""
        fields = [
            Field(name, value)
            for name, values in headers.getAllRawHeaders()
            for value in values
            if name.lower() not in (b"connection", b"transfer-encoding")
        ]
        length = headers.getRawHeaders(b"content-length")
        self._responding = True
        self._client.respond(
            int(code), reason, FieldSection(fields), int(length[0]) if length else UNTIL_CLOSE, b"", False
        )

    def write(self, data: bytes) -> None:
        """More of the response's content."""
        if not self._settled:
            self._client.respond_more(data)

    def writeSequence(self, iovec: Sequence[bytes]) -> None:
        """More of the response's content."""
        self.write(b"".join(iovec))

    def requestDone(self, request: object) -> None:
        """The response is complete."""
        if not self._settled:
            self._client.respond_end([])
            self._settle()

    def loseConnection(self) -> None:
        """The resource gives up on this response."""
        if not self._settled:
            self._client.abort_response()
            self._settle()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """twisted.web could not read a form in the body, which none of our resources takes."""
        self.refuse(BadRequest("a form that cannot be read"))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Tell a streaming producer how fast the client takes; let others run freely, whose answers are short."""
        if streaming:
            self._producer = producer
        else:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """The response goes on without the producer."""
        self._producer = None

    def getPeer(self) -> Any:
        return self.transport.getPeer()

    def getHost(self) -> Any:
        return self.transport.getHost()

    def isSecure(self) -> bool:
        return bool(INegotiated.providedBy(self.transport))
