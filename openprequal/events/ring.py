"""Which events are remembered, and how does somebody get those that are new to them?"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Final

from attrs import frozen

MOST: Final = 1000
"""Events that are remembered; then the oldest goes."""


class Kind(StrEnum):
    """What kind of thing happened."""

    JOINED = "joined"
    CHANGED = "changed"
    """Registered again with other particulars."""
    LEFT = "left"
    UP = "up"
    DOWN = "down"
    STANDBY = "standby"
    EJECTED = "ejected"
    RESTORED = "restored"
    PANIC = "panic"
    """Ejected, and used all the same."""
    DRAINED = "drained"
    UNDRAINED = "undrained"
    BALANCER = "balancer"
    """A service has another one."""
    RELOADED = "reloaded"
    NOT_RELOADED = "not reloaded"
    CERTIFICATE = "certificate"
    ERRORS = "errors"
    RETRIES = "retries"


@frozen
class Event:
    """One thing that happened."""

    n: int
    """Its number, from 1; the one after has the next."""
    at: float
    """Unix time."""
    kind: Kind
    message: str
    """In a sentence, for people."""
    service: str | None = None
    backend: str | None = None
    """URL; None: it is not about one backend."""
    by: str | None = None
    """Who asked for it: an address, or the name of a signal. None: nobody, it happened."""

    @property
    def row(self) -> dict[str, object]:
        """As JSON has it."""
        at = datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "n": self.n,
            "at": at,
            "kind": self.kind.value,
            "service": self.service,
            "backend": self.backend,
            "message": self.message,
            "by": self.by,
        }


class EventRing:
    """The last events, in the order they happened.

    :ivar last: the number of the latest; 0: there is none yet.
    """

    def __init__(self, wall_clock: Callable[[], float], most: int = MOST) -> None:
        """:param wall_clock: Unix time."""
        self._wall_clock = wall_clock
        self._events: deque[Event] = deque(maxlen=most)
        self.last = 0

    def add(
        self,
        kind: Kind,
        message: str,
        *,
        service: str | None = None,
        backend: str | None = None,
        by: str | None = None,
    ) -> None:
        """It has just happened; the arguments are those of :class:`Event`."""
        self.last += 1
        self._events.append(Event(self.last, self._wall_clock(), kind, message, service, backend, by))

    def after(self, number: int) -> list[Event]:
        """Those that are remembered of what came after event *number*, oldest first."""
        new = min(len(self._events), max(0, self.last - number))
        return list(islice(self._events, len(self._events) - new, None))
