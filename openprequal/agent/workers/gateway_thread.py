"""GatewayThread: heartbeats to one gateway from a thread, with nothing but the standard library.

The same rules as :class:`~openprequal.agent.heartbeat.Heartbeat`, for processes that run no reactor.
"""

import json
import logging
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import Random
from threading import Event, Thread
from urllib.parse import urlsplit

from openprequal.agent.heartbeat_body import (
    ANSWER_TIMEOUT_S,
    UNREGISTER_TIMEOUT_S,
    Refused,
    Registration,
    address_of,
    pause_s,
    registration_body,
    unregistration_body,
)
from openprequal.values import LoadReport

_log = logging.getLogger("openprequal.agent")


class GatewayThread(Thread):
    """Registers at one gateway again and again until it is told to :meth:`end`.

    :param announce: the URL to register; asked until it succeeds once.
    :param load: our load now, sent along.
    :param token: what to send as ``Authorization: Bearer`` now; None: nothing.
    """

    def __init__(
        self,
        proxy_url: str,
        registration: Registration,
        announce: Callable[[], str],
        load: Callable[[], LoadReport],
        rng: Random,
        token: Callable[[], str | None] = lambda: None,
    ) -> None:
        super().__init__(name=f"openprequal heartbeat to {proxy_url}", daemon=True)
        self._proxy_url = proxy_url.rstrip("/")
        self._registration = registration
        self._announce = announce
        self._load = load
        self._rng = rng
        self._token = token
        self._url: str | None = None
        self._known = False
        """Whether the gateway may know us."""
        self._failures = 0
        self._last_word: str | None = None
        self._ended = Event()
        self._unregisters = True

    def end(self, unregister: bool) -> None:
        """No more heartbeats; :meth:`join` returns once the gateway was told, or did not listen.

        :param unregister: False: the next process to lead goes on, and the gateway need not know.
        """
        self._unregisters = unregister
        self._ended.set()

    def run(self) -> None:
        """The thread's work."""
        while not self._ended.is_set():
            self._beat()
            self._ended.wait(pause_s(self._failures, self._registration.interval_s, self._rng))
        if self._known and self._unregisters:
            self._unregister()

    def _beat(self) -> None:
        try:
            if self._url is None:
                self._url = self._announce()
            body = registration_body(self._url, self._registration, self._load())
            self._known = True
            self._post("register", body, ANSWER_TIMEOUT_S)
        except Exception as error:
            self._failures += 1
            self._say(logging.WARNING, f"cannot register with {self._proxy_url}, trying on: {_reason(error)}")
        else:
            self._failures = 0
            self._say(logging.INFO, f"registered with {self._proxy_url} as {self._url}")

    def _unregister(self) -> None:
        assert self._url is not None
        try:
            self._post("unregister", unregistration_body(self._url, self._registration), UNREGISTER_TIMEOUT_S)
        except Exception as error:
            self._say(logging.WARNING, f"cannot unregister from {self._proxy_url}: {_reason(error)}")
        else:
            self._say(logging.INFO, f"unregistered from {self._proxy_url}")

    def _post(self, route: str, body: dict[str, object], timeout_s: float) -> None:
        """:raises Refused: the answer was no success."""
        parts = urlsplit(self._proxy_url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(*address_of(self._proxy_url), timeout=timeout_s)
        headers = {"Content-Type": "application/json", "Connection": "close"}
        token = self._token()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        try:
            # No redirect is followed: it would repeat our token to whoever it names.
            connection.request("POST", f"{parts.path}/{route}", json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read(4096).decode("utf-8", "replace")
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise Refused.of(response.status, text)

    def _say(self, level: int, word: str) -> None:
        if word != self._last_word:  # once per change, not once per try
            self._last_word = word
            _log.log(level, "%s", word)


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPException):  # what these say of themselves is a line of the answer
        return f"no HTTP: {type(error).__name__}"
    return str(error) or type(error).__name__
