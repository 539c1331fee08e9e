"""May a request be repeated? (RFC 9110 section 9.2.2)"""

from enum import StrEnum
from typing import Final

from attrs import frozen

from openprequal.http1.request import RequestHead

IDEMPOTENT: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


class Unsafe(StrEnum):
    """What of requests whose method is not idempotent?"""

    NO = "no"
    """They are never sent twice."""
    KEYED = "keyed"
    """Those with an Idempotency-Key are: whoever sends one says that its server knows a repetition."""
    YES = "yes"
    """All are: the user says that it does no harm."""


@frozen
class RetryRules:
    """When a request that may have reached a backend is sent to another one.

    A refused connect is not meant: nothing was sent, so that another backend is tried whatever the method.
    """

    attempts: int = 2
    """Further backends that are tried at most."""
    try_s: float | None = None
    """Without a response head for so long another is tried, if one may; None: for as long as a response may take."""
    statuses: frozenset[int] = frozenset()
    """Responses after which another is tried; that of the last one is the client's."""
    body_bytes: int = 64 * 1024
    """So much of a body is kept to be sent again."""
    unsafe: Unsafe = Unsafe.NO


def may_be_repeated(request: RequestHead, rules: RetryRules) -> bool:
    """May *request* be sent again although a backend may have acted on it?"""
    if request.method in IDEMPOTENT or rules.unsafe is Unsafe.YES:
        return True
    return rules.unsafe is Unsafe.KEYED and request.header(b"idempotency-key") is not None


def may_repeat_on_fresh_connection(method: bytes, *, reused: bool, answered: bool, body_at_hand: bool) -> bool:
    """A connection broke: may the request be sent again on a fresh one to the same backend?

    The backend may close an idle connection just as we use it again; that race is nobody's fault. But only an
    idempotent method may be sent twice, because it cannot be known what the backend has read.

    :param reused: the connection had carried an exchange before: a fresh one that breaks is the backend's doing.
    :param answered: some byte of an answer had come.
    :param body_at_hand: the whole body, or none, is still here to be sent again.
    """
    return reused and not answered and body_at_hand and method in IDEMPOTENT
