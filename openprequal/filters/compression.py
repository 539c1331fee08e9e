"""Is this response compressed, in which coding, and what does its head say then? (RFC 9110 section 8.4)"""

from collections.abc import Mapping
from typing import Final

from attrs import field, frozen

from openprequal.filters.accept_encoding import wanted_coding
from openprequal.filters.codings import Coder
from openprequal.filters.vary import varying
from openprequal.http1.fields import Field, FieldSection, list_members
from openprequal.http1.request import RequestHead

CONTENT_TYPES: Final = (
    "text/*",
    "application/json",
    "application/*+json",
    "application/javascript",
    "application/xml",
    "application/*+xml",
    "application/wasm",
    "application/graphql",
    "application/x-ndjson",
    "image/svg+xml",
    "font/ttf",
    "font/otf",
)
"""What is worth it: text, and formats that are not compressed by themselves."""

_EVENT_STREAM: Final = b"text/event-stream"
_AS_IT_IS: Final = frozenset(
    # In a coding already, a part of something, or vouched for byte by byte (RFC 9530).
    (b"content-encoding", b"content-range", b"content-digest", b"repr-digest", b"digest", b"content-md5")
)
_WITHOUT_CONTENT: Final = frozenset((204, 205, 206, 304))
_SECRETS: Final = frozenset((b"cookie", b"authorization"))
_MAX_REMEMBERED: Final = 1024


class Places:
    """How many responses are being compressed in pieces, and how many may be: each holds a window and tables."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self) -> bool:
        """Take one; False if there is none."""
        if self.taken >= self.most:
            return False
        self.taken += 1
        return True

    def give_back(self) -> None:
        """One is free again."""
        self.taken -= 1


@frozen
class CompressionRules:
    """Which responses are compressed, and how."""

    coders: Mapping[bytes, Coder]
    """By coding, the first before the others where the client likes them alike."""
    places: Places
    content_types: tuple[str, ...] = CONTENT_TYPES
    """Exact, or with one ``*``. An event stream only by its own name: it lasts, and its compressor with it."""
    least_bytes: int = 1024
    """What is known to be shorter stays as it is."""
    spare_secrets: bool = False
    """Nothing is compressed for a request with Cookie or Authorization, nor with Set-Cookie (BREACH)."""
    _remembered: dict[bytes, bool] = field(factory=dict, init=False, eq=False, repr=False)

    def coding_for(self, request: RequestHead) -> bytes | None:
        """The coding *request* wants of those there are; None: none."""
        lines = [each.value for each in request.head_fields if each.key == b"accept-encoding"]
        return wanted_coding(b",".join(lines), tuple(self.coders)) if lines else None

    def suits(self, content_type: bytes) -> bool:
        """Is this kind of content worth it?"""
        known = self._remembered.get(content_type)
        if known is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            kind = content_type.partition(b";")[0].strip().lower()
            known = self._remembered[content_type] = any(_matches(each, kind) for each in self.content_types)
        return known

    def may_compress(self, request: RequestHead, status: int, section: FieldSection) -> bool:
        """Would this response be compressed for a client that takes it?"""
        if status in _WITHOUT_CONTENT:
            return False
        suits = False
        for each in section.fields:
            key = each.key
            if key == b"content-type":
                suits = self.suits(each.value)
            elif key == b"content-length":
                if not each.value.isdigit() or int(each.value) < self.least_bytes:
                    return False
            elif (
                key in _AS_IT_IS
                or (key == b"cache-control" and b"no-transform" in list_members(each.value))
                or (key == b"set-cookie" and self.spare_secrets)
            ):
                return False
        return suits and not any(
            (each.key == b"cache-control" and b"no-transform" in list_members(each.value))
            or (self.spare_secrets and each.key in _SECRETS)
            for each in request.head_fields
        )


def compressed_head(section: FieldSection, coding: bytes, length: int | None) -> FieldSection:
    """The fields of a response whose content is now in *coding*.

    A strong entity tag becomes weak, because the bytes are others (RFC 9110 section 8.8.3), and no ranges are offered,
    because the backend would cut them from its own bytes.

    :param length: of the compressed content; None: not known.
    """
    fields = []
    for each in section.fields:
        if each.key == b"etag":
            fields.append(weak(each))
        elif each.key not in (b"content-length", b"accept-ranges"):
            fields.append(each)
    fields.append(Field(b"Content-Encoding", coding))
    if length is not None:
        fields.append(Field(b"Content-Length", b"%d" % length))
    return varying(FieldSection(fields), b"Accept-Encoding")


def not_modified_head(section: FieldSection) -> FieldSection:
    """The fields of a 304 to a client that would get the content compressed: those that the 200 had.

    Else a cache that holds the compressed content with a weak tag would not find it (RFC 9111 section 4.3.4).
    """
    fields = [weak(each) if each.key == b"etag" else each for each in section.fields]
    return varying(FieldSection(fields), b"Accept-Encoding")


def weak(tag: Field) -> Field:
    """The weak form of an ETag field."""
    return Field(tag.name, b"W/" + tag.value) if tag.value.startswith(b'"') else tag


def _matches(pattern: str, kind: bytes) -> bool:
    before, star, after = pattern.lower().encode("ascii").partition(b"*")
    if not star:
        return kind == before
    longer = len(kind) > len(before) + len(after)
    return longer and kind != _EVENT_STREAM and kind.startswith(before) and kind.endswith(after)
