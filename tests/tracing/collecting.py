"""A collector of traces in memory: what it was posted, read with the library of the protocol."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import connectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse
from zope.interface import implementer

CLIENT, SERVER = Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER


def spans_in(content: bytes) -> list[Span]:
    """All spans of an export."""
    request = ExportTraceServiceRequest.FromString(content)
    return [span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans]


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@implementer(IResponse)
class Response:
    def __init__(self, status: int, fields: Mapping[str, str]) -> None:
        self.code = status
        self.phrase = b""
        self.length = 0
        self.version = (b"HTTP", 1, 1)
        self.headers = Headers({name: [value] for name, value in fields.items()})
        self.request = self.previousResponse = None

    def deliverBody(self, protocol: Any) -> None:
        protocol.makeConnection(StringTransport())
        protocol.connectionLost(Failure(ResponseDone()))

    def setPreviousResponse(self, response: object) -> None:
        raise AssertionError("nothing is redirected")


@implementer(IAgent)
class Collector:
    """An agent whose posts all end here.

    :ivar posts: URL, fields and content of each.
    :ivar status: what it answers; None: nothing, until :meth:`answer`.
    :ivar failure: what it fails with instead.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[bytes, Headers, bytes]] = []
        self.status: int | None = 200
        self.fields: Mapping[str, str] = {}
        self.failure: Exception | None = None
        self.cancelled = 0
        self._waiting: list[Deferred[Any]] = []

    def request(self, method: bytes, uri: bytes, headers: Any = None, bodyProducer: Any = None) -> "Deferred[Any]":
        assert method == b"POST"
        transport = StringTransport()
        bodyProducer.startProducing(transport)
        assert bodyProducer.length == len(transport.value())
        self.posts.append((uri, headers, transport.value()))
        if self.failure is not None:
            return Deferred.fromCoroutine(_failing(self.failure))
        if self.status is not None:
            return succeed(Response(self.status, self.fields))
        waiting: Deferred[Any] = Deferred(self._cancel)
        self._waiting.append(waiting)
        return waiting

    def answer(self, status: int = 200) -> None:
        """Answer the post that waits longest."""
        self._waiting.pop(0).callback(Response(status, {}))

    def _cancel(self, waiting: "Deferred[Any]") -> None:
        self.cancelled += 1
        waiting.errback(connectionDone)

    @property
    def spans(self) -> list[Span]:
        """All it was ever sent."""
        return [span for _, _, content in self.posts for span in spans_in(content)]


async def _failing(failure: Exception) -> None:
    raise failure
