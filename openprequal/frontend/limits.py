"""What a client may send, and how long it may take; each limit with the status that exceeding it becomes."""

from attrs import frozen

from openprequal.errors import (
    BadRequest,
    GatewayError,
    HeaderTooLarge,
    NotImplementedHere,
    TargetTooLong,
    VersionNotSupported,
)
from openprequal.http1.errors import FieldsTooLarge, MalformedMessage, UnknownTransferCoding, UnsupportedVersion


@frozen
class Limits:
    """Bounds on one client connection."""

    request_line_bytes: int = 8192
    """414 (RFC 9112 section 3 asks for at least 8000)."""
    header_bytes: int = 32768
    """431: the request line and all fields."""
    header_fields: int = 100
    """431."""
    body_bytes: int | None = None
    """413; None: no limit, since bodies are streamed."""
    header_s: float = 10.0
    """408: from a head's first byte to its last."""
    idle_s: float = 75.0
    """Between requests, and for a last response to leave; then the connection is closed without a word."""
    linger_s: float = 2.0
    """How long input is read and thrown away after a last response, so that a reset does not destroy it on its way."""
    min_rate_bytes: int | None = 100
    """408, or a reset: what a client must send of a body, or take of a response, in a second; None: nothing."""
    rate_window_s: float = 20.0
    """How long it may be slower for."""
    pipelined_bytes: int = 65536
    """Bytes of requests still to come that are kept; reading pauses beyond."""


def check_head_size(limits: Limits, data: bytes, end: int) -> None:
    """Is a head over a limit, whether it is complete (*end* >= 0) or still coming?

    :raises TargetTooLong: the request line.
    :raises HeaderTooLarge: the bytes of the head or the number of fields.
    """
    # The last three bytes may be of the end itself: a limit must not depend on how bytes were cut.
    size = end if end >= 0 else len(data) - 3
    if size > limits.request_line_bytes:
        line_end = data.find(b"\r\n")
        if line_end < 0 or line_end > limits.request_line_bytes:
            raise TargetTooLong(f"request line over {limits.request_line_bytes} bytes")
    if size > limits.header_bytes:
        raise HeaderTooLarge(f"head over {limits.header_bytes} bytes")
    if end >= 0 and data.count(b"\r\n", 0, end) > limits.header_fields:
        raise HeaderTooLarge(f"more than {limits.header_fields} fields")


def refusal(error: MalformedMessage) -> GatewayError:
    """The error a client's broken message is answered with."""
    if isinstance(error, UnknownTransferCoding):
        return NotImplementedHere(str(error))
    if isinstance(error, UnsupportedVersion):
        return VersionNotSupported(str(error))
    if isinstance(error, FieldsTooLarge):
        return HeaderTooLarge(str(error))
    return BadRequest(str(error))
