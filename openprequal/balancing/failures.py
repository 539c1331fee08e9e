"""Which backends fail more than their peers, and must not draw traffic by failing fast?"""

from openprequal.probing.estimate import LoadEstimate


class FailureRecord:
    """Holds back a backend whose requests fail, as long as those of its peers do not (the paper's "sinkholing").

    A backend that fails at once has an idle look: no requests, no latency. So each has a *waste*, the recent share of
    its outcomes that failed: it moves a tenth of the way with every outcome and halves each second without one. It is
    held back from a waste of 0.2 (three failures in a row, or a steady fifth) if that is also more than twice the
    average of its peers: where all fail alike, the cause is elsewhere, and the choice goes on as if nobody failed.
    Where the peers do not fail at all, two in a row are enough.

    It is tried again after three seconds. If that fails too, after six, and so on up to half a minute: with many
    proxies, each of which wants to see for itself, every failure more that it takes is one for each of them.
    """

    _STEP = 0.1
    _LIMIT = 0.2
    _NONE = 0.02
    """An average waste below this: the peers do not fail."""
    _FIRST_S = 3.0
    _MOST_S = 30.0

    __slots__ = ("_members", "_total", "_wasting")

    def __init__(self) -> None:
        self._members = 0
        self._total = 0.0
        self._wasting: dict[LoadEstimate, None] = {}

    def joined(self, load: LoadEstimate) -> None:
        """*load* may be picked now."""
        self._members += 1
        self._total += load.waste
        if load.waste:
            self._wasting[load] = None

    def left(self, load: LoadEstimate) -> None:
        """*load* may no longer be picked."""
        self._members -= 1
        self._total -= load.waste
        self._wasting.pop(load, None)

    def outcome(self, load: LoadEstimate, failed: bool, now_s: float) -> None:
        """A request to *load* ended."""
        if failed:
            load.failures_in_a_row += 1
            waste = load.waste + self._STEP * (1.0 - load.waste)
            if load.failures_in_a_row >= 2 and self._peers(load) < self._NONE:
                waste = max(waste, self._LIMIT)
            self._set(load, waste, now_s)
        elif load.waste:
            load.failures_in_a_row = 0
            self._set(load, load.waste * (1.0 - self._STEP), now_s)

    def tick(self, elapsed_s: float, now_s: float) -> None:
        """Forgive with time: halve what is older than a second."""
        keep = 0.5**elapsed_s
        for load in list(self._wasting):
            if now_s >= load.held_until_s:
                # One more failure is enough to hold it back again, until it has shown that it is well.
                self._set(load, min(load.waste * keep, self._LIMIT - 0.01), now_s)

    def _set(self, load: LoadEstimate, waste: float, now_s: float) -> None:
        if waste < 0.01:
            waste = 0.0
            load.backoff_s = 0.0
            load.failures_in_a_row = 0
        if load.is_up:
            self._total += waste - load.waste
            if waste:
                self._wasting[load] = None
            else:
                self._wasting.pop(load, None)
        load.waste = waste
        failing = waste >= self._LIMIT and waste > 2.0 * self._peers(load)
        if failing and now_s >= load.held_until_s:
            load.backoff_s = min(self._MOST_S, 2.0 * load.backoff_s or self._FIRST_S)
            load.held_until_s = now_s + load.backoff_s
        load.hold_back(failing)

    def _peers(self, load: LoadEstimate) -> float:
        if not load.is_up or self._members < 2:
            return 0.0
        return max(0.0, self._total - load.waste) / (self._members - 1)
