"""Where do the keys come from that tokens are signed with, and when are they looked at again?"""

import re
from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.checks.asking import Answer
from openprequal.checks.keys import KeySet, parse_key_set
from openprequal.checks.watched_file import WatchedFile

FETCH_TIMEOUT_S: Final = 5.0
AGAIN_S: Final = 10.0
"""Between the beginnings of two fetches, whatever key is missed: tokens are easily made up."""
USUAL_AGE_S: Final = 300.0
"""How long keys are good whose server says nothing of it."""
LEAST_AGE_S: Final = 60.0
MOST_AGE_S: Final = 86_400.0

_MAX_AGE: Final = re.compile(rb"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,;])", re.IGNORECASE)


class KeySource(Protocol):
    """Has the keys, as far as they are known."""

    @property
    def keys(self) -> KeySet | None:
        """Those known; None: none yet. Another object when they are others."""

    def refresh(self) -> "Deferred[None] | None":
        """A key was missed: fires when it may be there; None: there is nothing to wait for."""

    def tick(self) -> None:
        """Called once a second."""


class KeysInFile:
    """Keys from a file, which may be replaced."""

    def __init__(self, file: WatchedFile[KeySet]) -> None:
        self._file = file

    @property
    def keys(self) -> KeySet | None:
        return self._file.value

    def refresh(self) -> "Deferred[None] | None":
        return None

    def tick(self) -> None:
        self._file.look()


class FixedKeys:
    """Keys that stay."""

    def __init__(self, keys: KeySet) -> None:
        self.keys: KeySet | None = keys

    def refresh(self) -> "Deferred[None] | None":
        return None

    def tick(self) -> None:
        """Nothing changes."""


class FetchedKeys:
    """Keys from a server, which are fetched again when they are old or one is missed.

    What was good is kept while the server is away, or says what means nothing.
    """

    log = Logger()

    def __init__(self, clock: IReactorTime, fetch: Callable[[], "Deferred[Answer]"], url: str) -> None:
        """
        :param fetch: asks for them once.
        :param url: where, for the log.
        """
        self.keys: KeySet | None = None
        self._clock = clock
        self._fetch = fetch
        self._url = url
        self._content: bytes | None = None
        self._began_at: float | None = None
        self._due_at = 0.0
        self._fetching = False
        self._waiting: list[Deferred[None]] = []

    def refresh(self) -> "Deferred[None] | None":
        if not self._fetching:
            if self._began_at is not None and self._clock.seconds() - self._began_at < AGAIN_S:
                return None
            self._begin()
            if not self._fetching:
                return None  # it has ended already
        waiting: Deferred[None] = Deferred(self._not_wanted)
        self._waiting.append(waiting)
        return waiting

    def tick(self) -> None:
        if not self._fetching and self._clock.seconds() >= self._due_at:
            self._begin()

    def _not_wanted(self, waiting: "Deferred[None]") -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _begin(self) -> None:
        self._fetching = True
        self._began_at = self._clock.seconds()
        self._due_at = self._began_at + AGAIN_S
        fetching = self._fetch().addTimeout(FETCH_TIMEOUT_S, self._clock)
        fetching.addCallback(self._came).addErrback(self._failed).addBoth(self._ended)

    def _came(self, answer: Answer) -> None:
        if answer.status != 200:
            raise ValueError(f"answered {answer.status}")
        if answer.content is None:
            raise ValueError("answered with too much")
        if answer.content != self._content:
            self.keys = parse_key_set(answer.content)
            self._content = answer.content
            self.log.info("{count} keys from {url}", count=len(self.keys), url=self._url)
        self._due_at = self._clock.seconds() + _age(answer)

    def _failed(self, failure: Failure) -> None:
        self.log.warn(
            "no keys from {url}: {reason}; what was known before still holds",
            url=self._url,
            reason=failure.getErrorMessage(),
        )

    def _ended(self, _: object) -> None:
        self._fetching = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.called:
                each.callback(None)


def _age(answer: Answer) -> float:
    """Seconds for which an answer may be used (RFC 9111 section 5.2.2.1), within bounds."""
    said = _MAX_AGE.search(b",".join(answer.headers.getRawHeaders(b"cache-control") or []))
    return min(max(float(said[1]), LEAST_AGE_S), MOST_AGE_S) if said is not None else USUAL_AGE_S
