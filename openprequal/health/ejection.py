"""Ejection: whose requests fail so much more than its peers' that it should get none for a while?

Passive health: it costs a request that succeeds nothing, and sees what a health path does not. Why there is this and
the balancers' own holding back too: docs/decisions/0010-ejection.md.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

from openprequal.health.standing import Standing
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.values import Ending, Outcome

HALF_LIFE_S: Final = 5.0
"""In what time an outcome counts half in the error rates."""
RECENT_S: Final = 10.0
"""How long a failure is evidence of how the peers fare, and how long after the last one the rates are kept up."""
JUDGE_EVERY_S: Final = 1.0
BY_CHANCE: Final = 1e-9
"""A row of failures counts if the failures of the peers would make it less often than this."""
LOST_S: Final = 1.0
"""The first ejection for failures of the connection: whoever was only restarted serves again soon."""
LOST: Final = frozenset((Ending.CONNECT_FAILED, Ending.BROKEN))


@frozen
class EjectionRules:
    """When a backend is ejected, and for how long."""

    failures: int = 5
    """In a row; and as many at least for the error rate to say anything."""
    error_rate: float = 0.5
    """Share of a backend's requests that fail, if it is also more than twice its peers' share."""
    first_s: float = 10.0
    """Length of the first ejection; each that follows soon is twice as long."""
    most_s: float = 300.0


class _Record:
    """What is remembered of one backend while anybody of its service fails."""

    __slots__ = ("errors", "failed_at", "fresh", "length_s", "returned_at", "seen", "streak", "total")

    def __init__(self, seen: int) -> None:
        self.seen = seen
        """Of its finished requests, those in ``total``."""
        self.total = 0.0
        self.errors = 0.0
        self.fresh = 0
        """Errors that are not counted in yet."""
        self.streak = 0
        self.failed_at = float("-inf")
        self.length_s = 0.0
        """Of its last ejection."""
        self.returned_at = float("-inf")


class Ejections:
    """Ejects the backends of one service, and lets them return.

    Three things eject: failures in a row (no response, 502, 503, 504), a share of failed requests (there 500 and the
    like count too), and connections that fail. All are relative, but for refused and unanswered connects, which no
    request can cause: where the peers fail alike, the cause is elsewhere, and nobody is ejected.

    If more than half of the backends that serve would be ejected, that says nothing about them: they are *spared*
    (panic mode), and all are used until fewer are ejected.

    :ivar counts: ejections so far by cause.
    """

    def __init__(
        self,
        rules: EjectionRules,
        service: Service,
        standings: Mapping[str, Standing],
        changed: Callable[[Standing], None],
    ) -> None:
        """
        :param standings: of all backends, by id.
        :param changed: told whose standing is another.
        """
        self.counts: Counter[str] = Counter(failures_in_a_row=0, error_rate=0, connections=0)
        self.rules = rules
        """May be replaced; they count for failures from then on."""
        self._service = service
        self._standings = standings
        self._changed = changed
        self._records: dict[str, _Record] = {}
        self._ejected: dict[str, Standing] = {}
        self._failed_at = float("-inf")
        self._judged_at = 0.0

    @property
    def panic(self) -> bool:
        """Are ejected backends used, because they are too many?"""
        return any(standing.spared for standing in self._ejected.values())

    def failed(self, member: Member, outcome: Outcome, now: float) -> None:
        """An attempt at *member* ended otherwise than with a response below 500."""
        # One that has left may still have requests under way, and another may bear its id now.
        if outcome.ending is Ending.CANCELLED or self._service.members.get(member.backend.id) is not member:
            return
        if not self._records:
            self._judged_at = now
            for peer in self._service.members.values():
                self._record(peer, counted=int(peer is member))
        record = self._record(member, counted=1)
        record.fresh += 1
        self._failed_at = now
        if not outcome.failed:
            return
        if member.answered_at >= record.failed_at:
            record.streak = 0
        record.streak += 1
        record.failed_at = now
        # A multiple: where the peers fail alike, it is not asked again for every further failure.
        if record.streak % self.rules.failures or member.backend.id in self._ejected:
            return
        if outcome.ending is Ending.CONNECT_FAILED or self._is_its_own(record, member, now):
            lost = outcome.ending in LOST
            why = f"{record.streak} failures in a row, the last: {_told(outcome)}"
            self._eject(member, record, "connections" if lost else "failures_in_a_row", why, now, lost=lost)

    def tick(self, now: float) -> None:
        """Called a few times a second: let those return whose time is over, and compare the error rates."""
        for backend_id, standing in list(self._ejected.items()):
            if standing.ejected_until is not None and standing.ejected_until <= now:
                self._reinstate(backend_id, now)
        if self._records and now - self._judged_at >= JUDGE_EVERY_S:
            self._judge(now)

    def restore(self, backend_id: str, now: float) -> bool:
        """Let it return before its time, if it is ejected; True if it was."""
        if backend_id not in self._ejected:
            return False
        self._reinstate(backend_id, now)
        return True

    def end(self, now: float) -> None:
        """Eject nobody any more: all return."""
        for backend_id in list(self._ejected):
            self._reinstate(backend_id, now)

    def left(self, backend_id: str) -> None:
        """It exists no more."""
        self._records.pop(backend_id, None)
        if self._ejected.pop(backend_id, None) is not None:
            self._spare_if_too_many()

    # ---- relative to the peers --------------------------------------------------------------------------------------

    def _is_its_own(self, record: _Record, member: Member, now: float) -> bool:
        """Does its row of failures say something of *member*, and not of what it was asked?"""
        if self._peers_fail(member, now):
            return False
        errors = total = 0.0
        for peer in self._service.members.values():
            theirs = self._records.get(peer.backend.id)
            if theirs is not None and peer is not member and peer.backend.id not in self._ejected:
                errors += theirs.errors + theirs.fresh
                total += theirs.total + peer.picks - peer.in_flight - theirs.seen
        # Where a share of all requests fails, such rows come by chance.
        return not total or (errors / total) ** record.streak < BY_CHANCE

    def _peers_fail(self, member: Member, now: float) -> bool:
        """Did more than half of the others that were used lately fail last?"""
        since = now - RECENT_S
        used = failing = 0
        for peer in self._service.members.values():
            record = self._records.get(peer.backend.id)
            failed_at = record.failed_at if record is not None else float("-inf")
            if peer is not member and max(failed_at, peer.answered_at) >= since:
                used += 1
                failing += failed_at > peer.answered_at
        return 2 * failing > used

    def _judge(self, now: float) -> None:
        """Count the last second in, and eject whose error rate is high beside its peers'."""
        keep = 0.5 ** ((now - self._judged_at) / HALF_LIFE_S)
        self._judged_at = now
        records = {member.backend.id: self._record(member) for member in self._service.members.values()}
        for member in self._service.members.values():
            record = records[member.backend.id]
            finished = member.picks - member.in_flight
            record.total = record.total * keep + finished - record.seen
            record.errors = record.errors * keep + record.fresh
            record.fresh = 0
            record.seen = finished
        total = sum(record.total for record in records.values())
        errors = sum(record.errors for record in records.values())
        rules = self.rules
        for backend_id, record in records.items():
            others = total - record.total
            if (
                record.errors >= rules.failures
                and record.errors >= rules.error_rate * record.total
                and others >= rules.failures
                and record.errors * others > 2 * (errors - record.errors) * record.total
                and backend_id not in self._ejected
            ):
                share = min(1.0, record.errors / record.total) if record.total else 1.0
                why = f"{share:.0%} of its requests fail, {(errors - record.errors) / others:.0%} of its peers'"
                self._eject(self._service.members[backend_id], record, "error_rate", why, now)
        self._spare_if_too_many()
        if not self._ejected and now - self._failed_at > RECENT_S:
            # Whoever has returned lately is remembered: its next ejection would be longer.
            self._records = {
                backend_id: record for backend_id, record in records.items() if self._is_recent(record, now)
            }

    def _record(self, member: Member, *, counted: int = 0) -> _Record:
        record = self._records.get(member.backend.id)
        if record is None:
            record = self._records[member.backend.id] = _Record(member.picks - member.in_flight - counted)
        return record

    # ---- out and in again -------------------------------------------------------------------------------------------

    def _eject(self, member: Member, record: _Record, cause: str, why: str, now: float, *, lost: bool = False) -> None:
        standing = self._standings[member.backend.id]
        rules = self.rules
        first_s = min(LOST_S, rules.first_s) if lost else rules.first_s
        longer_s = max(first_s, 2 * record.length_s) if self._is_recent(record, now) else first_s
        record.length_s = min(rules.most_s, longer_s)
        standing.eject(why, now, now + record.length_s)
        self._ejected[member.backend.id] = standing
        self.counts[cause] += 1
        # First, so that one that is used all the same is not taken out for a moment.
        self._spare_if_too_many()
        self._changed(standing)

    def _reinstate(self, backend_id: str, now: float) -> None:
        standing = self._ejected.pop(backend_id)
        record = self._records.get(backend_id)
        if record is not None:
            record.returned_at = now
            record.streak = 0
            record.errors = record.total = 0.0
            record.fresh = 0
        standing.reinstate(now)
        self._changed(standing)
        self._spare_if_too_many()

    @staticmethod
    def _is_recent(record: _Record, now: float) -> bool:
        """Has it returned, and been well for less long than it was ejected?"""
        return now - record.returned_at <= record.length_s

    def _spare_if_too_many(self) -> None:
        if not self._ejected:
            return
        serving = sum(self._standings[backend_id].serves for backend_id in self._service.members)
        ejected = sum(standing.serves for standing in self._ejected.values())
        panic = 2 * ejected > serving
        for standing in self._ejected.values():
            if standing.spared is not panic:
                standing.spared = panic
                self._changed(standing)


def _told(outcome: Outcome) -> str:
    """An outcome, for people."""
    if outcome.ending is Ending.RESPONSE:
        return f"answered {outcome.status}"
    return {
        Ending.CONNECT_FAILED: "no connection",
        Ending.BROKEN: "connection broken",
        Ending.TIMEOUT: "no answer in time",
    }.get(outcome.ending, outcome.ending.value)
