"""What is a client told that may ask why its request went where it did? A field of the response."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from openprequal.errors import GatewayError, NoBackend, ServiceBusy
from openprequal.forwarding.downstream import ClientExchange, Downstream, ProxyExchange
from openprequal.forwarding.journey import Attempt, Journey
from openprequal.forwarding.passing import Passing
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead

NAME: Final = b"X-OpenPrequal-Explain"
_NOT_KEPT: Final = Field(b"Cache-Control", b"no-store")
"""Or a cache on the way would tell others who ask for the same."""
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+\-.^_`|~:/0-9A-Za-z]*")
_MOST: Final = 999_999_999_999
"""Of a decimal before its point (RFC 8941 section 3.3.2)."""

WhyNobody = Callable[[str], str]


class ToldWhy(Passing):
    """Adds the field to the response to one request, ours of an error too."""

    __slots__ = ("_why_nobody",)

    def __init__(self, client: Downstream, why_nobody: WhyNobody) -> None:
        """:param why_nobody: of a service by name: how many of its backends cannot be picked, by what they are."""
        super().__init__(client)
        self._why_nobody = why_nobody

    def respond(
        self, status: int, reason: bytes, section: FieldSection, length: int, chunk: bytes, ended: bool
    ) -> None:
        self._client.respond(status, reason, section.plus(*self._fields(None)), length, chunk, ended)

    def respond_switching(self, section: FieldSection, data: bytes) -> None:
        self._client.respond_switching(section.plus(*self._fields(None)), data)

    def respond_error(self, error: GatewayError, more: Sequence[Field] = ()) -> int:
        return self._client.respond_error(error, [*more, *self._fields(error)])

    def _fields(self, error: GatewayError | None) -> tuple[Field, ...]:
        assert self.journey is not None
        return Field(NAME, b", ".join(_members(self.journey, error, self._why_nobody))), _NOT_KEPT


def telling(make: ProxyExchange, why_nobody: WhyNobody) -> ProxyExchange:
    """*make*, whose responses have the field."""

    def exchange(client: Downstream, request: RequestHead) -> ClientExchange:
        return make(ToldWhy(client, why_nobody), request)

    return exchange


def _members(journey: Journey, error: GatewayError | None, why_nobody: WhyNobody) -> list[bytes]:
    """Of a dictionary (RFC 8941 section 3.2)."""
    members: list[bytes] = []
    if journey.request_id:
        members.append(b"request-id=" + _string(journey.request_id.decode("ascii", "replace")))
    if journey.route is not None:
        members.append(b"route=" + _string(journey.route))
    if journey.service is not None:
        members.append(b"service=" + _string(journey.service))
    attempt = journey.attempt or (journey.attempts[-1] if journey.attempts else None)
    if attempt is not None:
        members += _of_attempt(attempt)
    members.append(b"attempts=%d" % len(journey.attempts))
    if len(journey.attempts) > 1:
        members.append(b"tried=(" + b" ".join(_string(each.backend.url) for each in journey.attempts) + b")")
    if journey.queued_s:
        members.append(b"queued-ms=" + _decimal(1000 * journey.queued_s))
    if error is not None:
        members.append(b"error=" + _string(error.title))
        why = str(error)
        if isinstance(error, NoBackend | ServiceBusy) and journey.service is not None:
            why += f" ({why_nobody(journey.service)})"
        members.append(b"why=" + _string(why))
    return members


def _of_attempt(attempt: Attempt) -> list[bytes]:
    members = [b"backend=" + _string(attempt.backend.url)]
    if attempt.reason is not None:
        members.append(b"reason=" + _token_or_string(str(attempt.reason)))
    explained = attempt.explanation
    if explained is None:
        return members
    of_it = next((each for each in explained.pool if each.id == attempt.backend.id), None)
    figures = {
        b"threshold": explained.rif_threshold,
        b"rif": None if of_it is None else of_it.rif,
        b"latency-ms": None if of_it is None or of_it.latency_s is None else 1000 * of_it.latency_s,
        b"age-ms": None if of_it is None or of_it.age_s is None else 1000 * of_it.age_s,
    }
    members += [
        name + b"=" + _decimal(value) for name, value in figures.items() if value is not None and abs(value) <= _MOST
    ]
    if explained.pool:
        members.append(b"among=%d" % sum(each.compared for each in explained.pool))
    if explained.because:
        members.append(b"why=" + _string(explained.because))
    return members


def _decimal(value: float) -> bytes:
    return f"{value:.3f}".encode("ascii")


def _token_or_string(text: str) -> bytes:
    """A token (RFC 8941 section 3.3.4), which all reasons of ours are, or a string."""
    return text.encode("ascii") if _TOKEN.fullmatch(text) else _string(text)


def _string(text: str) -> bytes:
    """A string of the characters that one may hold (RFC 8941 section 3.3.3); others become ``?``."""
    plain = "".join(each if " " <= each <= "~" else "?" for each in text)
    return b'"' + plain.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'
