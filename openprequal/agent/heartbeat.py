"""Heartbeat: how does a gateway come to know of this backend, and stay sure that it lives?"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, NoReturn, Protocol

import treq
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from openprequal.agent.heartbeat_body import (
    ANSWER_TIMEOUT_S,
    FIRST_RETRY_S,
    UNREGISTER_TIMEOUT_S,
    Refused,
    Registration,
    pause_s,
    registration_body,
    unregistration_body,
)
from openprequal.values import LoadReport

__all__ = [
    "ANSWER_TIMEOUT_S",
    "FIRST_RETRY_S",
    "UNREGISTER_TIMEOUT_S",
    "Heartbeat",
    "HttpClient",
    "Refused",
    "Registration",
]


class HttpClient(Protocol):
    """What of :class:`treq.client.HTTPClient` is needed here."""

    def post(
        self, url: str, /, *, json: object, headers: dict[bytes | str, bytes | str], allow_redirects: bool
    ) -> "Deferred[Any]": ...


class Heartbeat(Service):
    """Registers this backend at one gateway again and again while it runs, and unregisters it at the end.

    :param proxy_url: the gateway, ``http://host:port``.
    :param announce: fires with the URL to register; asked until it succeeds once.
    :param load: our load now, sent along.
    :param token: what to send as ``Authorization: Bearer`` now; None: nothing.
    :ivar counts: heartbeats so far by result, ``accepted`` or ``failed``.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        http: HttpClient,
        rng: Random,
        proxy_url: str,
        registration: Registration,
        announce: "Callable[[], Deferred[str]]",
        load: Callable[[], LoadReport],
        token: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.counts: Counter[str] = Counter(accepted=0, failed=0)
        self._clock = clock
        self._http = http
        self._rng = rng
        self._proxy_url = proxy_url.rstrip("/")
        self._registration = registration
        self._announce = announce
        self._load = load
        self._token = token
        self._url: str | None = None
        self._known = False
        """Whether the gateway may know us; while a heartbeat is under way, too."""
        self._failures = 0
        self._last_word: str | None = None
        self._timer: IDelayedCall | None = None
        self._beating: Deferred[None] | None = None
        self._outdated = False
        """The heartbeat under way says what is no longer so."""

    def startService(self) -> None:
        """Begin with a heartbeat at once."""
        super().startService()  # type: ignore[no-untyped-call]
        self._beat()

    def stopService(self) -> "Deferred[None]":
        """No more heartbeats; fires once the gateway has been told, or did not listen for 2 s. Never fails."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._beating is not None:
            self._beating.cancel()
        if not self._known:
            return succeed(None)
        self._known = False
        return Deferred.fromCoroutine(self._unregister())

    def beat_now(self) -> None:
        """Tell the gateway at once, because there is news; the next heartbeat is an interval later."""
        if self._timer is not None:
            self._timer.cancel()
            self._beat()
        elif self._beating is not None:
            self._outdated = True

    def _beat(self) -> None:
        self._timer = None
        self._outdated = False
        self._beating = Deferred.fromCoroutine(self._beat_once())

    async def _beat_once(self) -> None:
        try:
            await self._register()
        except Exception as error:
            if not self.running:  # cancelled by our own stop
                return
            self._failed(error)
        else:
            self._accepted()
        self._beating = None
        if self.running:
            self._timer = self._clock.callLater(0.0 if self._outdated else self._pause_s(), self._beat)

    def _pause_s(self) -> float:
        return pause_s(self._failures, self._registration.interval_s, self._rng)

    async def _register(self) -> None:
        if self._url is None:
            self._url = await self._announce()
        body = registration_body(self._url, self._registration, self._load())
        self._known = True
        await self._post("register", body, ANSWER_TIMEOUT_S)

    async def _unregister(self) -> None:
        assert self._url is not None
        body = unregistration_body(self._url, self._registration)
        try:
            await self._post("unregister", body, UNREGISTER_TIMEOUT_S)
        except Exception as error:
            self._say(self.log.warn, f"cannot unregister from {self._proxy_url}: {_reason(error)}")
        else:
            self._say(self.log.info, f"unregistered from {self._proxy_url}")

    async def _post(self, route: str, body: dict[str, object], timeout_s: float) -> None:
        """:raises Refused: the answer was no success."""
        exchange = Deferred.fromCoroutine(self._exchange(f"{self._proxy_url}/{route}", body))
        await exchange.addTimeout(timeout_s, self._clock, onTimeoutCancel=_no_answer)

    async def _exchange(self, url: str, body: dict[str, object]) -> None:
        token = self._token()
        headers: dict[bytes | str, bytes | str] = {"Authorization": f"Bearer {token}"} if token else {}
        # A redirect would repeat our token to whoever it names.
        response = await self._http.post(url, json=body, headers=headers, allow_redirects=False)
        text = await treq.text_content(response)
        if not 200 <= response.code < 300:
            raise Refused.of(response.code, text)

    def _accepted(self) -> None:
        self.counts["accepted"] += 1
        self._failures = 0
        self._say(self.log.info, f"registered with {self._proxy_url} as {self._url}")

    def _failed(self, error: Exception) -> None:
        self.counts["failed"] += 1
        self._known = self.counts["accepted"] > 0
        self._failures += 1
        self._say(self.log.warn, f"cannot register with {self._proxy_url}, trying on: {_reason(error)}")

    def _say(self, log: Callable[..., None], word: str) -> None:
        if word != self._last_word:  # once per change, not once per try
            self._last_word = word
            log("{word}", word=word)


def _no_answer(result: object, timeout_s: float) -> NoReturn:
    raise Refused(f"no answer in {timeout_s:g} s")


def _reason(error: Exception) -> str:
    """*error* for a log line; of Twisted's lists of failures the first."""
    reasons = getattr(error, "reasons", None)
    cause = reasons[0].value if reasons else error
    return str(cause) or type(cause).__name__
