"""A backend's standing: what its checks, its own word, its failures and operators add up to, and since when."""

from enum import StrEnum
from typing import Final, NamedTuple

from openprequal.values import Backend, LoadState


class Condition(StrEnum):
    """What a backend is, in one word."""

    UNCHECKED = "unchecked"
    """No check has ended yet."""
    UP = "up"
    DOWN = "down"
    """Its checks fail."""
    STANDBY = "standby"
    """Healthy, and not its turn: enough of those before it are healthy (``tiers``)."""
    DRAINING = "draining"
    """By its own word, the registry's, or an operator's."""
    EJECTED = "ejected"
    """Its checks pass, but its requests fail; or an operator wants it so."""
    PANIC = "panic"
    """Ejected, and used all the same: more than half of its service's backends would have to be ejected."""


class Orders(NamedTuple):
    """What operators want of one backend, and who does; None: nobody."""

    drained_by: str | None = None
    ejected_by: str | None = None


NO_ORDERS: Final = Orders()


class Standing:
    """May one backend be picked, and why not? State only; ``monitor`` and ``ejection`` act on it."""

    __slots__ = (
        "backend",
        "checked",
        "checked_up",
        "ejected_until",
        "ejected_why",
        "ejections",
        "failures",
        "next_check",
        "noticed",
        "offered",
        "orders",
        "passes",
        "since",
        "spared",
        "standby",
        "state",
        "verdict",
    )

    def __init__(self, backend: Backend, now: float) -> None:
        self.backend = backend
        self.checked = False
        """A check has ended."""
        self.checked_up = False
        """The last checks say it serves."""
        self.verdict = "waiting for its first health check"
        """What they say, for people."""
        self.state = LoadState.READY
        """Its own word, in load reports."""
        self.ejected_until: float | None = None
        """It is ejected until then; None: it is not."""
        self.ejected_why = ""
        self.ejections = 0
        """How often it was ejected since it joined."""
        self.spared = False
        """Ejected, but used all the same."""
        self.standby = False
        """It might be picked, but others come first."""
        self.since = now
        """When its condition became what it is."""
        self.failures = 0
        """Failed checks in a row."""
        self.passes = 0
        """Passed checks in a row."""
        self.next_check = now
        self.orders = NO_ORDERS
        self.noticed: Condition | None = Condition.UNCHECKED
        """The condition that was told of last; None: whoever changes it now tells of that."""
        self.offered = False
        """The balancer has been told that it may be picked."""

    @property
    def serves(self) -> bool:
        """Its checks, its own word, the registry's and an operator's allow that it is picked."""
        return self.checked_up and not self.drains and self.orders.ejected_by is None

    @property
    def drains(self) -> bool:
        """It ends, and gets nothing new."""
        return self.state is LoadState.DRAINING or self.backend.draining or self.orders.drained_by is not None

    @property
    def pickable(self) -> bool:
        return self.serves and (self.ejected_until is None or self.spared)

    @property
    def condition(self) -> Condition:
        """What it is. An order comes first: a backend that was taken out on purpose is not one that is down."""
        if self.orders.drained_by is not None:
            return Condition.DRAINING
        if self.orders.ejected_by is not None:
            return Condition.EJECTED
        if not self.checked_up:
            return Condition.DOWN if self.checked else Condition.UNCHECKED
        if self.drains:
            return Condition.DRAINING
        if self.standby:
            return Condition.STANDBY
        if self.ejected_until is None:
            return Condition.UP
        return Condition.PANIC if self.spared else Condition.EJECTED

    @property
    def reason(self) -> str:
        """Why it may (not) be picked, for people."""
        ordered = _told(self.orders)
        if ordered:
            return ordered if self.checked_up or not self.checked else f"{ordered}; {self.verdict}"
        condition = self.condition
        if condition is Condition.EJECTED:
            return f"ejected: {self.ejected_why}"
        if condition is Condition.PANIC:
            return f"used although {self.ejected_why}: so are more than half of its service"
        if condition is Condition.STANDBY:
            return "standby: enough backends of a lower priority number or a nearer zone are healthy"
        return "draining" if condition is Condition.DRAINING else self.verdict

    def passed(self, now: float, rise: int) -> None:
        """A check passed; *rise* in a row bring it up."""
        self.checked = True
        self.failures = 0
        self.passes += 1
        if not self.checked_up and self.passes >= rise:
            self.checked_up = True
            self.since = now
        self.verdict = "serving" if self.checked_up else f"health check: {self.passes} of {rise} passed"

    def failed(self, why: str, now: float, fall: int) -> None:
        """A check failed; *fall* failures in a row bring it down."""
        self.checked = True
        self.passes = 0
        self.failures += 1
        if self.checked_up and self.failures >= fall:
            self.checked_up = False
            self.since = now
        if not self.checked_up:
            self.verdict = f"health check: {why}"

    def told(self, state: LoadState, now: float) -> bool:
        """It said itself how it is; True if that is news."""
        if state is self.state:
            return False
        self.state = state
        self.since = now
        return True

    def eject(self, why: str, now: float, until: float) -> None:
        """Its requests fail: *why*, for people."""
        self.ejected_why = why
        self.ejected_until = until
        self.ejections += 1
        self.since = now

    def reinstate(self, now: float) -> None:
        """It is ejected no longer."""
        self.ejected_until = None
        self.spared = False
        self.since = now


def _told(orders: Orders) -> str:
    """*orders* for people; empty: there are none."""
    told = [("drained", orders.drained_by), ("ejected", orders.ejected_by)]
    return ", ".join(f"{what} by {who}" for what, who in told if who is not None)
