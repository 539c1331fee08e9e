"""What is told of a finished request? A span of its own and one of each attempt.

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP (stable since 1.23), and of our own
where they have none (``openprequal.*``). The query is told nowhere, because it may hold secrets.
"""

from collections.abc import Callable, Iterator
from typing import Final

from openprequal.forwarding.journey import Attempt, Journey
from openprequal.metrics.tally import KNOWN_METHODS
from openprequal.tracing.trace import Trace
from openprequal.tracing.wire import CLIENT, SERVER, link_to, often, seconds, span, text
from openprequal.values import Ending

MOST_TEXT: Final = 1024
"""Characters of what a client makes up."""

_BACKEND_FAILED: Final = frozenset((Ending.CONNECT_FAILED, Ending.BROKEN, Ending.TIMEOUT))
_NS: Final = 1_000_000_000


def spans_of(journey: Journey, trace: Trace, epoch_s: float, bits: Callable[[int], int]) -> Iterator[bytes]:
    """The spans of *journey*, its own first.

    :param epoch_s: Unix time when the monotonic clock was 0.
    :param bits: so many random ones, for an attempt that sent nothing, and so has no id.
    """
    trace_id = trace.trace_id.to_bytes(16)
    method = KNOWN_METHODS.get(journey.request.method)
    common = [often("http.request.method", method or "_OTHER")]
    if method is None:
        common.append(text("http.request.method_original", _text(journey.request.method)))
    yield _of_request(journey, trace, trace_id, method or "HTTP", common, epoch_s)
    path = _path_sent(journey)
    for number, attempt in enumerate(journey.attempts):
        attributes = [*common, *_of_attempt(attempt, path)]
        if number:
            attributes.append(often("http.request.resend_count", number))
        outcome = attempt.outcome
        status = outcome.status if outcome is not None else None
        ending = outcome.ending if outcome is not None else None
        wrong = ending.value if ending in _BACKEND_FAILED else str(status) if (status or 0) >= 400 else None
        if status:
            attributes.append(often("http.response.status_code", status))
        if ending is not None:
            attributes.append(often("openprequal.ending", ending.value))
        if wrong is not None:
            attributes.append(often("error.type", wrong))
        yield span(
            trace_id,
            attempt.span_id or bits(64) or 1,
            trace.span_id,
            method or "HTTP",
            CLIENT,
            _ns(attempt.began_at, epoch_s),
            _ns(journey.ended_at if attempt.ended_at is None else attempt.ended_at, epoch_s),
            attributes,
            state=trace.state,
            failed=wrong is not None,
        )


def _of_request(
    journey: Journey, trace: Trace, trace_id: bytes, method: str, attributes: list[bytes], epoch_s: float
) -> bytes:
    request, status, error = journey.request, journey.status, journey.error
    host, port = _host_and_port(request.host)
    told = [
        *attributes,
        often("url.scheme", "https" if request.origin.secure else "http"),
        text("url.path", _text(request.path)),
        often("network.protocol.version", f"1.{request.minor}"),
        often("client.address", request.client),
        often("http.request.body.size", journey.request_bytes),
        often("http.response.body.size", journey.response_bytes),
    ]
    if journey.queued_s:
        told.append(seconds("openprequal.queued_s", journey.queued_s))
    if host:
        told.append(often("server.address", host))
    if port is not None:
        told.append(often("server.port", port))
    agent = request.header(b"user-agent")
    if agent:
        told.append(often("user_agent.original", _text(agent)))
    if journey.route is not None:
        told.append(often("openprequal.route", journey.route))
    if journey.service is not None:
        told.append(often("openprequal.service", journey.service))
    if journey.request_id:
        told.append(text("openprequal.request_id", _text(journey.request_id)))
    if status is None:
        told.append(often("openprequal.ending", "client_closed"))
    else:
        told.append(often("http.response.status_code", status))
    wrong = None
    if journey.broken:
        wrong = "broken"
    elif error is not None and error.status >= 500:
        wrong = type(error).__name__
    elif status is not None and status >= 500:
        wrong = str(status)
    if wrong is not None:
        told.append(often("error.type", wrong))
    link = trace.link
    return span(
        trace_id,
        trace.span_id,
        trace.parent_id,
        method if journey.route is None else f"{method} {journey.route}",
        SERVER,
        _ns(journey.began_at, epoch_s),
        _ns(journey.ended_at, epoch_s),
        told,
        state=trace.state,
        remote_parent=trace.parent_id != 0,
        failed=wrong is not None,
        link=b"" if link is None else link_to(link.trace_id, link.span_id, link.state),
    )


def _of_attempt(attempt: Attempt, path: str | None) -> Iterator[bytes]:
    backend = attempt.backend
    yield often("openprequal.backend", backend.url)
    if backend.socket_path is None:
        yield often("server.address", backend.host)
        yield often("server.port", backend.port)
        if path is not None:
            yield text("url.full", backend.url + path)
    if attempt.reason is not None:
        yield often("openprequal.pick.reason", str(attempt.reason))
    if attempt.sent_at is not None:
        yield often("openprequal.connection.reused", attempt.reused)
        yield seconds("openprequal.connect_s", attempt.sent_at - attempt.began_at)
        if attempt.head_at is not None:
            yield seconds("openprequal.first_byte_s", attempt.head_at - attempt.sent_at)


def _path_sent(journey: Journey) -> str | None:
    """The path that backends were asked for, which a route may have changed; None: it is not known here."""
    rendered = journey.request.rendered
    if rendered is None:
        return None
    target = rendered.split(b" ", 2)[1].partition(b"?")[0]
    return _text(target) if target.startswith(b"/") else None


def _host_and_port(host: bytes | None) -> tuple[str, int | None]:
    """Of a Host field, which is well-formed."""
    if not host:
        return "", None
    whole = host.decode("ascii")
    name, colon, port = whole.rpartition(":")
    if not colon or port.endswith("]"):
        name, port = whole, ""
    return name.strip("[]")[:MOST_TEXT], int(port) if port else None


def _text(value: bytes) -> str:
    return value[:MOST_TEXT].decode("utf-8", "replace")


def _ns(at_s: float, epoch_s: float) -> int:
    return int((at_s + epoch_s) * _NS)
