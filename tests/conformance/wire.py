"""Where does an HTTP/1 message in a buffer end, and what is in it? Reads what a gateway sent; forgives nothing."""

from attrs import define, field


class Malformed(Exception):
    """The gateway sent something that is not HTTP/1."""


@define
class Message:
    """A message, or as much of it as came."""

    line: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = field(factory=list)
    framing: str = "none"
    complete: bool = False
    raw: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def status(self) -> int:
        """The status code.

        :raises Malformed: it is no response.
        """
        if not self.line.startswith(b"HTTP/1."):
            raise Malformed(f"status line {self.line[:80]!r}")
        return int(self.line.split(b" ")[1])


def read_fields(block: bytes) -> list[tuple[bytes, bytes]]:
    """(name, value) of each line of *block*, lines separated by CRLF.

    :raises Malformed: on a bare CR or LF, or a line without a colon or with space around its name.
    """
    fields = []
    for line in block.split(b"\r\n") if block else []:
        name, colon, value = line.partition(b":")
        if not colon or name.strip() != name or not name or b"\r" in line or b"\n" in line:
            raise Malformed(f"field line {line!r}")
        fields.append((name, value.strip(b" \t")))
    return fields


def read_head(buffer: bytes) -> tuple[Message, int] | None:
    """The message's head and where its body starts; None: not all of the head is there.

    :raises Malformed: it can never become one.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    line, _, block = buffer[:end].partition(b"\r\n")
    if line.count(b" ") < 2 and not line.startswith(b"HTTP/1.1 "):
        raise Malformed(f"start line {line[:80]!r}")
    if line.startswith(b"HTTP/") and not line.split(b" ")[1].isdigit():
        raise Malformed(f"status line {line[:80]!r}")
    return Message(line, read_fields(block)), end + 4


def read_message(buffer: bytes, *, eof: bool, bodiless: bool = False) -> tuple[Message, int] | None:
    """The first message in *buffer* and where it ends; None: more is needed.

    :param eof: nothing more will come: an unfinished message is returned as it is, ``complete`` telling.
    :param bodiless: it answers HEAD.
    :raises Malformed: its framing is not that of HTTP/1 (RFC 9112 section 6).
    """
    found = read_head(buffer)
    if found is None:
        return None
    got, start = found
    is_response = got.line.startswith(b"HTTP/")
    codings, lengths = got.values(b"transfer-encoding"), got.values(b"content-length")
    if (codings and lengths) or len(lengths) > 1 or len(codings) > 1:
        raise Malformed(f"ambiguous framing {codings} {lengths}")
    end: int | None = start
    if is_response and (bodiless or got.status in (204, 304) or got.status < 200):
        got.complete = True
    elif codings:
        if codings[0].lower() != b"chunked":
            raise Malformed(f"transfer coding {codings[0]!r}")
        got.framing = "chunked"
        end = _read_chunks(buffer, start, got)
    elif lengths:
        got.framing = "length"
        length = int(lengths[0])
        got.body = buffer[start : start + length]
        got.complete = len(got.body) == length
        end = start + length if got.complete else None
    elif is_response:
        got.framing = "close"
        got.body = buffer[start:]
        got.complete = eof
        end = len(buffer) if eof else None
    else:
        got.complete = True
    if end is None:
        if not eof:
            return None
        end = len(buffer)
    got.raw = buffer[:end]
    return got, end


def _read_chunks(buffer: bytes, at: int, got: Message) -> int | None:
    """Decode chunks from *at* into *got*; where they end, or None while they do not (RFC 9112 section 7.1)."""
    got.body = b""
    while True:
        line_end = buffer.find(b"\r\n", at)
        if line_end < 0:
            return None
        text = buffer[at:line_end].split(b";")[0].strip(b" \t")
        if not text or text.strip(b"0123456789abcdefABCDEF"):
            raise Malformed(f"chunk size {text[:40]!r}")
        size, at = int(text, 16), line_end + 2
        if size == 0:
            break
        if len(buffer) < at + size + 2:
            got.body += buffer[at : at + size]
            return None
        got.body += buffer[at : at + size]
        if buffer[at + size : at + size + 2] != b"\r\n":
            raise Malformed("no CRLF after a chunk")
        at += size + 2
    if buffer[at : at + 2] == b"\r\n":
        got.complete = True
        return at + 2
    end = buffer.find(b"\r\n\r\n", at)
    if end < 0:
        return None
    got.trailers = read_fields(buffer[at:end])
    got.complete = True
    return end + 4
