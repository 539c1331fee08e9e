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
    kept: list[Field] = []
    for each in request.head_fields:
        if each.key == b"connection":
            members = [member for member in list_members(each.value) if plain_name(member) not in sets]
            each = Field(each.name, b", ".join(members))
        if plain_name(each.key) not in sets:
            kept.append(each)
    return request.changed(request.target, [*kept, *fields])
