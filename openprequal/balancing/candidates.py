"""Whom does a pick choose among, where fresh reports are few?"""

from collections.abc import Collection
from random import Random

from openprequal.balancing.indexed_set import IndexedSet
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.probe_pool import ProbePool

_DRAWS = 5
"""Backends drawn where reports are missing and there are too many backends to look at all."""


class Candidates:
    """The backends that are up, with those whose report may still be used, and those that are silent.

    The paper chooses from the probe pool and, where it holds fewer than two, at random. In a small fleet that would be
    most of the time: with three backends, one proxy and thousands of requests a second, probes come at most once per
    backend and 10 ms, a report serves one pick, and nearly all are spent when a pick comes; a slow backend would get
    its full third. But spent is not forgotten: a :class:`~openprequal.probing.estimate.LoadEstimate` follows each
    backend at every event of ours. So where the pool holds fewer than two, the same rule chooses by what is believed:
    among all backends where they are no more than a pool holds, else among those in the pool and a few drawn at random.

    Backends that do not report at all (none came yet, or the last probe was not answered) are judged so beside the
    others' reports; else a fleet of which only some report would starve the rest.

    :ivar up: all that may be picked.
    :ivar probe_pool: those with a usable report.
    :ivar silent: those that do not report.
    """

    __slots__ = ("_estimate_missing", "_max_age_s", "_rng", "_small", "probe_pool", "silent", "up")

    def __init__(self, pool_size: int, max_age_s: float, estimate_missing: bool, rng: Random) -> None:
        """:param estimate_missing: False for the paper's way."""
        self.up: IndexedSet[LoadEstimate] = IndexedSet(rng.random)
        self.silent: IndexedSet[LoadEstimate] = IndexedSet(rng.random)
        self.probe_pool = ProbePool(pool_size, max_age_s)
        self._rng = rng
        self._small = pool_size
        self._max_age_s = max_age_s
        self._estimate_missing = estimate_missing

    def joined(self, load: LoadEstimate) -> None:
        """*load* may be picked from now on."""
        load.is_up = True
        self.up.add(load)
        self.silent.add(load)

    def left(self, load: LoadEstimate) -> None:
        """*load* may no longer be picked."""
        load.is_up = False
        self.up.discard(load)
        self.silent.discard(load)
        self.probe_pool.discard(load)

    def reported(self, load: LoadEstimate, uses: int) -> None:
        """*load* has a new report, worth *uses* picks."""
        if load in self.silent:
            self.silent.discard(load)
        self.probe_pool.add(load, uses)

    def among(self, exclude: Collection[str], now_s: float) -> Collection[LoadEstimate]:
        """Whom to choose among; with fewer than two, there is nothing to go by."""
        self.probe_pool.expire(now_s)
        found = self.probe_pool.loads
        if exclude:
            found = [load for load in found if load.id not in exclude]
        if self._estimate_missing:
            if self.silent:
                found = self._with(self.silent, found, exclude, now_s)
            if len(found) < 2:
                found = self._with(self.up, found, exclude, now_s)
        return found

    def refresh(self, now_s: float) -> None:
        """Let time count in the estimates of a small fleet; in a large one, those drawn are refreshed when drawn."""
        if len(self.up) <= self._small:
            for load in self.up:
                load.refresh(now_s, self._max_age_s)

    def draw(self, exclude: Collection[str]) -> LoadEstimate | None:
        """Any that may be picked, uniformly; None if there is none."""
        if not self.up:
            return None
        load = self.up.draw()
        if load.id not in exclude:
            return load
        left = [each for each in self.up if each.id not in exclude]
        return self._rng.choice(left) if left else None

    def _with(
        self,
        others: IndexedSet[LoadEstimate],
        found: Collection[LoadEstimate],
        exclude: Collection[str],
        now_s: float,
    ) -> Collection[LoadEstimate]:
        """*found*, and *others*: all of them in a small fleet, else a few."""
        if len(self.up) <= self._small:
            drawn = others.members
            if others is self.up and not exclude:
                return drawn
        else:
            drawn = others.sample(_DRAWS)
            for load in drawn:
                load.refresh(now_s, self._max_age_s)
        # A dict keeps the order, a set of objects would not be the same from run to run.
        both = dict.fromkeys((*found, *drawn))
        return [load for load in both if load.id not in exclude] if exclude else both
