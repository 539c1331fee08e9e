"""What does a route ask of a request, beside the host and the path by which it is found?"""

from typing import Protocol
from urllib.parse import parse_qsl

from attrs import frozen

from openprequal.http1.request import RequestHead
from openprequal.routing.host_pattern import HostPattern
from openprequal.routing.path_pattern import PathPattern

Wanted = bytes | bool
"""Exactly this value; or True: that it is there; or False: that it is not."""


class Condition(Protocol):
    """Something that holds of a request or does not; equal where it asks the same."""

    def holds(self, request: RequestHead) -> bool: ...


@frozen
class MethodIs:
    """One of these methods; they are case-sensitive (RFC 9110 section 9.1)."""

    methods: frozenset[bytes]

    def holds(self, request: RequestHead) -> bool:
        return request.method in self.methods

    def __str__(self) -> str:
        return f"method {' or '.join(sorted(method.decode('ascii') for method in self.methods))}"


@frozen
class HeaderIs:
    """A field of that lower-case name with that value, case-sensitive; of several one is enough."""

    name: bytes
    wanted: Wanted

    def holds(self, request: RequestHead) -> bool:
        return _holds([field.value for field in request.head_fields if field.key == self.name], self.wanted)

    def __str__(self) -> str:
        return f"header {_text(self.name, self.wanted, ': ')}"


@frozen
class QueryIs:
    """A parameter of that name with that value, both decoded; of several one is enough."""

    name: bytes
    wanted: Wanted

    def holds(self, request: RequestHead) -> bool:
        # As Latin-1, in which every octet is a character: a query may hold any.
        query = request.target.partition(b"?")[2].decode("latin-1")
        parameters = parse_qsl(query, keep_blank_values=True, encoding="latin-1")
        wanted = self.name.decode("latin-1")
        return _holds([value.encode("latin-1") for name, value in parameters if name == wanted], self.wanted)

    def __str__(self) -> str:
        return f"query {_text(self.name, self.wanted, '=')}"


def _holds(values: list[bytes], wanted: Wanted) -> bool:
    return wanted in values if isinstance(wanted, bytes) else bool(values) is wanted


def _text(name: bytes, wanted: Wanted, between: str) -> str:
    shown = name.decode("utf-8", "replace")
    if isinstance(wanted, bytes):
        return f"{shown}{between}{wanted.decode('utf-8', 'replace')}"
    return f"{shown} {'present' if wanted else 'absent'}"


@frozen
class Conditions:
    """All that a route asks of a request."""

    hosts: tuple[HostPattern, ...] = ()
    """One of these; empty: any, and none."""
    path: PathPattern | None = None
    """None: any, and ``*``."""
    others: tuple[Condition, ...] = ()
    priority: int = 0
    """The higher goes before, whatever else is said."""
