"""A response as bytes for an HTTP/1.x client: status line, framing, connection management (RFC 9112)."""

from typing import Final

from openprequal.http1.fields import FieldSection

_status_lines: dict[tuple[int, bytes], bytes] = {}
_MAX_STATUS_LINES: Final = 1024


def status_line(status: int, reason: bytes) -> bytes:
    """``HTTP/1.1 200 OK`` with its CRLF; our version, whatever the backend's (RFC 9110 section 2.5)."""
    key = (status, reason)
    line = _status_lines.get(key)
    if line is None:
        line = b"HTTP/1.1 %d %b\r\n" % (status, reason)
        if len(_status_lines) < _MAX_STATUS_LINES:
            _status_lines[key] = line
    return line


def render_head(
    status: int, reason: bytes, section: FieldSection, *, chunked: bool, close: bool, keep_alive_1_0: bool
) -> bytes:
    """The head of a final response.

    :param chunked: frame the content with the chunked coding.
    :param close: this is the last response on the connection.
    :param keep_alive_1_0: an HTTP/1.0 client asked for the connection to stay (RFC 9112 section 9.3).
    """
    parts = [section.wire]
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if close:
        parts.append(b"Connection: close\r\n")
    elif keep_alive_1_0:
        parts.append(b"Connection: keep-alive\r\n")
    return status_line(status, reason) + b"".join(parts) + b"\r\n"


def has_no_content(method: bytes, status: int) -> bool:
    """True if no content follows the head whatever its fields say (RFC 9112 section 6.3, rule 1)."""
    return method == b"HEAD" or status in (204, 304)


def must_be_chunked(length: int, minor: int, *, no_content: bool) -> bool:
    """True if the end of the content has to be marked by us: its length is not known and the client speaks 1.1."""
    return length < 0 and minor == 1 and not no_content


def ends_with_close(length: int, minor: int, *, no_content: bool) -> bool:
    """True if only closing the connection can end the content."""
    return length < 0 and minor == 0 and not no_content
