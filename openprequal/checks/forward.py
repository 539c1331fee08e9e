"""What does another server say of the request? As ``forwardAuth`` of Traefik and ``auth_request`` of nginx ask it."""

from collections.abc import Callable, Sequence
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent

from openprequal.checks.asking import Answer, ask
from openprequal.checks.remembered import Remembered
from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict, sendable, unavailable
from openprequal.http1.request import RequestHead

MOST_CONTENT: Final = 64 * 1024
MOST_ASKED: Final = 1024
"""Requests that wait for an answer."""

_ALWAYS_PASSED: Final = (b"content-type", b"content-encoding")


class ForwardCheck:
    """Takes requests of which a server, asked by GET with their method, URI, host and client, says 2xx.

    Whatever else it says is the client's answer. The request's body is never sent there.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        agent: IAgent,
        url: bytes,
        *,
        told: Callable[[RequestHead], Sequence[tuple[bytes, bytes]] | None],
        sends: Sequence[bytes],
        takes: Sequence[bytes],
        passes: Sequence[bytes],
        now: Callable[[], float],
        secret: bytes,
        remember_s: float,
        remember_by: Sequence[bytes],
        timeout_s: float,
    ) -> None:
        """
        :param told: what the server is told of a request beside its fields; None: it cannot be said what it asks for.
        :param sends: request fields, in lower case, that the server gets.
        :param takes: fields of a good answer that the backend gets.
        :param passes: fields of another answer that the client gets.
        :param now: monotonic seconds.
        :param secret: see :class:`~openprequal.checks.remembered.Remembered`.
        :param remember_s: seconds in which the server is not asked again.
        :param remember_by: request fields, in lower case, on whose values alone its word depends, and on the host;
            empty: on all that it is sent.
        """
        self.name = name
        self.timeout_s = timeout_s
        self.sets = frozenset(each.lower() for each in takes)
        self._agent = agent
        self._url = url
        self._told = told
        self._sends = frozenset(sends)
        self._takes = takes
        self._passes = frozenset(each.lower() for each in passes).union(_ALWAYS_PASSED)
        self._remember_s = remember_s
        self._remember_by = tuple(remember_by)
        self._admitted: Remembered[Admitted] = Remembered(now, secret)
        self._asked = 0
        self._silent = False

    def judge(self, request: RequestHead) -> "Verdict | Deferred[Verdict]":
        told = self._told(request)
        if told is None:
            return Refused(400, Reason.MALFORMED)
        fields = [*told, *((field.name, field.value) for field in request.head_fields if field.key in self._sends)]
        key = self._key(request, fields)
        if key is not None and (remembered := self._admitted.get(key)) is not None:
            return remembered
        if self._asked >= MOST_ASKED:
            return unavailable(Reason.BUSY)
        headers = Headers()
        for name, value in fields:
            headers.addRawHeader(name, value)
        self._asked += 1
        answering = ask(self._agent, self._url, headers, MOST_CONTENT).addBoth(self._answered)
        return answering.addCallbacks(self._verdict, self._failed, callbackArgs=(key,))

    def tick(self) -> None:
        """Nothing changes."""

    def _key(self, request: RequestHead, fields: list[tuple[bytes, bytes]]) -> bytes | None:
        """What the server's word is remembered by; None: it is not."""
        if not self._remember_s:
            return None
        if not self._remember_by:
            return self._admitted.key(*(part for field in fields for part in field))
        chosen = [(field.key, field.value) for field in request.head_fields if field.key in self._remember_by]
        # Those who bring nothing of it have nothing in common.
        return (
            self._admitted.key(request.host or b"", *(part for field in chosen for part in field)) if chosen else None
        )

    def _answered(self, result: Answer | Failure) -> Answer | Failure:
        self._asked -= 1
        if isinstance(result, Answer):
            self._silent = False
        return result

    def _verdict(self, answer: Answer, key: bytes | None) -> Verdict:
        if not 200 <= answer.status < 300:
            return self._refusal(answer)
        fields = tuple(
            (name, value)
            for name in self._takes
            for value in answer.headers.getRawHeaders(name) or ()
            if sendable(value)
        )
        admitted = Admitted(fields)
        if key is not None:
            self._admitted.put(key, admitted, self._remember_s)
        return admitted

    def _refusal(self, answer: Answer) -> Refused:
        if not 300 <= answer.status < 500:
            # Its failure is none of the client's business; and what is no final status would break the connection.
            return unavailable(Reason.UNAVAILABLE)
        fields = [
            (name, value)
            for name, values in answer.headers.getAllRawHeaders()
            if name.lower() in self._passes
            for value in values
            if sendable(value)
        ]
        if not any(name.lower() == b"cache-control" for name, _ in fields):
            fields.append((b"Cache-Control", b"no-store"))
        reason = Reason.FORBIDDEN if answer.status == 403 else Reason.WRONG
        return Refused(answer.status, reason, tuple(fields), answer.content)

    def _failed(self, failure: Failure) -> Verdict | Failure:
        if failure.check(CancelledError):
            return failure  # nobody waits any more
        if not self._silent:  # a line for each request would be too much
            self._silent = True
            self.log.warn("check {name}: no answer: {reason}", name=self.name, reason=failure.getErrorMessage())
        return unavailable(Reason.UNAVAILABLE)
