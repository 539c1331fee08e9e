"""May one more request be sent than clients asked for? Retries and hedges of a service share one budget."""

from collections import Counter
from collections.abc import Callable
from math import exp
from typing import Final

FLOOR_PER_S: Final = 3.0
"""So many a second are always allowed, or nothing could be repeated where there is little traffic."""
WINDOW_S: Final = 10.0
"""How long what is not used can be saved up."""


class RetryBudget:
    """A share of the service's requests, and a small floor.

    A count per request alone would multiply an overload by itself: when all backends fail, each request would be sent
    that many times more. A share bounds what all of them add.

    Nothing is done per request: what the requests since the last look have paid in is reckoned when somebody asks.
    """

    def __init__(self, share: float, requests: Callable[[], int]) -> None:
        """
        :param share: of requests that may be sent again; 0: none may, the floor does not count.
        :param requests: how many there were so far.
        """
        self.counts: Counter[str] = Counter()
        """What was spent so far, by what for."""
        self.refused = 0
        """How often there was nothing left."""
        self._share = share
        self._requests = requests
        self._seen = requests()
        self._looked_at: float | None = None
        self._tokens = FLOOR_PER_S * WINDOW_S if share else 0.0

    def configure(self, share: float) -> None:
        """As at the beginning; what was saved up remains, if any may be sent again."""
        if share != self._share:
            self._share = share
            self._tokens = self._tokens if share else 0.0

    def available(self, now: float) -> bool:
        """May another be sent? One that may not is counted."""
        self._pay_in(now)
        if self._tokens >= 1.0:
            return True
        self.refused += 1
        return False

    def spend(self, what_for: str) -> None:
        """One is sent."""
        self._tokens -= 1.0
        self.counts[what_for] += 1

    def _pay_in(self, now: float) -> None:
        """What is there fades with the window, and so does what came since the last look."""
        requests = self._requests()
        elapsed = now - (now if self._looked_at is None else self._looked_at)
        paid = self._share * (requests - self._seen) + (FLOOR_PER_S * elapsed if self._share else 0.0)
        self._seen, self._looked_at = requests, now
        fading = elapsed / WINDOW_S
        kept = exp(-fading)
        self._tokens = self._tokens * kept + paid * ((1.0 - kept) / fading if fading > 0 else 1.0)
