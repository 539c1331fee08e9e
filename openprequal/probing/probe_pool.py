"""Which reports may picks still use?"""

from collections.abc import Collection, Iterable

from openprequal.probing.estimate import LoadEstimate


class ProbePool:
    """At most *size* probe responses, one a backend: a new one replaces the old (section 4 of the paper).

    A response leaves when a new one arrives and the pool is full (the oldest goes), when it is older than the age
    limit, when its reuse budget is spent, and by :meth:`remove_one`. The paper may keep several responses of one
    replica; the younger is always the better one, so we do not. What a response says lives in the backend's
    :class:`~openprequal.probing.estimate.LoadEstimate`, where our own picks are added to it.
    """

    __slots__ = ("_loads", "_max_age_s", "_oldest_next", "_size")

    def __init__(self, size: int, max_age_s: float) -> None:
        """:param size: m, at least 1.
        :param max_age_s: age limit of a response, in seconds.
        """
        self._size = size
        self._max_age_s = max_age_s
        # In the order of receipt; the values are unused.
        self._loads: dict[LoadEstimate, None] = {}
        self._oldest_next = True

    def __len__(self) -> int:
        return len(self._loads)

    def __contains__(self, load: object) -> bool:
        return load in self._loads

    @property
    def loads(self) -> Collection[LoadEstimate]:
        """Who may be picked from, oldest report first; live."""
        return self._loads

    def add(self, load: LoadEstimate, uses: int) -> None:
        """A report of *load* has just been taken in; it may serve *uses* picks."""
        loads = self._loads
        if load in loads:
            del loads[load]
        elif len(loads) >= self._size:
            del loads[next(iter(loads))]
        loads[load] = None
        load.uses_left = uses

    def spend(self, load: LoadEstimate) -> None:
        """A pick used the report of *load*, if it is here."""
        if load in self._loads:
            load.uses_left -= 1
            if load.uses_left <= 0:
                del self._loads[load]

    def expire(self, now_s: float) -> None:
        """Drop what is older than the age limit."""
        loads = self._loads
        while loads:
            oldest = next(iter(loads))
            if now_s - oldest.reported_s <= self._max_age_s:
                return
            del loads[oldest]

    def discard(self, load: LoadEstimate) -> None:
        """*load* may no longer be picked."""
        self._loads.pop(load, None)

    def remove_one(self, threshold: float) -> None:
        """Remove, alternately, the oldest response and the worst one: old ones mislead, bad ones accumulate.

        :param threshold: the RIF from which a backend is hot.
        """
        if not self._loads:
            return
        gone = next(iter(self._loads)) if self._oldest_next else worst(self._loads, threshold)
        self._oldest_next = not self._oldest_next
        del self._loads[gone]


def worst(loads: Iterable[LoadEstimate], threshold: float) -> LoadEstimate:
    """Selection in reverse (section 4): the hot one with the highest RIF; if none is hot, the highest latency.

    :raises ValueError: *loads* is empty.
    """
    hottest = slowest = None
    highest_rif = highest_s = -1.0
    for load in loads:
        rif = load.rif
        if rif >= threshold:
            if rif > highest_rif:
                hottest, highest_rif = load, rif
        elif load.latency_s > highest_s:
            slowest, highest_s = load, load.latency_s
    chosen = hottest or slowest
    if chosen is None:
        raise ValueError("nothing to choose from")
    return chosen
