"""When are errors and retries, of which there may be thousands a second, worth an event?"""

from collections.abc import Callable, Mapping
from typing import Final

from openprequal.events.ring import EventRing, Kind

LOOK_S: Final = 1.0
"""Seconds between two looks at the counts: so soon the first of them is told."""
LONGEST_S: Final = 60.0
"""While they go on, each event tells of twice as long a time as the one before, up to this: else an hour of errors
would push everything else out of the ring."""
MOST_NAMED: Final = 5
"""Services that an event names."""


class Surges:
    """Looks at one count of each service, and tells by how much they grew."""

    def __init__(self, ring: EventRing, kind: Kind, what: str, counts: Callable[[], Mapping[str, int]]) -> None:
        """
        :param what: is counted, for people, as in "7 …".
        :param counts: how many there were so far, by service.
        """
        self._ring = ring
        self._kind = kind
        self._what = what
        self._counts = counts
        self._seen = dict(counts())
        self._looked_at: float | None = None
        self._wait_s = LOOK_S
        self._next_at = float("-inf")

    def tick(self, now: float) -> None:
        """Called every :data:`LOOK_S` seconds."""
        if now < self._next_at:
            return
        counts = dict(self._counts())
        # A service that has come anew begins at 0, whatever one of its name had counted.
        new = {name: count - self._seen.get(name, 0) for name, count in counts.items()}
        new = {name: count for name, count in new.items() if count > 0}
        elapsed_s = LOOK_S if self._looked_at is None else now - self._looked_at
        self._seen, self._looked_at = counts, now
        if not new:
            self._wait_s, self._next_at = LOOK_S, now
            return
        self._ring.add(self._kind, self._told(new, elapsed_s), service=next(iter(new)) if len(new) == 1 else None)
        self._next_at = now + self._wait_s
        self._wait_s = min(LONGEST_S, 2 * self._wait_s)

    def _told(self, new: Mapping[str, int], elapsed_s: float) -> str:
        text = f"{sum(new.values())} {self._what} within {max(1, round(elapsed_s))} s"
        if len(new) == 1:
            return text
        most = sorted(new.items(), key=lambda each: -each[1])
        named = ", ".join(f"{count} of {name}" for name, count in most[:MOST_NAMED])
        return f"{text}: {named}" + (", …" if len(most) > MOST_NAMED else "")
