"""How does a response pass through a compressor? What is compressed and how, is said in ``filters/compression.py``."""

from typing import Final, Protocol

from openprequal.filters.codings import Compressor
from openprequal.filters.compression import CompressionRules, compressed_head, not_modified_head
from openprequal.filters.vary import varying
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.passing import Passing
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.framing import CHUNKED
from openprequal.http1.request import RequestHead

_DIGESTS: Final = frozenset((b"content-digest", b"repr-digest", b"digest", b"content-md5"))


class Source(Protocol):
    """Where a response comes from."""

    def read_less(self) -> None:
        """Bring fewer bytes of it in one turn of the reactor: each costs."""


class Compressed(Passing):
    """Compresses the response to one request, if it is one that is.

    A body of known length leaves as the compressor sees fit. One whose end nobody knows may be a stream, so that what
    has come of it is always sent on, for some bytes more.
    """

    __slots__ = ("_compressor", "_flushes", "_placed", "_request", "_rules", "_source")

    def __init__(self, client: Downstream, rules: CompressionRules, request: RequestHead) -> None:
        super().__init__(client)
        self._rules = rules
        self._request = request
        self._compressor: Compressor | None = None
        self._flushes = False
        self._placed = False
        self._source: Source | None = None

    def read_from(self, source: Source) -> None:
        """The response comes from *source*."""
        self._source = source

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        rules, request, client = self._rules, self._request, self._client
        if status == 304:
            if rules.coding_for(request) is not None:
                section = not_modified_head(section)
        elif rules.may_compress(request, status, section):
            coding = rules.coding_for(request)
            if coding is None:
                section = varying(section, b"Accept-Encoding")
            elif request.method == b"HEAD":
                # As for GET, but what the content's length would be (RFC 9110 section 9.3.2).
                section = compressed_head(section, coding, None)
            elif ended:
                compressed = rules.coders[coding].whole(chunk) if len(chunk) >= rules.least_bytes else chunk
                if len(compressed) < len(chunk):
                    section = compressed_head(section, coding, len(compressed))
                    chunk, length = compressed, len(compressed)
                else:
                    section = varying(section, b"Accept-Encoding")
            elif rules.places.take():
                self._placed = True
                if self._source is not None:
                    self._source.read_less()
                self._flushes = length < 0
                self._compressor = rules.coders[coding].start()
                section, length, chunk = compressed_head(section, coding, None), CHUNKED, self._through(chunk)
            else:
                section = varying(section, b"Accept-Encoding")
        client.respond(status, reason, section, length, chunk, ended)

    def respond_more(self, chunk: bytes) -> None:
        if self._compressor is not None:
            chunk = self._through(chunk)
        if chunk:
            self._client.respond_more(chunk)

    def respond_end(self, trailers: list[Field]) -> None:
        compressor, self._compressor = self._compressor, None
        if compressor is not None:
            self._client.respond_more(compressor.end())
            trailers = [field for field in trailers if field.key not in _DIGESTS]
        self._client.respond_end(trailers)

    def settled(self, now: float) -> None:
        self._compressor = self._source = None
        if self._placed:
            self._placed = False
            self._rules.places.give_back()
        self._client.settled(now)

    def _through(self, chunk: bytes) -> bytes:
        compressor = self._compressor
        assert compressor is not None
        if not chunk:
            return b""
        compressed = compressor.add(chunk)
        return compressed + compressor.flush() if self._flushes else compressed
