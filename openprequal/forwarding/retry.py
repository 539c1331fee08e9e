"""May a request be repeated? (RFC 9110 section 9.2.2)"""

from typing import Final

IDEMPOTENT: Final = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))


def may_repeat_on_fresh_connection(method: bytes, *, reused: bool, answered: bool, body_at_hand: bool) -> bool:
    """A connection broke: may the request be sent again on a fresh one to the same backend?

    The backend may close an idle connection just as we use it again; that race is nobody's fault. But only an
    idempotent method may be sent twice, because it cannot be known what the backend has read.

    :param reused: the connection had carried an exchange before: a fresh one that breaks is the backend's doing.
    :param answered: some byte of an answer had come.
    :param body_at_hand: the whole body, or none, is still here to be sent again.
    """
    return reused and not answered and body_at_hand and method in IDEMPOTENT
