"""Which requests take so long that it is worth to ask another backend too (hedging)?"""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

TICK_S: Final = 0.01
SAMPLES: Final = 1000
LEAST_SAMPLES: Final = 100
REFRESH_S: Final = 1.0


class Waiting(Protocol):
    """A request that waits for its response head."""

    def late(self) -> None:
        """It has waited long; harmless if it waits no longer."""


class Lateness:
    """Tells requests when they have waited longer than most do: a percentile of the last thousand times to the head.

    One timer serves all requests, so that each costs an entry in a queue and no timer of its own.

    :ivar delay_s: how long most wait at most; None: not known yet.
    """

    def __init__(self, percentile: float, now: Callable[[], float]) -> None:
        """:param percentile: above 0, below 100."""
        self.delay_s: float | None = None
        self._share = percentile / 100
        self._now = now
        self._seconds: deque[float] = deque(maxlen=SAMPLES)
        self._refreshed_at = float("-inf")
        self._waiting: deque[tuple[float, Waiting]] = deque()

    def sent(self, waiting: Waiting) -> None:
        """*waiting* was sent now. Immediate."""
        if self.delay_s is not None:
            self._waiting.append((self._now(), waiting))

    def answered(self, seconds: float) -> None:
        """A response head came so long after its request. Immediate."""
        self._seconds.append(seconds)

    def tick(self) -> None:
        """Called every :data:`TICK_S`."""
        now = self._now()
        if now - self._refreshed_at >= REFRESH_S and len(self._seconds) >= LEAST_SAMPLES:
            self._refreshed_at = now
            self.delay_s = sorted(self._seconds)[int(self._share * len(self._seconds))]
        if self.delay_s is not None:
            since = now - self.delay_s
            while self._waiting and self._waiting[0][0] <= since:
                self._waiting.popleft()[1].late()
