"""Who may be picked? Follows the membership, checks backends, and tells each service who is up and who is down."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.health.by_hand import ByHand
from openprequal.health.ejection import EjectionRules, Ejections
from openprequal.health.standing import Condition, Standing
from openprequal.health.tiers import Tiers
from openprequal.health.verdict import failure_of
from openprequal.interfaces import IMembershipObserver
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.upstream.fetch import Answer, Fetch, get_request
from openprequal.upstream.own_shortage import is_own_shortage
from openprequal.values import Backend, Ending, LoadState, Outcome, ReportFormat, ReportWay

# A failed check, or a connect failure under traffic, is followed by another check this soon.
RECHECK_S: Final = 0.5


@frozen
class CheckRules:
    """How backends are checked."""

    interval_s: float = 5.0
    timeout_s: float = 2.0
    rise: int = 1
    """Passed checks in a row that bring a backend up."""
    fall: int = 2
    """Failed checks in a row that take it down."""
    jitter: float = 0.2
    """Share of the interval by which intervals differ, so that checks spread."""
    statuses: frozenset[int] | None = None
    """Those that pass; None: see ``verdict``."""


@frozen
class HealthRules:
    """How the backends of one service are judged."""

    path: str
    """Asked of those whose registration named none."""
    checks: CheckRules
    ejection: EjectionRules | None = None
    """None: nobody is ejected."""
    enough: float = 0.5
    """See :class:`~openprequal.health.tiers.Tiers`."""


@implementer(IMembershipObserver)
class HealthMonitor:
    """Checks every backend's health path and keeps the services' balancers told.

    A backend is checked when it joins and then every interval; not while responses and reports of its own say that it
    serves.
    One timer drives all checks, through :meth:`tick`.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rng: Random,
        services: Mapping[str, Service],
        make_member: Callable[[Backend], Member],
        *,
        rules: Mapping[str, HealthRules],
        zone: str | None = None,
    ) -> None:
        """
        :param rules: by service.
        :param zone: see :class:`~openprequal.health.tiers.Tiers`.
        """
        self._clock = clock
        self._rng = rng
        self._services = services
        self._checks: dict[str, tuple[Fetch, float]] = {}
        self.standings: dict[str, Standing] = {}
        """By backend id."""
        self.ejections: dict[str, Ejections] = {}
        """By service; without those where nobody is ejected."""
        self.by_hand = ByHand(clock, self.standings, self._ordered)
        self.turned: Callable[[Standing, Condition], None] = lambda standing, before: None
        """Hears of backends whose condition is another than it was, but for what an operator has just asked for."""
        self._strangers: dict[str, Backend] = {}
        """Backends of services that there are not, by id."""
        self._zone = zone
        self._tiers: dict[str, Tiers] = {}
        self.configure(make_member, rules)
        for service in services.values():
            self.watch(service)

    def configure(self, make_member: Callable[[Backend], Member], rules: Mapping[str, HealthRules]) -> None:
        """As at the beginning; counts for those that join, for checks and for failures from now on."""
        self._make_member = make_member
        self._rules = rules
        now = self._clock.seconds()
        for standing in self.standings.values():
            soonest = now + self._checks_of(standing).interval_s
            standing.next_check = min(standing.next_check, soonest)
        for name in list(self._tiers):
            if name in rules:
                self.watch(self._services[name])
                if self._tiers[name].configure(rules[name].enough):
                    self._offer_all(name)
            else:
                del self._tiers[name]
                self.ejections.pop(name, None)

    def watch(self, service: Service) -> None:
        """Judge the backends of *service* beside each other, as its rules say; harmless if that is done already."""
        name, rules = service.name, self._rules[service.name]
        self._tiers.setdefault(name, Tiers(self._zone, rules.enough))
        if rules.ejection is None:
            ejections = self.ejections.pop(name, None)
            if ejections is not None:
                ejections.end(self._clock.seconds())
        elif name in self.ejections:
            self.ejections[name].rules = rules.ejection
        else:
            self.ejections[name] = Ejections(rules.ejection, service, self.standings, self._ejection_changed)
        for backend in [each for each in self._strangers.values() if each.service == name]:
            self.joined(self._strangers.pop(backend.id))

    def _checks_of(self, standing: Standing) -> CheckRules:
        return self._rules[standing.backend.service].checks

    def offered(self, service: str) -> list[Backend]:
        """The backends of *service* that may be picked now."""
        return [one.backend for one in self.standings.values() if one.offered and one.backend.service == service]

    def offered_ids(self) -> set[str]:
        """Ids of all backends that may be picked now."""
        return {backend_id for backend_id, standing in self.standings.items() if standing.offered}

    # ---- membership -------------------------------------------------------------------------------------------------

    def joined(self, backend: Backend) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        if backend.service not in self._services:
            # Told by a source that knows nothing of our settings, which may come to know it.
            self.log.warn("{id} is not used: there is no such service", id=backend.id)
            self._strangers[backend.id] = backend
            return
        member = self._make_member(backend)
        self._services[backend.service].add(member)
        self.standings[backend.id] = standing = Standing(backend, self._clock.seconds())
        self.by_hand.joined(standing)
        self._notice(standing)
        member.addresses.refresh().addCallback(lambda _: self._check_if_here(backend))

    def changed(self, old: Backend, new: Backend) -> None:
        """Same id, other particulars: they count from now on."""
        if new.id in self._strangers:
            self._strangers[new.id] = new
            return
        if old.probe_port != new.probe_port:
            # Its connections lead elsewhere: it is another backend but for its name.
            self.left(old, "registered with another probe port")
            self.joined(new)
            return
        service = self._services[new.service]
        service.replace(new)
        standing = self.standings[new.id]
        standing.backend = new
        if old.draining != new.draining:
            standing.since = self._clock.seconds()
        if standing.offered:
            service.balancer.reweighted(new)
        self._apply(standing)
        if old.health_path != new.health_path:
            self._check_if_here(new)

    def left(self, backend: Backend, reason: str) -> None:
        """It exists no more; requests under way go on."""
        if self._strangers.pop(backend.id, None) is not None:
            return
        self._cancel_check(backend.id)
        standing = self.standings.pop(backend.id, None)
        if standing is not None:
            self.by_hand.left(standing)
        self._services[backend.service].remove(backend)
        if backend.service in self.ejections:
            self.ejections[backend.service].left(backend.id)
        if self._tiers[backend.service].left(backend.id):
            self._offer_all(backend.service)

    # ---- what traffic tells -----------------------------------------------------------------------------------------

    def failed(self, member: Member, outcome: Outcome) -> None:
        """An attempt at a backend ended otherwise than with a response below 500."""
        backend = member.backend
        ejections = self.ejections.get(backend.service)
        if ejections is not None:
            ejections.failed(member, outcome, self._clock.seconds())
        standing = self.standings.get(backend.id)
        if outcome.ending is Ending.CONNECT_FAILED and standing is not None and standing.checked_up:
            # Check now, whatever the interval says.
            standing.next_check = min(standing.next_check, self._clock.seconds())
            if backend.id not in self._checks:
                self._check(standing)

    def told_state(self, backend: Backend, state: LoadState) -> None:
        """The backend said how it is, in a load report."""
        standing = self.standings.get(backend.id)
        # While it warms up or drains, every response says so.
        if standing is not None and standing.told(state, self._clock.seconds()):
            self._apply(standing)

    def restore(self, standing: Standing) -> bool:
        """Eject it no longer, whoever or whatever did; True if that is news."""
        ejections = self.ejections.get(standing.backend.service)
        standing.noticed = None
        returned = ejections is not None and ejections.restore(standing.backend.id, self._clock.seconds())
        restored = self.by_hand.restore(standing)
        self._notice(standing)
        return returned or restored

    # ---- checks -----------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Called a few times a second: begin the checks that are due, give up those that take too long."""
        now = self._clock.seconds()
        for ejections in self.ejections.values():
            ejections.tick(now)
        for backend_id, (fetch, deadline) in list(self._checks.items()):
            if deadline <= now:
                fetch.cancel()
                timeout_s = self._checks_of(self.standings[backend_id]).timeout_s
                self._checked(backend_id, TimeoutError(f"none within {timeout_s} s"))
        for standing in list(self.standings.values()):
            if standing.next_check <= now and standing.backend.id not in self._checks:
                if standing.checked_up and not standing.failures and self._spares_check(standing, now):
                    self._schedule(standing, now)
                else:
                    self._check(standing)

    def stop(self) -> None:
        """Give up all checks under way."""
        for backend_id in list(self._checks):
            self._cancel_check(backend_id)

    def _spares_check(self, standing: Standing, now: float) -> bool:
        """Would a check say nothing new? It would where the backend serves, and tells in its reports when it drains.

        Others may announce that by the status of their health path alone.
        """
        report = self._services[standing.backend.service].members[standing.backend.id].report
        tells_state = report is not None and report.format is ReportFormat.OPENPREQUAL
        return tells_state and self._served_since(standing, now)

    def _served_since(self, standing: Standing, now: float) -> bool:
        """Has it answered requests or probes within the interval?

        A heartbeat does not count: it shows that the backend reaches us, not that we reach it; nor do probes of a port
        of their own.
        """
        member = self._services[standing.backend.service].members[standing.backend.id]
        served_at = member.answered_at
        if member.report_way is ReportWay.PROBE and member.probe_connections is member.connections:
            served_at = max(served_at, member.reported_at)
        return served_at > now - self._checks_of(standing).interval_s

    def _check_if_here(self, backend: Backend) -> None:
        standing = self.standings.get(backend.id)
        if standing is not None and backend.id not in self._checks:
            self._check(standing)

    def _check(self, standing: Standing) -> None:
        backend = standing.backend
        member = self._services[backend.service].members[backend.id]
        path = backend.health_path or self._rules[backend.service].path
        request = get_request(path, backend.authority)
        fetch = Fetch(member.connections, request, lambda result: self._checked(backend.id, result))
        self._checks[backend.id] = (fetch, self._clock.seconds() + self._checks_of(standing).timeout_s)
        fetch.start()

    def _checked(self, backend_id: str, result: Answer | Exception) -> None:
        self._checks.pop(backend_id, None)
        standing = self.standings.get(backend_id)
        if standing is None:
            return
        now = self._clock.seconds()
        if is_own_shortage(result):
            # Whom we lack the descriptors to ask may be as well as ever: once more, as soon as its turn comes.
            self._schedule(standing, now)
            return
        was_up = standing.checked_up
        service = self._services[standing.backend.service]
        report = service.reports.in_answer(result) if isinstance(result, Answer) else None
        if report is not None:
            # One that drains gets no traffic and no probes: a check is how it can say that it is ready again.
            service.noted(service.members[backend_id], report, now, ReportWay.HEALTH_CHECK)
        rules = self._checks_of(standing)
        why = failure_of(standing.backend, result, rules.statuses)
        if why is None:
            standing.passed(now, rules.rise)
        else:
            standing.failed(why, now, rules.fall)
        self._schedule(standing, now)
        if was_up and not standing.checked_up:
            # What it said before it went away says nothing of what comes back.
            service.members[backend_id].report = None
            standing.state = LoadState.READY
        if was_up != standing.checked_up:
            self.log.info(
                "{backend} is {what}: {reason}",
                backend=standing.backend.url,
                what="up" if standing.checked_up else "down",
                reason=standing.reason,
            )
        self._apply(standing)

    def _schedule(self, standing: Standing, now: float) -> None:
        rules = self._checks_of(standing)
        interval = rules.interval_s * (1 + rules.jitter * (self._rng.random() - 0.5))
        if standing.failures:
            interval = min(interval, RECHECK_S * min(standing.failures, 10))
        elif not standing.checked_up:  # on its way up
            interval = min(interval, RECHECK_S)
        standing.next_check = now + interval

    def _ejection_changed(self, standing: Standing) -> None:
        self.log.info("{backend}: {reason}", backend=standing.backend.url, reason=standing.reason)
        self._apply(standing)

    def _ordered(self, standing: Standing) -> None:
        standing.noticed = None
        self._apply(standing)

    def _apply(self, standing: Standing) -> None:
        """Tell the service, if what it was told last is no longer so, of this backend or of those whose turn it is."""
        if self._tiers[standing.backend.service].note(standing):
            self._offer_all(standing.backend.service)
        else:
            self._offer(standing)

    def _offer_all(self, service: str) -> None:
        standings = [standing for standing in self.standings.values() if standing.backend.service == service]
        # First those whose turn it becomes, so that there is always somebody.
        for standing in sorted(standings, key=lambda one: not self._tiers[service].uses(one.backend)):
            self._offer(standing)

    def _offer(self, standing: Standing) -> None:
        uses = self._tiers[standing.backend.service].uses(standing.backend)
        standing.standby = standing.pickable and not uses
        self._notice(standing)
        if standing.offered == (standing.pickable and uses):
            return
        standing.offered = not standing.offered
        service = self._services[standing.backend.service]
        if standing.offered:
            service.up(standing.backend)
        else:
            service.down(standing.backend)

    def _notice(self, standing: Standing) -> None:
        before, standing.noticed = standing.noticed, standing.condition
        if before is not None and standing.noticed is not before:
            self.turned(standing, before)

    def _cancel_check(self, backend_id: str) -> None:
        check = self._checks.pop(backend_id, None)
        if check is not None:
            check[0].cancel()
