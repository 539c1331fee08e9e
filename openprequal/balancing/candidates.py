"""Whom does a pick choose among, where fresh reports are few?"""

from collections.abc import Collection, Sequence
from copy import copy
from random import Random

from openprequal.balancing.indexed_set import IndexedSet
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.probe_pool import ProbePool

_DRAWS = 8
"""Backends drawn where reports are missing and there are too many backends to look at all."""

_COLDEST = 5.0
"""A backend that joins others looks so many times as loaded as it is, at first."""


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

    Time counts in the estimates of those that picks look at, and reports become too old, but not at every pick:
    :meth:`among` lets it count when a fair part of the time in which a report fades is over, and every 5 ms at least.

    :ivar up: all that may be picked.
    :ivar probe_pool: those with a usable report.
    :ivar silent: those that do not report.
    """

    __slots__ = (
        "_estimate_missing",
        "_fade_every_s",
        "_faded_s",
        "_max_age_s",
        "_rng",
        "_since_s",
        "_small",
        "_warm_up_s",
        "_warming",
        "probe_pool",
        "silent",
        "up",
    )

    def __init__(
        self, pool_size: int, max_age_s: float, estimate_missing: bool, rng: Random, warm_up_s: float = 0.0
    ) -> None:
        """
        :param estimate_missing: False for the paper's way.
        :param warm_up_s: how long a backend that joins others is spared.
        """
        self.up: IndexedSet[LoadEstimate] = IndexedSet(rng.random)
        self.silent: IndexedSet[LoadEstimate] = IndexedSet(rng.random)
        self.probe_pool = ProbePool(pool_size, max_age_s)
        self._rng = rng
        self._small = pool_size
        self._max_age_s = max_age_s
        self._estimate_missing = estimate_missing
        self._warm_up_s = warm_up_s
        self._warming: dict[LoadEstimate, None] = {}
        self._since_s = 0.0
        self._faded_s = 0.0
        self._fade_every_s = 0.005

    def joined(self, load: LoadEstimate, now_s: float) -> None:
        """*load* may be picked from now on."""
        load.is_up = True
        load.joined_s = now_s
        # Those there are may be as new: then nobody has to be spared for another's sake.
        if not self.up:
            self._since_s = now_s
        elif self._warm_up_s and now_s - self._since_s > self._warm_up_s:
            self._warming[load] = None
            load.warm_up(_COLDEST)
        self.up.add(load)
        self.silent.add(load)

    def left(self, load: LoadEstimate) -> None:
        """*load* may no longer be picked."""
        load.is_up = False
        self.up.discard(load)
        self.silent.discard(load)
        self.probe_pool.discard(load)
        self._warming.pop(load, None)
        load.warm_up(1.0)

    def reported(self, load: LoadEstimate, uses: int) -> None:
        """*load* has a new report, worth *uses* picks."""
        if load in self.silent:
            self.silent.discard(load)
        if load.says_warming and self._warm_up_s:
            self._warming[load] = None
        self.probe_pool.add(load, uses)

    def among(self, exclude: Collection[str], now_s: float, fade_s: float) -> Collection[LoadEstimate]:
        """Whom to choose among; with fewer than two, there is nothing to go by.

        :param fade_s: in what time a report fades; infinite: never.
        """
        if now_s - self._faded_s >= self._fade_every_s:
            self._fade(now_s, fade_s)
        found = self.probe_pool.loads
        if exclude:
            found = [load for load in found if load.id not in exclude]
        if self._estimate_missing:
            if self.silent:
                found = self._with(self.silent, found, exclude, now_s)
            if len(found) < 2:
                found = self._with(self.up, found, exclude, now_s)
        return found

    def foreseen(self, exclude: Collection[str], now_s: float) -> Sequence[LoadEstimate]:
        """Whom :meth:`among` would give now, as copies with time counted in; nothing is changed. Not for the hot path.

        Where that would be drawn at random, it is the same few again and again.
        """
        found = [load for load in self.probe_pool.loads if now_s - load.reported_s <= self._max_age_s]
        found = [load for load in found if load.id not in exclude]
        if self._estimate_missing:
            few = self._small if len(self.up) <= self._small else _DRAWS
            found += [load for load in self.silent.members[:few] if load.id not in exclude]
            if len(found) < 2:
                found += [load for load in self.up.members[:few] if load.id not in exclude]
        copies = [copy(load) for load in dict.fromkeys(found)]
        for load in copies:
            load.refresh(now_s, self._max_age_s)
        return copies

    def refresh(self, now_s: float) -> None:
        """Now and then: let time count in the estimates of a small fleet, and warm up who is new.

        In a large one, those drawn are refreshed when drawn.
        """
        for load in list(self._warming):
            over = (now_s - load.joined_s) / self._warm_up_s
            if over < 1.0 or load.says_warming:
                load.warm_up(max(_COLDEST ** (1.0 - over), 2.0 if load.says_warming else 1.0))
            else:
                load.warm_up(1.0)
                del self._warming[load]
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

    def _fade(self, now_s: float, fade_s: float) -> None:
        self._faded_s = now_s
        self.probe_pool.expire(now_s)
        # A sixth of it is exact enough; twice a millisecond is often enough for anyone, and bounds the cost.
        self._fade_every_s = min(0.005, max(0.0005, fade_s / 6))
        for load in self.probe_pool.loads:
            load.refresh(now_s, self._max_age_s)

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
