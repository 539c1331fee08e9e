"""Which number stands for a request, so that equal requests go to the same backend?"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

from openprequal.interfaces import IRequest

HASH_ON = r"client|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|cookie:[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""What ``hash_on`` may be; names are tokens (RFC 9110 section 5.6.2)."""
HASH_ON_ALLOWED = "client, header:NAME or cookie:NAME"

_MASK = (1 << 64) - 1
_ODD = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio


def hash64(text: bytes) -> int:
    """A number from 0 to 2^64 - 1, the same in every process."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def request_key(hash_on: str) -> Callable[[IRequest], int]:
    """What makes the number of a request, by ``client``, ``header:NAME`` or ``cookie:NAME``.

    One that lacks the header or the cookie is known by its client's address.
    """
    kind, _, name = hash_on.partition(":")
    if kind == "header":
        field = name.lower().encode("ascii")
        return lambda request: hash64(request.header(field) or request.client.encode())
    if kind == "cookie":
        cookie = name.encode("ascii")
        return lambda request: hash64(cookie_value(request.fields, cookie) or request.client.encode())
    return lambda request: hash64(request.client.encode())


def cookie_value(fields: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """The value of the first cookie of that name, case and all (RFC 6265 section 5.4); None: there is none."""
    for field, value in fields:
        if field.lower() != b"cookie":
            continue
        for pair in value.split(b";"):
            key, equals, text = pair.partition(b"=")
            if equals and key.strip() == name:
                return text.strip()
    return None


class _Seeded(Protocol):
    seed: int


Seeded = TypeVar("Seeded", bound=_Seeded)


def rendezvous(members: Sequence[Seeded], key: int) -> Seeded:
    """The member that scores highest with *key*: as members come and go, no other key moves. O(n).

    :param members: not empty; each with a number of its own.
    """
    return max(members, key=lambda member: ((member.seed ^ key) * _ODD & _MASK) >> 16)
