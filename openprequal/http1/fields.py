"""Field lines (RFC 9110 section 5, RFC 9112 section 5): strict parsing, remembered line by line."""

import re
from typing import Final

from openprequal.http1.errors import MalformedMessage

TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# field-value: visible octets with single inner runs of SP / HTAB (RFC 9110 section 5.5). A bare CR, bare LF, NUL or any
# other control character does not match, nor does a line that begins with white space (obs-fold, RFC 9112 section 5.2)
# or has some before its colon (RFC 9112 section 5.1).
_LINE: Final = re.compile(
    rb"(" + TOKEN + rb"):[ \t]*((?:[\x21-\x7e\x80-\xff]+(?:[ \t]+[\x21-\x7e\x80-\xff]+)*)?)[ \t]*"
)

MAX_REMEMBERED_LINES: Final = 4096
MAX_REMEMBERED_BYTES: Final = 128


class Field:
    """One header or trailer field as received; immutable by convention, shared between messages."""

    __slots__ = ("key", "name", "value", "wire")

    def __init__(self, name: bytes, value: bytes) -> None:
        self.name = name
        """In the sender's case."""
        self.value = value
        """Without surrounding white space."""
        self.key = name.lower()
        """For comparison: field names are case-insensitive (RFC 9110 section 5.1)."""
        self.wire = name + b": " + value + b"\r\n"
        """As we send it on."""

    def __repr__(self) -> str:
        return f"Field({self.name!r}, {self.value!r})"


class FieldSection:
    """Fields in order, with their bytes joined once; immutable by convention."""

    __slots__ = ("fields", "wire")

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields
        self.wire = b"".join([field.wire for field in fields])

    def plus(self, *fields: Field) -> "FieldSection":
        """The same with *fields* at the end."""
        section = FieldSection.__new__(FieldSection)
        section.fields = [*self.fields, *fields]
        section.wire = self.wire + b"".join([field.wire for field in fields])
        return section


_remembered: dict[bytes, Field] = {}


def parse_field(line: bytes) -> Field:
    """Parse one field line without its CRLF.

    The same lines come again and again (a server's ``Content-Type``, a client's ``User-Agent``); short ones are
    remembered, which makes parsing a head cheaper than a generic parser can. The memory is bounded.

    :raises MalformedMessage: not a field line.
    """
    field = _remembered.get(line)
    if field is not None:
        return field
    match = _LINE.fullmatch(line)
    if match is None:
        raise MalformedMessage(f"bad field line {line[:64]!r}")
    field = Field(match[1], match[2])
    if len(line) <= MAX_REMEMBERED_BYTES:
        if len(_remembered) >= MAX_REMEMBERED_LINES:
            _remembered.clear()
        _remembered[line] = field
    return field


def parse_fields(lines: list[bytes]) -> list[Field]:
    """Parse the field lines of a head or trailer section, in order.

    :raises MalformedMessage: one of them is not a field line.
    """
    known = _remembered.get
    return [known(line) or parse_field(line) for line in lines]


def list_members(value: bytes) -> list[bytes]:
    """The members of a comma-separated list of tokens, lower case, empty ones left out (RFC 9110 section 5.6.1)."""
    return [member for part in value.lower().split(b",") if (member := part.strip(b" \t"))]
