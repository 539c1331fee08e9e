"""One connection to a backend: one exchange at a time, kept alive between them."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from openprequal.http1.body import BodyDecoder, body_decoder
from openprequal.http1.errors import MalformedMessage
from openprequal.http1.fields import Field
from openprequal.http1.framing import UNTIL_CLOSE
from openprequal.http1.head_block import find_head_end
from openprequal.http1.response import ResponseHead
from openprequal.http1.send import sender
from openprequal.upstream.head_memory import read_response_head

MAX_RESPONSE_HEAD: Final = 256 * 1024
# Large receive buffers only where a large body flows: Twisted allocates the whole buffer for every read.
SMALL_READ: Final = 16 * 1024
LARGE_READ: Final = 256 * 1024
LESS_READ: Final = 32 * 1024


class BrokenResponse(Exception):
    """The connection ended, or stopped being HTTP, before the response was complete."""


class ResponseReceiver(Protocol):
    """Who hears a response. After ``response_ended``, ``upstream_lost`` or a call with *ended*, nothing more comes."""

    def response_started(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        """The final head has come, with what content came along; *ended*: that was all of it."""

    def response_more(self, chunk: bytes) -> None:
        """More content."""

    def response_ended(self, trailers: list[Field]) -> None:
        """The response is complete."""

    def response_informational(self, head: ResponseHead) -> None:
        """A 1xx head other than 101 (RFC 9110 section 15.2)."""

    def response_switched(self, head: ResponseHead, data: bytes) -> None:
        """101: from now on bytes pass both ways, and come as ``response_more`` (RFC 9110 section 7.8)."""

    def upstream_lost(self, reason: Exception) -> None:
        """The response will never be complete."""

    def upstream_congested(self) -> None:
        """The backend reads more slowly than we send: stop sending."""

    def upstream_drained(self) -> None:
        """Sending may go on."""


@implementer(IPushProducer)
class UpstreamConnection(TwistedProtocol):
    """Speaks HTTP/1.1 to a backend for whoever has it.

    :ivar answered: whether any byte of an answer has come in this exchange; if not, a failed exchange on a connection
        that had been idle may be the race with the backend closing it.
    """

    log = Logger()
    answered = False
    load: bytes | None = None
    """Value of the OpenPrequal-Load field of the last head, which is kept apart from the head's other fields."""
    echoes: Sequence[Field] = ()
    """What says the same in another format, kept apart likewise."""
    idle_since = 0.0
    client: object = None
    """Whom it is for, if it may be used for nobody else (``one_client``)."""
    send: Callable[[bytes], None]

    def __init__(self, gone: "Callable[[UpstreamConnection], None]") -> None:
        """:param gone: called when the connection is of no more use, perhaps more than once."""
        self._gone = gone
        self._receiver: ResponseReceiver | None = None
        self._method = b""
        self._buffer = b""
        self._decoder: BodyDecoder | None = None
        self._tunnel = False
        self._reusable = False
        self._paused = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self.send = sender(transport)
        transport.bufferSize = SMALL_READ
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
        # Registered for good: Twisted pauses us when its write buffer fills. Registering and unregistering per
        # exchange has a trap: a producer unregistered while paused stays paused for ever.
        transport.registerProducer(self, True)

    def begin(self, receiver: ResponseReceiver, method: bytes) -> None:
        """Hand the connection to *receiver* for one exchange; *method* decides how the response is framed."""
        self._receiver = receiver
        self._method = method
        self._reusable = False
        self.answered = False

    def release(self) -> bool:
        """The exchange is over; True if the connection can carry another, else it is closed.

        Call it only when the request has been sent whole.
        """
        self._receiver = None
        self._decoder = None
        if not self._reusable:
            self.abort()
            return False
        if self._paused:
            self.resume()
        return True

    def abort(self) -> None:
        """Close at once; the receiver hears nothing more."""
        self._receiver = None
        self._reusable = False
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.abortConnection()

    def close(self) -> None:
        """Close once everything sent has left; the receiver hears nothing more."""
        self._receiver = None
        self._reusable = False
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseConnection()

    def pause(self) -> None:
        """Stop reading: whoever the response is for is slower."""
        if not self._paused:
            self._paused = True
            transport: Any = self.transport
            transport.pauseProducing()

    def resume(self) -> None:
        """Go on reading."""
        if self._paused:
            self._paused = False
            transport: Any = self.transport
            transport.resumeProducing()

    def read_less(self) -> None:
        """Take less of this response at once: whoever it is for has much to do with it."""
        transport: Any = self.transport
        transport.bufferSize = LESS_READ

    # The transport's view of us as a producer: its write buffer is full, or has emptied.

    def pauseProducing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_congested()

    def resumeProducing(self) -> None:
        if self._receiver is not None:
            self._receiver.upstream_drained()

    def stopProducing(self) -> None:
        """The connection is lost; ``connectionLost`` says so too."""

    def dataReceived(self, data: bytes) -> None:
        receiver = self._receiver
        if receiver is None:
            # Bytes after a finished response belong to nobody (RFC 9112 section 9.2 would let them answer a request
            # that was never sent).
            self.abort()
            # Nobody may take it between now and connectionLost, a turn later.
            self._gone(self)
            return
        try:
            if self._decoder is not None:
                self._more(receiver, self._decoder, data)
            elif self._tunnel:
                receiver.response_more(data)
            else:
                self._head(receiver, self._buffer + data if self._buffer else data)
        except MalformedMessage as error:
            self.abort()
            receiver.upstream_lost(error)
        except Exception as error:
            # A fault of ours may cost this exchange, but must not leave it unsettled.
            self.log.failure("response could not be handled")
            self.abort()
            receiver.upstream_lost(error)

    def _head(self, receiver: ResponseReceiver, data: bytes) -> None:
        self.answered = True
        while True:
            end = find_head_end(data)
            if (len(data) if end < 0 else end) > MAX_RESPONSE_HEAD:
                raise MalformedMessage("response head too large")
            if end < 0:
                self._buffer = data
                return
            head, self.load, self.echoes = read_response_head(data[:end], self._method)
            data = data[end + 4 :]
            if head.status >= 200:
                break
            if head.status == 101:
                self._buffer = b""
                self._tunnel = True
                receiver.response_switched(head, data)
                return
            receiver.response_informational(head)
            if self._receiver is not receiver:
                return
            if not data:
                self._buffer = b""
                return
        self._buffer = b""
        length = head.length
        if 0 <= length <= len(data):
            self._reusable = head.keep_alive and length == len(data)
            self._receiver = None
            receiver.response_started(head, data[:length] if length < len(data) else data, True)
            return
        self._reusable = head.keep_alive and length != UNTIL_CLOSE
        decoder = self._decoder = body_decoder(length)
        chunk, rest = decoder.feed(data)
        if rest is not None and not decoder.trailers:
            self._finish(rest)
            receiver.response_started(head, chunk, True)
            return
        transport: Any = self.transport
        transport.bufferSize = LARGE_READ
        receiver.response_started(head, chunk, False)
        if rest is not None and self._receiver is receiver:
            self._finish(rest)
            receiver.response_ended(decoder.trailers)

    def _more(self, receiver: ResponseReceiver, decoder: BodyDecoder, data: bytes) -> None:
        chunk, rest = decoder.feed(data)
        if chunk:
            receiver.response_more(chunk)
        if rest is not None and self._receiver is receiver:
            self._finish(rest)
            receiver.response_ended(decoder.trailers)

    def _finish(self, rest: bytes) -> None:
        """The response has ended; *rest* came after it and makes the connection unusable."""
        self._receiver = None
        self._decoder = None
        transport: Any = self.transport
        transport.bufferSize = SMALL_READ
        if rest:
            self._reusable = False

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        receiver, self._receiver = self._receiver, None
        self._reusable = False
        self._gone(self)
        if receiver is None:
            return
        # A reset is no end of a message, only an orderly close is (RFC 9112 section 8).
        orderly = reason.check(ConnectionDone) is not None
        if orderly and (self._tunnel or (self._decoder is not None and self._decoder.at_close())):
            receiver.response_ended([])
        else:
            receiver.upstream_lost(BrokenResponse(reason.getErrorMessage()))
