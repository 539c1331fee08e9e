"""One client connection: heads are parsed here, one exchange at a time, responses in the order of the requests."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from attrs import define
from twisted.internet.interfaces import IHandshakeListener, INegotiated, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from openprequal.errors import ContentTooLarge, GatewayError, RequestTimeout, TooManyRequests
from openprequal.forwarding.accompanied import NOBODY, Witnesses
from openprequal.forwarding.downstream import ClientExchange, Downstream
from openprequal.forwarding.error_pages import PLAIN, ErrorPages
from openprequal.forwarding.journey import Journey
from openprequal.frontend.limits import Limits, check_head_size, refusal
from openprequal.frontend.pace import Pace
from openprequal.frontend.response_bytes import (
    ends_with_close,
    has_no_content,
    must_be_chunked,
    render_head,
    status_line,
)
from openprequal.frontend.room import QUIET_S
from openprequal.http1.body import BodyDecoder, body_decoder, last_chunk
from openprequal.http1.body import chunk as as_chunk
from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.framing import CHUNKED
from openprequal.http1.head_block import after_empty_lines, find_head_end
from openprequal.http1.origin import Origin
from openprequal.http1.phrases import PHRASES
from openprequal.http1.request import RequestHead, parse_request_head, unread_request
from openprequal.http1.send import sender, unsent

TINY_READ: Final = 4 * 1024
SMALL_READ: Final = 16 * 1024
LARGE_READ: Final = 256 * 1024
MAX_REMEMBERED_HEAD: Final = 2048


@define
class Frontend:
    """What all client connections of a listener share; its limits and pages may change."""

    limits: Limits
    now: Callable[[], float]
    exchange: Callable[[Downstream, RequestHead], ClientExchange]
    """Makes the exchange for a request: proxied, or answered by a resource of ours."""
    refused: Callable[[int], None]
    """Counts a request that was refused here, by status."""
    opened: "Callable[[ClientConnection], None]"
    closed: "Callable[[ClientConnection], None]"
    date: Callable[[], Field]
    cut: "Counter[str]"
    """Connections that were ended because they took too long, by why."""
    errors: ErrorPages = PLAIN
    witnesses: Witnesses = NOBODY
    """They are told of each request that was refused here; the exchanges tell of all others."""
    subject_of: Callable[[Any], bytes] | None = None
    """Tells the subject of the certificate that the client at the other end of a TLS transport has shown; None: nobody
    asks."""


def client_of(peer: object) -> str:
    """The address of *peer* as it is logged, counted and forwarded; empty if it has none, as at a Unix socket."""
    # On a socket for both families an IPv4 peer shows as ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2).
    host: str = getattr(peer, "host", "")
    return host.removeprefix("::ffff:")


@implementer(IPushProducer, IHandshakeListener)
class ClientConnection(TwistedProtocol):
    """Speaks HTTP/1.1 to one client; the ``Downstream`` of each of its exchanges."""

    journey: Journey | None = None

    def __init__(self, frontend: Frontend, *, last: bool = False) -> None:
        """:param last: the first response ends the connection: the gateway is about to end."""
        self._frontend = frontend
        self._draining = last
        self._exchange: ClientExchange | None = None
        self._head: RequestHead | None = None
        self._decoder: BodyDecoder | None = None
        self._body_left: int | None = None
        self._buffer = b""
        self._known_block = b""
        self._known_head: RequestHead | None = None
        self._chunked = False
        self._tunnel = False
        self._closing = False
        self._lingering = False
        self._last = False
        self._paused = False
        self._congested = False
        self._advancing = False
        self._since = 0.0
        self._secure = False
        self._shaking_hands = False
        self._origin: Origin | None = None
        self._body_bytes = 0
        self._sending_pace: Pace | None = None
        self._taking_pace: Pace | None = None
        self.client = ""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self._send = sender(transport)
        transport.bufferSize = SMALL_READ
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        # Registered for good; see UpstreamConnection.connectionMade.
        transport.registerProducer(self, True)
        self._secure = self._shaking_hands = INegotiated.providedBy(transport)
        self.client = client_of(transport.getPeer())
        self._since = self._frontend.now()
        self._frontend.opened(self)

    def handshakeCompleted(self) -> None:
        """TLS is ready."""
        self._shaking_hands = False
        self._since = self._frontend.now()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._frontend.closed(self)
        exchange, self._exchange = self._exchange, None
        self._closing = True
        self._buffer = b""
        if exchange is not None:
            exchange.client_gone()

    # ---- bytes from the client --------------------------------------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        if self._exchange is None:
            if data == self._known_block and not self._buffer and not self._closing:
                # The very bytes of the last request: nothing to parse, nothing to decide again.
                assert self._known_head is not None
                self._begin(self._known_head, b"")
                return
            if self._closing:
                return  # lingering: read and thrown away
            if not self._buffer:
                self._since = self._frontend.now()
            self._buffer += data
            self._advance()
        elif self._decoder is not None:
            self._feed(self._decoder, data)
        elif self._tunnel:
            if self.journey is not None:
                self.journey.request_bytes += len(data)
            self._exchange.request_more(data)
        elif not self._closing:
            self._buffer += data
            if len(self._buffer) > self._frontend.limits.pipelined_bytes:
                self._stop_reading()

    def _advance(self) -> None:
        """Begin the next request if its head is there. Not recursive, however long a pipelined burst is."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._buffer and self._exchange is None and not self._closing:
                if not self._next_head():
                    break
        except MalformedMessage as error:
            self._refuse(refusal(error))
        except GatewayError as error:
            self._refuse(error)
        finally:
            self._advancing = False

    def _next_head(self) -> bool:
        """Parse and begin one request; False if more bytes are needed."""
        self._head = None
        data = self._buffer
        if data.startswith(b"\r\n"):
            # Empty lines before a request are ignored (RFC 9112 section 2.2), however they are cut.
            data = self._buffer = after_empty_lines(data)
            if not data:
                return False
        known = self._known_block
        if known and data.startswith(known):
            # The very bytes of the last head, with a body or another request behind it.
            assert self._known_head is not None
            self._buffer = b""
            self._begin(self._known_head, data[len(known) :])
            return True
        end = find_head_end(data) if data != b"\r" else -1
        check_head_size(self._frontend.limits, data, end)
        if end < 0:
            return False
        head = parse_request_head(data[:end], self.client)
        head.origin = self._origin or self._known_origin()
        block, self._buffer = data[: end + 4], b""
        if len(block) <= MAX_REMEMBERED_HEAD:
            self._known_block, self._known_head = block, head
        self._begin(head, data[end + 4 :])
        return True

    def _known_origin(self) -> Origin:
        """Who asks on this connection, now that its handshake, if there was one, is over."""
        self._shaking_hands = False
        transport: Any = self.transport
        subject_of = self._frontend.subject_of
        subject = subject_of(transport) if self._secure and subject_of is not None else b""
        origin = self._origin = Origin(self._secure, subject, transport.getPeer(), transport.getHost())
        return origin

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        """Begin the exchange of *head*; *rest* came after it."""
        self._head = head
        self._chunked = False
        self._last = not head.keep_alive
        length = head.length
        if not length:
            self._buffer = rest
            exchange = self._exchange = self._frontend.exchange(self, head)
            exchange.start(b"", True)
            return
        limit = self._frontend.limits.body_bytes
        if limit is not None and length > limit:
            raise ContentTooLarge(f"Content-Length {length} over {limit}")
        decoder = self._decoder = body_decoder(length)
        content, after = decoder.feed(rest) if rest else (b"", None)
        self._body_bytes = len(rest)
        self._sending_pace = None
        if limit is not None:
            self._body_left = limit - len(content)
            if self._body_left < 0:
                raise ContentTooLarge("request body over the limit")
        exchange = self._exchange = self._frontend.exchange(self, head)
        if self.journey is not None:
            self.journey.request_bytes = len(content)
        if after is None:
            if length == CHUNKED or length > SMALL_READ:
                transport: Any = self.transport
                # Of chunks it is to be seen how large they are: see _feed.
                transport.bufferSize = TINY_READ if length == CHUNKED else LARGE_READ
            exchange.start(content, False)
        else:
            self._decoder = None
            self._buffer = after
            if length == CHUNKED and decoder.trailers:
                exchange.start(content, False)
                exchange.request_end(decoder.trailers)
            else:
                exchange.start(content, True)

    def _feed(self, decoder: BodyDecoder, data: bytes) -> None:
        """More of the request's body."""
        exchange = self._exchange
        assert exchange is not None
        self._body_bytes += len(data)
        try:
            content, rest = decoder.feed(data)
        except MalformedMessage as error:
            exchange.refuse(refusal(error))
            return
        if self._body_left is not None:
            self._body_left -= len(content)
            if self._body_left < 0:
                exchange.refuse(ContentTooLarge("request body over the limit"))
                return
        transport: Any = self.transport
        if rest is not None:
            self._decoder = None
            self._buffer = rest
            transport.bufferSize = SMALL_READ
        elif self._head is not None and self._head.length == CHUNKED:
            # Tiny chunks cost far more a byte than large ones: less of them at a time, or others would have to wait.
            transport.bufferSize = LARGE_READ if 2 * len(content) > len(data) else TINY_READ
        if content:
            if self.journey is not None:
                self.journey.request_bytes += len(content)
            exchange.request_more(content)
        if rest is not None and self._exchange is exchange:
            exchange.request_end(decoder.trailers)

    def _refuse(self, error: GatewayError) -> None:
        """Answer a request that no exchange was begun for, and close: what follows cannot be trusted."""
        self._frontend.refused(error.status)
        head, self._head = self._head, None
        # Even an answer to a request that is no good must not bring content to one that asked for none.
        asks_head = head.method == b"HEAD" if head is not None else self._buffer.startswith(b"HEAD ")
        self._last = True
        sent = self._respond_error(error, (), without_body=asks_head)
        if self._frontend.witnesses:
            request = head if head is not None else unread_request(self._buffer, self.client)
            self._frontend.witnesses.refused(request, error, self._since, self._frontend.now(), sent)
        self._close()

    # ---- the response, to the client --------------------------------------------------------------------------------

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        head = self._head
        if self._draining:
            self._last = True
        if self.journey is not None:
            self.journey.status = status
            self.journey.response_bytes = len(chunk)
        method, minor = (head.method, head.minor) if head is not None else (b"", 1)
        if length >= 0 and not self._last and self._decoder is None and minor:
            # By far the most common case.
            self._send(b"%b%b\r\n%b" % (status_line(status, reason), section.wire, chunk))
            return
        no_content = has_no_content(method, status)
        self._chunked = must_be_chunked(length, minor, no_content=no_content)
        if ends_with_close(length, minor, no_content=no_content) or self._decoder is not None:
            # Either only closing ends the content, or the rest of an unwanted request body is still to come.
            self._last = True
        data = render_head(
            status,
            reason,
            section,
            chunked=self._chunked,
            close=self._last,
            keep_alive_1_0=minor == 0 and not self._last,
        )
        if self._chunked:
            data += as_chunk(chunk)
            if ended:
                data += last_chunk([])
        else:
            data += chunk
        self._send(data)

    def respond_more(self, chunk: bytes) -> None:
        if self.journey is not None:
            self.journey.response_bytes += len(chunk)
        self._send(as_chunk(chunk) if self._chunked else chunk)

    def respond_end(self, trailers: list[Field]) -> None:
        if self._chunked:
            self._send(last_chunk(trailers))

    def respond_informational(self, status: int, reason: bytes, section: FieldSection) -> None:
        head = self._head
        # A client that speaks HTTP/1.0 knows no 1xx (RFC 9110 section 15.2).
        if head is not None and head.minor == 1:
            self._send(status_line(status, reason) + section.wire + b"\r\n")

    def respond_switching(self, section: FieldSection, data: bytes) -> None:
        self._tunnel = True
        self._last = True
        if self.journey is not None:
            self.journey.status = 101
            self.journey.response_bytes = len(data)
        self._send(status_line(101, PHRASES[101]) + section.wire + b"Connection: upgrade\r\n\r\n" + data)
        if self._buffer and self._exchange is not None:
            early, self._buffer = self._buffer, b""
            # They may have been more than is kept of requests to come, and reading paused.
            self._start_reading()
            if self.journey is not None:
                self.journey.request_bytes += len(early)
            self._exchange.request_more(early)

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        head = self._head
        if self.journey is not None:
            self.journey.error = error
        if error.status == TooManyRequests.status and self._buffer:
            # Who has asked for more already is told once, not a thousand times in one turn of the reactor.
            self._last = True
        return self._respond_error(error, more, without_body=head is not None and head.method == b"HEAD")

    def _respond_error(self, error: GatewayError, more: Sequence[Field], *, without_body: bool) -> int:
        fields, body = self._frontend.errors.answer(error, self._head)
        fields += [*more, self._frontend.date()]
        reason = PHRASES.get(error.status, b"")
        content = b"" if without_body else body
        self.respond(error.status, reason, FieldSection(fields), len(body), content, True)
        return len(content)

    def abort_response(self) -> None:
        self._last = True
        if self.journey is not None:
            self.journey.broken = True
        if self._chunked or (self._head is not None and self._head.minor == 1):
            # The missing end tells the client that this is not all (RFC 9112 section 8).
            self._lose()
        else:
            # Where closing would look like the end, only a reset tells.
            self._abort()

    # ---- flow -------------------------------------------------------------------------------------------------------

    def pause_request(self) -> None:
        self._stop_reading()

    def resume_request(self) -> None:
        self._start_reading()

    def pauseProducing(self) -> None:
        """The transport's write buffer is full."""
        self._congested = True
        if self._exchange is not None:
            self._exchange.client_congested()

    def resumeProducing(self) -> None:
        """The transport's write buffer has emptied."""
        self._congested = False
        self._taking_pace = None
        if self._exchange is not None:
            self._exchange.client_drained()
        elif self._closing:
            self._close()
        else:
            self._start_reading()
            self._advance()

    def stopProducing(self) -> None:
        """The connection is lost; ``connectionLost`` says so too."""

    def _stop_reading(self) -> None:
        if not self._paused:
            self._paused = True
            self._sending_pace = None
            transport: Any = self.transport
            transport.pauseProducing()

    def _start_reading(self) -> None:
        if self._paused and not self._closing:
            self._paused = False
            transport: Any = self.transport
            transport.resumeProducing()

    # ---- the end of an exchange, and of the connection --------------------------------------------------------------

    def settled(self, now: float) -> None:
        journey = self.journey
        if journey is not None:
            self.journey = None
            journey.end(now)
        if self._exchange is None:
            return
        self._exchange = None
        if self._last or self._decoder is not None:
            self._close()
            return
        self._since = now
        if self._congested:
            # It reads no responses: it may ask for no more.
            self._stop_reading()
            return
        if self._paused:
            self._start_reading()
        if self._buffer:
            self._advance()

    def expire(self, now: float) -> None:
        """Called from time to time: has this connection been waited for long enough?"""
        limits = self._frontend.limits
        if self._congested and self._takes_too_slowly(now):
            return
        if self._exchange is not None:
            if not self._sends_too_slowly(now):
                self._exchange.expire(now)
        elif self._closing:
            if now - self._since > (limits.linger_s if self._lingering else limits.idle_s):
                self._abort()
        elif self._shaking_hands:
            if now - self._since > (QUIET_S if self._draining else limits.header_s):
                self._abort()
        elif self._buffer:
            if now - self._since > limits.header_s:
                self._frontend.cut["slow_head"] += 1
                self._refuse(RequestTimeout("head not complete in time"))
        elif now - self._since > (QUIET_S if self._draining else limits.idle_s):
            self._closing = True
            self._lose()

    def _takes_too_slowly(self, now: float) -> bool:
        """Cut a client that does not take what is written for it."""
        left = unsent(self.transport)
        if left is None:
            return False
        if self._taking_pace is None:
            self._taking_pace = Pace(now, -left)
            return False
        if not self._taking_pace.is_too_slow(now, -left, self._frontend.limits):
            return False
        self._frontend.cut["slow_response"] += 1
        if self._exchange is not None:
            self._exchange.refuse(RequestTimeout("the client takes its response too slowly"))
        # Whoever does not read needs no orderly end, which would keep what is written until then.
        self._abort()
        return True

    def _sends_too_slowly(self, now: float) -> bool:
        """Refuse a request whose body trickles."""
        if self._decoder is None or self._paused or not self._body_bytes:
            # Until a first byte it may be waiting for a 100 (RFC 9110 section 10.1.1): the stall time-out's business.
            return False
        if self._sending_pace is None:
            self._sending_pace = Pace(now, self._body_bytes)
            return False
        if not self._sending_pace.is_too_slow(now, self._body_bytes, self._frontend.limits):
            return False
        assert self._exchange is not None
        self._frontend.cut["slow_request"] += 1
        self._exchange.refuse(RequestTimeout("the client sends its body too slowly"))
        return True

    @property
    def spare(self) -> tuple[bool, float] | None:
        """How little this connection is needed: has it ever asked for anything, and since when is it waited for?

        None: something is under way.
        """
        if self._exchange is not None or self._congested:
            return None
        return self._head is not None and not self._buffer and not self._closing, self._since

    def give_way(self) -> None:
        """Close, because there is no room for others."""
        self._closing = True
        self._buffer = b""
        self._since = self._frontend.now()
        self._lose()

    @property
    def busy(self) -> bool:
        """A request is under way; while draining also: one may be on its way, or a response's last bytes are."""
        return self._draining or self._exchange is not None

    def forget_head(self) -> None:
        """What was remembered with the last head no longer holds: the rules for what goes on have changed."""
        self._known_block, self._known_head = b"", None

    def drain(self) -> None:
        """The gateway is about to end: the next response that begins is the last one.

        One that has begun did not say so, and its client may send another request at once (RFC 9112 section 9.6).
        """
        self._draining = True
        self.expire(self._frontend.now())

    def shut_down(self) -> None:
        """The gateway ends now."""
        if self._exchange is not None:
            self._exchange.shut_down()
        self._abort()

    def _close(self) -> None:
        """Close after the last response, without destroying it on its way.

        Closing a socket with unread input resets the connection, and the reset may overtake the response; so our side
        is closed first and input is thrown away for a while (RFC 9112 section 9.6).
        """
        transport: Any = self.transport
        self._closing = True
        self._buffer = b""
        self._since = self._frontend.now()
        if self._congested:
            return  # a slow reader gets what there is first: resumeProducing goes on from here
        if self._decoder is None and not self._paused and self._head is not None:
            self._lose()
            return
        self._decoder = None
        self._lingering = True
        transport.unregisterProducer()
        if hasattr(transport, "loseWriteConnection"):
            transport.loseWriteConnection()
            if self._paused:
                self._paused = False
                transport.resumeProducing()
        else:
            transport.loseConnection()

    def _lose(self) -> None:
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseConnection()

    def _abort(self) -> None:
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.abortConnection()
