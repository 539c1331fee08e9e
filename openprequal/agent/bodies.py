"""Bodies: how do bodies of any size pass the example backend in constant memory?"""

import io
from typing import Any

from twisted.internet.interfaces import IPushProducer
from twisted.web.http import Request as HttpRequest
from zope.interface import implementer

CHUNK_BYTES = 64 * 1024


@implementer(IPushProducer)
class Zeros:
    """Produces *length* bytes for *request* in constant memory, as fast as the client takes them.

    A push producer, because twisted.web drives pull producers by the global reactor.
    """

    def __init__(self, request: HttpRequest, length: int) -> None:
        self._request = request
        self._left = length
        self._paused = False
        self._stopped = False

    def start(self) -> None:
        """Begin; the response ends with the last byte."""
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:
        """There is no room for more."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Write until there is no room, which the transport says from inside ``write``."""
        self._paused = False
        while self._left and not self._paused and not self._stopped:
            chunk = min(self._left, CHUNK_BYTES)
            self._left -= chunk
            self._request.write(bytes(chunk))
        if not self._left and not self._stopped:
            self._stopped = True
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:
        """The client is gone."""
        self._stopped = True


class Discarded(io.RawIOBase):
    """The body of a request, counted and thrown away: an upload of any size costs neither memory nor disk.

    :ivar length: bytes so far.
    """

    length = 0

    def write(self, data: Any) -> int:
        self.length += len(data)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return 0
