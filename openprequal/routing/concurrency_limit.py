"""How many requests of a service may be under way at once? A number, or found by watching the latency."""

from math import sqrt
from typing import Final, Protocol

from openprequal.values import Ending, Outcome

TICK_S: Final = 0.1
TOLERANCE: Final = 2.0
"""From so many times the latency of an unloaded service on, the limit is lowered."""
LOWERED: Final = 0.9
LEAST: Final = 4
FIRST: Final = 16
ENOUGH: Final = 10
"""Responses that make a mean."""
MEASURE_FIRST_S: Final = 2.0
MEASURE_EVERY_S: Final = 30.0
MEASURED_AT: Final = 0.25
"""Share of the limit at which the unloaded latency is measured."""
DRAIN_TICKS: Final = 3


class ConcurrencyLimit(Protocol):
    """What a limited service asks."""

    allowed: int
    """Requests that may be under way now."""

    def finished(self, outcome: Outcome) -> None:
        """One ended. Immediate."""

    def tick(self, now: float, *, reached: bool) -> None:
        """Called every :data:`TICK_S`; *reached*: the limit was all that kept requests waiting since the last call."""


class FixedLimit:
    """A number that stays."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed

    def finished(self, outcome: Outcome) -> None:
        """See :class:`ConcurrencyLimit`."""

    def tick(self, now: float, *, reached: bool) -> None:
        """See :class:`ConcurrencyLimit`."""


class AdaptiveLimit:
    """Finds how much concurrency is of use: beyond it latency grows and throughput does not.

    The limit rises while it is reached and the mean latency stays below twice that of the unloaded service, and falls
    by a tenth where it does not. What unloaded means is measured anew now and then, at a quarter of the limit for some
    tenths of a second (as Envoy's gradient controller does it): else an overload that lasts would become the yardstick.

    Not for services whose requests last long by their nature (event streams, tunnels, long polls): they hold their
    place without telling anything.
    """

    def __init__(self, now: float) -> None:
        self.allowed = FIRST
        self.unloaded_s: float | None = None
        """Mean latency of the service when it is not loaded, as last measured."""
        self._limit = float(FIRST)
        self._count = 0
        self._sum_s = 0.0
        self._measure_after_s = MEASURE_FIRST_S
        self._measure_at = now + MEASURE_FIRST_S
        self._draining = 0
        self._measuring = False

    def finished(self, outcome: Outcome) -> None:
        """See :class:`ConcurrencyLimit`."""
        # Errors may be as fast as they like.
        if outcome.ending is Ending.RESPONSE and outcome.latency_s is not None and (outcome.status or 0) < 500:
            self._count += 1
            self._sum_s += outcome.latency_s

    def tick(self, now: float, *, reached: bool) -> None:
        """See :class:`ConcurrencyLimit`."""
        if self._draining:
            # What was begun at the full limit still ends now, and tells nothing.
            self._draining -= 1
            self._count, self._sum_s = 0, 0.0
            return
        if self._count < ENOUGH:
            return
        mean_s = self._sum_s / self._count
        self._count, self._sum_s = 0, 0.0
        if self._measuring:
            self._measured(mean_s, now)
        elif now >= self._measure_at:
            if reached:
                self._measuring = True
                self._draining = DRAIN_TICKS
                self.allowed = max(LEAST, int(self._limit * MEASURED_AT))
            else:
                self._measured(mean_s, now)
        else:
            self._adapt(mean_s, reached=reached)

    def _measured(self, mean_s: float, now: float) -> None:
        self.unloaded_s = mean_s
        self._measuring = False
        self._measure_after_s = min(MEASURE_EVERY_S, 2 * self._measure_after_s)
        self._measure_at = now + self._measure_after_s
        self.allowed = int(self._limit)

    def _adapt(self, mean_s: float, *, reached: bool) -> None:
        unloaded_s = self.unloaded_s = mean_s if self.unloaded_s is None else min(self.unloaded_s, mean_s)
        if mean_s > TOLERANCE * unloaded_s:
            if self._limit <= LEAST:
                # With so few under way it is not we who load it: the yardstick is out of date.
                self.unloaded_s = mean_s
            self._limit = max(float(LEAST), self._limit * LOWERED)
        elif reached:
            self._limit += sqrt(self._limit)
        self.allowed = int(self._limit)
