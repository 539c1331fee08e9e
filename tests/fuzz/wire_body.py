"""Where does a body end, and what is in it (RFC 9112 sections 6 and 7)?"""

from collections.abc import Iterable

from tests.fuzz.wire_head import DIGITS, HEX, TCHAR, Incomplete, Malformed, Message, all_in, read_fields, read_head


def body_length(message: Message) -> int | None:
    """Bytes of the body; -1: chunked; None: no field says (RFC 9112 section 6.3)."""
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    if codings:
        if lengths or message.minor == 0 or message.members(b"transfer-encoding") != [b"chunked"]:
            raise Malformed("Transfer-Encoding")
        return -1
    if not lengths:
        return None
    if len(lengths) > 1 or not all_in(lengths[0], DIGITS) or len(lengths[0]) > 18:
        raise Malformed("Content-Length")
    return int(lengths[0])


def _quoted_end(line: bytes, at: int) -> int:
    """Where the quoted string that begins at *at* ends."""
    at += 1
    while at < len(line) and line[at] != 0x22:
        at += 2 if line[at] == 0x5C else 1
    if at >= len(line):
        raise Malformed("quoted string")
    return at + 1


def _chunk_size(line: bytes) -> int:
    """chunk-size [ chunk-ext ] (RFC 9112 section 7.1.1)."""
    at = 0
    while at < len(line) and line[at] in HEX:
        at += 1
    if not 1 <= at <= 15 or len(line) > 1024:
        raise Malformed("chunk size")
    size = int(line[:at], 16)
    if any((octet < 0x20 and octet != 9) or octet == 0x7F for octet in line):
        raise Malformed("control character in a chunk line")

    def skip(allowed: Iterable[int]) -> int:
        nonlocal at
        start = at
        while at < len(line) and line[at] in allowed:
            at += 1
        return at - start

    while at < len(line):
        skip(b" \t")
        if line[at : at + 1] != b";":
            raise Malformed("chunk extension")
        at += 1
        skip(b" \t")
        if not skip(TCHAR):
            raise Malformed("chunk extension's name")
        name_end = at
        skip(b" \t")
        if line[at : at + 1] != b"=":
            at = name_end
            continue
        at += 1
        skip(b" \t")
        if line[at : at + 1] == b'"':
            at = _quoted_end(line, at)
        elif not skip(TCHAR):
            raise Malformed("chunk extension's value")
    return size


def _read_chunks(data: bytes, at: int, message: Message) -> None:
    while True:
        line_end = at
        while line_end < len(data) and data[line_end] not in b"\r\n":
            line_end += 1
        if data[line_end : line_end + 2] != b"\r\n":
            if data[line_end:] in (b"", b"\r"):
                raise Incomplete
            raise Malformed("end of a chunk line")
        size = _chunk_size(data[at:line_end])
        at = line_end + 2
        if not size:
            break
        message.body += data[at : at + size]
        at += size
        if data[at : at + 2] != b"\r\n":
            if data[at:] in (b"", b"\r"):
                raise Incomplete
            raise Malformed("end of a chunk")
        at += 2
    if data[at : at + 2] == b"\r\n":
        message.end = at + 2
        return
    if data[at:] in (b"", b"\r"):
        raise Incomplete
    lines, message.end = read_head(data, at)
    message.trailers = read_fields(lines)


def read_body(data: bytes, message: Message, length: int) -> None:
    """Fill in the body, the trailers and the end of *message*.

    :param length: see :func:`body_length`.
    :raises Malformed: its chunks are broken.
    :raises Incomplete: it is not all there.
    """
    at = message.head_end
    if length < 0:
        _read_chunks(data, at, message)
        return
    message.body = data[at : at + length]
    message.end = at + len(message.body)
    if len(message.body) < length:
        raise Incomplete
