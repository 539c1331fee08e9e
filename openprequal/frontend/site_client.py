"""One request that somebody's own ``Site`` has read: its head, its body in pieces, and where its response goes."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from twisted.web.server import Request
from zope.interface import implementer

from openprequal.errors import ContentTooLarge, GatewayError
from openprequal.forwarding.downstream import ClientExchange
from openprequal.forwarding.error_pages import ErrorPages
from openprequal.forwarding.journey import Journey
from openprequal.frontend.client_connection import client_of
from openprequal.frontend.limits import Limits, check_head_size
from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.origin import Origin
from openprequal.http1.phrases import PHRASES
from openprequal.http1.request import RequestHead, parse_request_head

PIECE: Final = 256 * 1024
"""Bytes of a body handed on in one turn of the reactor."""


def read_head(request: Request, limits: Limits) -> RequestHead:
    """The head of *request*, as strictly as twisted.web lets us: it has dropped or mended some of it already.

    :raises MalformedMessage: it is ambiguous, or what twisted.web took and we do not.
    :raises GatewayError: head or body is over a limit.
    """
    lines = [request_line(request)]
    headers = request.requestHeaders
    # Upgrade is left out, because the connection cannot be taken over from a Site.
    lines += [
        name + b": " + value
        for name, values in headers.getAllRawHeaders()
        for value in values
        if name.lower() != b"upgrade"
    ]
    size = content_size(request)
    if size and not headers.hasHeader(b"content-length") and not headers.hasHeader(b"transfer-encoding"):
        lines.append(b"Content-Length: %d" % size)  # HTTP/2 frames without either
    block = b"\r\n".join(lines)
    if block.count(b"\r\n") != len(lines) - 1:
        raise MalformedMessage("a line break in the head")
    check_head_size(limits, block, len(block))
    if limits.body_bytes is not None and size > limits.body_bytes:
        raise ContentTooLarge(f"request body over {limits.body_bytes} bytes")
    peer = request.getClientAddress()
    head = parse_request_head(block, client_of(peer))
    head.origin = Origin(source=peer, destination=request.getHost())
    return head


def request_line(request: Request) -> bytes:
    """The first line of *request*, as twisted.web has understood it."""
    return b"%b %b HTTP/1.%d" % (request.method, request.uri, 0 if request.clientproto == b"HTTP/1.0" else 1)


def content_size(request: Request) -> int:
    """Bytes of the body, which a Site has read whole, and wound back to its start."""
    content: Any = request.content
    size: int = content.seek(0, 2)
    content.seek(0)
    return size


@implementer(IPushProducer)
class SiteClient:
    """The :class:`~openprequal.forwarding.downstream.Downstream` over a twisted.web request.

    The request is finished when its exchange has settled, and not before: that happens once, whatever ended it.

    :ivar busy: the exchange is not over yet; once it is, what may be left is to see a connection end.
    """

    journey: Journey | None = None

    def __init__(
        self,
        request: Request,
        head: RequestHead | None,
        clock: IReactorTime,
        date: Callable[[], Field],
        errors: ErrorPages,
    ) -> None:
        """
        :param head: that of *request*; None: it is no good.
        :param date: for a response of our own.
        """
        self._request = request
        self._head = head
        self._errors = errors
        self._clock = clock
        self._date = date
        self._exchange: ClientExchange | None = None
        self._left = 0
        self._paused = False
        self._next_piece: IDelayedCall | None = None
        self._broken_at: float | None = None
        self._ended = False
        self.busy = True
        request.registerProducer(self, True)

    def begin(self, exchange: ClientExchange) -> None:
        """Hand the request to its exchange."""
        self._exchange = exchange
        self._left = content_size(self._request)
        first = self._read_piece()
        exchange.start(first, not self._left)
        self._go_on()

    def refuse(self, error: GatewayError) -> int:
        """Answer a request for which there is no exchange, and close: its sender cannot be followed any further.

        :return: bytes of content sent.
        """
        self.last()
        sent = self.respond_error(error)
        self.settled(self._clock.seconds())
        return sent

    def last(self) -> None:
        """The response ends the connection."""
        if self._request.clientproto != b"HTTP/2":
            self._request.responseHeaders.setRawHeaders(b"connection", [b"close"])
            self._request.channel.persistent = 0

    # ---- the request's body, to the exchange ------------------------------------------------------------------------

    def pause_request(self) -> None:
        self._paused = True

    def resume_request(self) -> None:
        self._paused = False
        self._go_on()

    def _go_on(self) -> None:
        # One piece a turn, so that a large body to a fast backend does not keep the reactor from everybody else.
        if self._left and self.busy and self._next_piece is None:
            self._next_piece = self._clock.callLater(0, self._send_piece)

    def _send_piece(self) -> None:
        self._next_piece = None
        exchange = self._exchange
        if self._paused or exchange is None:
            return
        exchange.request_more(self._read_piece())
        if self._left:
            self._go_on()
        elif self.busy:
            exchange.request_end([])

    def _read_piece(self) -> bytes:
        content: Any = self._request.content
        piece: bytes = content.read(PIECE)
        self._left -= len(piece)
        if self.journey is not None:
            self.journey.request_bytes += len(piece)
        return piece

    # ---- the response, to the client --------------------------------------------------------------------------------

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        request = self._request
        if self.journey is not None:
            self.journey.status = status
            self._count(chunk)
        # Not by setResponseCode: it would put words where the backend had none.
        request.code, request.code_message = status, reason
        request.defaultContentType = None
        # twisted.web's own are set already; the section has the backend's Server, if any, and a Date.
        for name in (b"server", b"date"):
            request.responseHeaders.removeHeader(name)
        for field in section.fields:
            request.responseHeaders.addRawHeader(field.name, field.value)
        request.write(chunk)

    def respond_more(self, chunk: bytes) -> None:
        self._count(chunk)
        self._request.write(chunk)

    def respond_end(self, trailers: list[Field]) -> None:
        """A Site sends no trailers; ``settled`` follows and finishes the request."""

    def respond_informational(self, status: int, reason: bytes, section: FieldSection) -> None:
        """A Site sends no 1xx but its own 100."""

    def respond_switching(self, section: FieldSection, data: bytes) -> None:
        """Does not happen: without an Upgrade field in the request a 101 is a broken response."""
        self.abort_response()

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        fields, body = self._errors.answer(error, self._head)
        section = FieldSection([*fields, *more, self._date()])
        if self.journey is not None:
            self.journey.error = error
        # In answer to HEAD twisted.web leaves the content out.
        self.respond(error.status, PHRASES.get(error.status, b""), section, len(body), body, True)
        return 0 if self._request.method == b"HEAD" else len(body)

    def abort_response(self) -> None:
        self._broken_at = self._clock.seconds()
        if self.journey is not None:
            self.journey.broken = True
        self._request.unregisterProducer()
        if self._request.clientproto == b"HTTP/1.1":
            # The missing end tells the client that this is not all (RFC 9112 section 8).
            self._request.loseConnection()
        else:
            # Where closing would look like the end, only a reset tells.
            self._abort()

    def _count(self, chunk: bytes) -> None:
        if self.journey is not None and self._request.method != b"HEAD":
            self.journey.response_bytes += len(chunk)

    def settled(self, now: float) -> None:
        self.busy = False
        journey, self.journey = self.journey, None
        if journey is not None:
            journey.end(now)
        if self._next_piece is not None:
            self._next_piece.cancel()
            self._next_piece = None
        if not self._ended and self._broken_at is None:
            self._request.unregisterProducer()
            self._request.finish()

    # ---- flow, time and ends ----------------------------------------------------------------------------------------

    def pauseProducing(self) -> None:
        """The transport's write buffer is full."""
        if self._exchange is not None and self.busy:
            self._exchange.client_congested()

    def resumeProducing(self) -> None:
        """The transport's write buffer has emptied."""
        if self._exchange is not None and self.busy:
            self._exchange.client_drained()

    def stopProducing(self) -> None:
        """The connection is lost; ``ended`` is told too."""

    def ended(self) -> None:
        """twisted.web is done with the request: we have finished it, its client has gone, or its processing failed."""
        self._ended = True
        if self._exchange is not None and self.busy:
            self._exchange.client_gone()

    def expire(self, now: float, linger_s: float) -> None:
        """Called from time to time: has anything taken too long?"""
        if self._broken_at is not None:
            if now - self._broken_at > linger_s:
                self._abort()
        elif self._exchange is not None:
            self._exchange.expire(now)

    def shut_down(self) -> None:
        """The gateway ends now."""
        if self._exchange is not None and self.busy:
            self._exchange.shut_down()

    def _abort(self) -> None:
        channel: Any = self._request.channel
        # A stream of HTTP/2 is reset by itself; a channel of HTTP/1 only with its transport.
        (channel if hasattr(channel, "abortConnection") else channel.transport).abortConnection()
