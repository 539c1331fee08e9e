"""What does a route change of the fields that pass it, in either direction?"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import frozen

from openprequal.errors import ConfigurationError
from openprequal.forwarding.hop_by_hop import EXPLAIN, HOP_BY_HOP, LOAD_REPORTS
from openprequal.http1.fields import TOKEN, Field, FieldSection
from openprequal.http1.request import RequestHead
from openprequal.routing.host_pattern import host_and_port

_FRAMING: Final = HOP_BY_HOP | LOAD_REPORTS | EXPLAIN | {b"content-length", b"trailer", b"via"}
_OURS: Final = frozenset(
    b"host expect max-forwards x-request-id forwarded x-forwarded-for x-forwarded-proto x-forwarded-host".split()
)
"""Of a request: what says where it goes and how it is sent, and what this gateway vouches for."""
_NAME: Final = re.compile(TOKEN)
_VALUE: Final = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
_PLACEHOLDERS: Final[Mapping[str, Callable[[RequestHead], bytes]]] = {
    "client_ip": lambda request: request.client.encode("ascii", "replace"),
    "host": lambda request: host_and_port(request.host)[0],
    "path": lambda request: request.path,
}
"""What a value may hold of its request: nothing in which a line could end."""

Made = Callable[[RequestHead], Field]


@frozen
class FieldEdits:
    """First goes what is removed or set, then comes what is set, then what is added."""

    dropped: frozenset[bytes]
    """Lower-case names of all fields that are removed or replaced."""
    fixed: tuple[Field, ...] = ()
    """What comes in addition and is always the same,"""
    made: tuple[Made, ...] = ()
    """and what depends on the request."""

    def of_fields(self, fields: Iterable[Field], request: RequestHead) -> list[Field]:
        """*fields* of *request* or of its response, changed."""
        kept = [field for field in fields if field.key not in self.dropped]
        kept += self.fixed
        kept += [make(request) for make in self.made]
        return kept

    def of_section(self, section: FieldSection, request: RequestHead) -> FieldSection:
        """The same of a section."""
        return FieldSection(self.of_fields(section.fields, request))


def field_edits(
    where: str,
    *,
    to_set: Mapping[str, str],
    to_add: Mapping[str, str],
    to_remove: Iterable[str],
    of_request: bool,
) -> FieldEdits | None:
    """The edits that the configuration asks for; None if it asks for none.

    Values may hold ``{client_ip}``, ``{host}`` and ``{path}``: of the request, also in an edit of responses.

    :param where: names the place in the configuration, for errors.
    :raises ConfigurationError: a name or a value that may not be sent, or a field that is not the route's to change.
    """
    for key, names in (("set", to_set), ("add", to_add), ("remove", to_remove)):
        for name in names:
            _check_name(f"{where}.{key}.{name}", name, of_request=of_request)
    made: list[Field | Made] = [
        _made(f"{where}.{key}.{name}", name, value)
        for key, values in (("set", to_set), ("add", to_add))
        for name, value in values.items()
    ]
    dropped = frozenset(name.lower().encode("ascii") for name in (*to_set, *to_remove))
    if not dropped and not made:
        return None
    return FieldEdits(
        dropped,
        tuple(each for each in made if isinstance(each, Field)),
        tuple(each for each in made if not isinstance(each, Field)),
    )


def _check_name(where: str, name: str, *, of_request: bool) -> None:
    if not name.isascii() or not _NAME.fullmatch(key := name.lower().encode("ascii")):
        raise ConfigurationError(f"{where}: is no field name (RFC 9110 section 5.1)")
    if key in _FRAMING or (of_request and key in _OURS):
        hint = "; host_header says which Host backends see" if key == b"host" else ""
        raise ConfigurationError(f"{where}: {name} is written by the gateway and cannot be changed by a route{hint}")


def _made(where: str, name: str, value: str) -> Field | Made:
    if not _VALUE.fullmatch(value):
        raise ConfigurationError(f"{where}: {value!r} is no field value: one line, no space at either end")
    literals = _PLACEHOLDER.split(value)
    for unknown in set(literals[1::2]) - set(_PLACEHOLDERS):
        known = ", ".join(f"{{{each}}}" for each in _PLACEHOLDERS)
        raise ConfigurationError(f"{where}: {{{unknown}}} stands for nothing: must be one of {known}")
    parts = [_PLACEHOLDERS[text] if number % 2 else text.encode("latin-1") for number, text in enumerate(literals)]
    token = name.encode("ascii")
    if len(parts) == 1:
        return Field(token, value.encode("latin-1"))

    def make(request: RequestHead) -> Field:
        return Field(token, b"".join([part if isinstance(part, bytes) else part(request) for part in parts]))

    return make
