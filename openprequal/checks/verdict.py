"""What is a check asked, and what may it answer?"""

import re
from enum import StrEnum
from typing import Final, Protocol

from attrs import field, frozen
from twisted.internet.defer import Deferred

from openprequal.http1.request import RequestHead

Fields = tuple[tuple[bytes, bytes], ...]

# RFC 9110 section 5.5: visible octets, with white space inside only. What had some around it would be read as another
# value by whoever takes it away, as all parsers do.
_VALUE: Final = re.compile(rb"[\x21-\x7e\x80-\xff]+(?:[\t ]+[\x21-\x7e\x80-\xff]+)*")


class Reason(StrEnum):
    """Why a request was refused, as it is counted."""

    MISSING = "missing"
    """It brought no credentials of the kind that is asked for."""
    MALFORMED = "malformed"
    """They cannot be read."""
    WRONG = "wrong"
    """They are not believed: unknown, expired, or not for us."""
    FORBIDDEN = "forbidden"
    """They are believed, but do not allow this."""
    BUSY = "busy"
    """Too many others are being judged."""
    UNAVAILABLE = "unavailable"
    """Who would have to be asked gave no answer."""
    TIMEOUT = "timeout"
    """It was not judged in time."""


@frozen
class Admitted:
    """It may go on."""

    fields: Fields = field(default=(), repr=False)
    """To be set on the request that the backend gets."""


@frozen
class Refused:
    """It may not: the client is answered."""

    status: int
    reason: Reason
    fields: Fields = field(default=(), repr=False)
    """Of the answer."""
    content: bytes | None = field(default=None, repr=False)
    """Of the answer; None: a problem document, or the operator's page for errors."""


Verdict = Admitted | Refused


class Check(Protocol):
    """Judges requests by their heads. What goes wrong in it refuses the request.

    Called once a request, in the reactor's thread, so that it must not block; its own waiting has no end, because the
    asker keeps the time and cancels.
    """

    @property
    def name(self) -> str:
        """What it is called in the settings."""

    @property
    def timeout_s(self) -> float:
        """Seconds after which the asker gives up a verdict that has not come, and refuses."""

    @property
    def sets(self) -> frozenset[bytes]:
        """Fields, in lower case, that the backend may believe: nothing that the client sent by their names goes on."""

    def judge(self, request: RequestHead) -> "Verdict | Deferred[Verdict]":
        """May *request* go on? Whoever cancels the Deferred does not want to know any more."""

    def tick(self) -> None:
        """Called once a second: have files changed, do keys expire?"""


def sendable(value: bytes) -> bool:
    """May *value* be that of a field, so that every reader sees the same in it?"""
    return _VALUE.fullmatch(value) is not None


def unavailable(reason: Reason) -> Refused:
    """Nobody can tell now; to be tried again (RFC 9110 section 15.6.4)."""
    return Refused(503, reason, ((b"Retry-After", b"1"),))
