"""Which fields of a request may a backend believe, because nobody but the gateway can have set them?"""

from collections.abc import Collection

from openprequal.http1.fields import Field, list_members
from openprequal.http1.request import RequestHead


def plain_name(name: bytes) -> bytes:
    """As CGI and what descends from it (WSGI) see a field's name: without a difference between ``-`` and ``_``."""
    return name.lower().replace(b"_", b"-")


def vouched_for(request: RequestHead, sets: Collection[bytes], fields: list[Field]) -> RequestHead:
    """*request* with *fields*, and nothing of the client's in the places of *sets*.

    Nor may the client name them in Connection, by which it would have them taken away before the backend.

    :param sets: plain names, those of *fields* among them.
    """
    if not sets and not fields:
        return request
    kept = [each for each in request.head_fields if plain_name(each.key) not in sets]
    return request.changed(request.target, [*staying(kept, sets), *fields])


def staying(fields: list[Field], names: Collection[bytes]) -> list[Field]:
    """*fields* with none of *names* (plain ones) among the members of Connection."""
    return [_without_members(each, names) if each.key == b"connection" else each for each in fields]


def _without_members(connection: Field, names: Collection[bytes]) -> Field:
    members = [member for member in list_members(connection.value) if plain_name(member) not in names]
    return Field(connection.name, b", ".join(members))
