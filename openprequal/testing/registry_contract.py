"""What must every registry do? Subclass :class:`RegistryContract` in a test module and pytest runs it on yours."""

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry, RegistryContext
from openprequal.values import Backend

T = TypeVar("T")
BY_HAND = Backend(url="http://a.test:8001")
LEASED = Backend(url="http://b.test:8001", heartbeat_seconds=10.0)


@implementer(IMembershipObserver)
class MembershipLog:
    """Writes down what it hears as (event, backend id) pairs; *loud* raises each time after writing it down."""

    def __init__(self, loud: bool = False) -> None:
        self.heard: list[tuple[str, str]] = []
        self.changes: list[tuple[Backend, Backend]] = []
        self._loud = loud

    def joined(self, backend: Backend) -> None:
        self._hear("joined", backend)

    def changed(self, old: Backend, new: Backend) -> None:
        self.changes.append((old, new))
        self._hear("changed", new)

    def left(self, backend: Backend, reason: str) -> None:
        assert reason
        self._hear("left", backend)

    def _hear(self, event: str, backend: Backend) -> None:
        self.heard.append((event, backend.id))
        if self._loud:
            raise RuntimeError("an observer that always fails")


class RegistryContract:
    """The behaviour that :class:`~openprequal.interfaces.IRegistry` promises, one test each, in virtual time.

    Override :meth:`make`; and :meth:`settle` if your provider answers later than at once.
    """

    def make(self, context: RegistryContext) -> IRegistry:
        """A new, empty registry of the kind under test."""
        raise NotImplementedError

    def settle(self, clock: Clock, pending: "Deferred[T]") -> None:
        """Do what *pending* needs to fire (answer the provider's source, advance *clock* a little); here: nothing."""

    def result_of(self, pending: "Deferred[T]") -> T:
        """The result *pending* fires with.

        :raises AssertionError: it did not fire; what it failed with, if it failed.
        """
        results: list[T] = []
        failures: list[Failure] = []
        pending.addCallbacks(results.append, failures.append)
        self.settle(self.clock, pending)
        for failure in failures:
            failure.raiseException()
        assert results, "it has not fired"
        return results[0]

    def refusal_of(self, pending: "Deferred[None]") -> RegistrationRefused:
        """The refusal a registration fails with."""
        try:
            self.result_of(pending)
        except RegistrationRefused as refused:
            return refused
        raise AssertionError("the registration was taken")

    def started(self, max_backends: int = 100, heartbeat_timeout_s: float | None = None) -> IRegistry:
        """A started registry on a clock of its own, ``self.clock``; stopped by :meth:`teardown_method`."""
        self.clock = Clock()
        self.registry = self.make(RegistryContext(self.clock, max_backends, heartbeat_timeout_s))
        self.registry.start()
        return self.registry

    def pass_time(self, seconds: float) -> None:
        """Let *seconds* go by in steps of 0.1 s, as a reactor would."""
        self.clock.pump([0.1] * round(seconds * 10))

    def teardown_method(self) -> None:
        """Stop the registry of the test that just ended."""
        if hasattr(self, "registry"):
            self.stop()

    def stop(self) -> None:
        """Stop the registry; it must leave no timer behind."""
        registry = self.registry
        del self.registry
        self.result_of(registry.stop())
        assert not self.clock.getDelayedCalls(), "stop() left a timer behind"

    def test_it_provides_the_interface(self) -> None:
        verifyObject(IRegistry, self.started())

    def test_it_is_empty_at_first(self) -> None:
        assert list(self.started().backends()) == []

    def test_backends_are_kept_in_the_order_they_joined(self) -> None:
        registry = self.started()
        self.result_of(registry.register(LEASED))
        self.result_of(registry.register(BY_HAND))
        self.result_of(registry.register(LEASED))
        assert list(registry.backends()) == [LEASED, BY_HAND]

    def test_the_same_address_in_two_services_is_two_backends(self) -> None:
        registry = self.started()
        other = Backend(url=BY_HAND.url, service="other")
        self.result_of(registry.register(BY_HAND))
        self.result_of(registry.register(other))
        assert list(registry.backends()) == [BY_HAND, other]

    def test_an_observer_is_told_of_those_known_within_the_call(self) -> None:
        registry, observer = self.started(), MembershipLog()
        self.result_of(registry.register(BY_HAND))
        self.result_of(registry.register(LEASED))
        registry.subscribe(observer)
        assert observer.heard == [("joined", BY_HAND.id), ("joined", LEASED.id)]

    def test_observers_have_been_told_when_the_registration_fires(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        self.result_of(registry.register(BY_HAND))
        assert observer.heard == [("joined", BY_HAND.id)]

    def test_registering_the_same_again_is_no_change(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        self.result_of(registry.register(LEASED))
        self.result_of(registry.register(LEASED))
        assert observer.heard == [("joined", LEASED.id)]

    def test_the_last_registration_decides(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        heavier = Backend(url=BY_HAND.url, weight=3.0)
        self.result_of(registry.register(BY_HAND))
        self.result_of(registry.register(heavier))
        assert list(registry.backends()) == [heavier]
        assert observer.changes == [(BY_HAND, heavier)]

    def test_unregistering_removes_it_and_tells(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        self.result_of(registry.register(BY_HAND))
        assert self.result_of(registry.unregister(BY_HAND.id)) is True
        assert list(registry.backends()) == []
        assert observer.heard == [("joined", BY_HAND.id), ("left", BY_HAND.id)]

    def test_unregistering_who_does_not_exist_says_so(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        assert self.result_of(registry.unregister("default/http://nobody.test:1")) is False
        assert observer.heard == []

    def test_an_observer_that_raises_keeps_nobody_from_hearing(self) -> None:
        registry, quiet = self.started(), MembershipLog()
        registry.subscribe(MembershipLog(loud=True))
        registry.subscribe(quiet)
        self.result_of(registry.register(BY_HAND))
        self.result_of(registry.unregister(BY_HAND.id))
        assert quiet.heard == [("joined", BY_HAND.id), ("left", BY_HAND.id)]

    def test_a_lease_that_is_silent_is_reaped_after_two_heartbeats(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        self.result_of(registry.register(LEASED))
        self.pass_time(19)
        assert list(registry.backends()) == [LEASED]
        self.pass_time(3)
        assert list(registry.backends()) == []
        assert observer.heard[-1] == ("left", LEASED.id)

    def test_a_lease_that_is_renewed_is_kept(self) -> None:
        registry = self.started()
        for _ in range(5):
            self.result_of(registry.register(LEASED))
            self.pass_time(15)
        assert list(registry.backends()) == [LEASED]

    def test_the_configured_time_out_goes_before_the_own_heartbeat(self) -> None:
        registry = self.started(heartbeat_timeout_s=3.0)
        self.result_of(registry.register(LEASED))
        self.pass_time(5)
        assert list(registry.backends()) == []

    def test_who_is_registered_by_hand_is_never_reaped(self) -> None:
        registry = self.started(heartbeat_timeout_s=1.0)
        self.result_of(registry.register(BY_HAND))
        self.pass_time(60)
        assert list(registry.backends()) == [BY_HAND]

    def test_registering_by_hand_ends_the_lease(self) -> None:
        registry = self.started()
        by_hand = Backend(url=LEASED.url)
        self.result_of(registry.register(LEASED))
        self.result_of(registry.register(by_hand))
        self.pass_time(60)
        assert list(registry.backends()) == [by_hand]

    def test_a_heartbeat_after_a_registration_by_hand_begins_a_lease(self) -> None:
        registry = self.started()
        self.result_of(registry.register(Backend(url=LEASED.url)))
        self.result_of(registry.register(LEASED))
        self.pass_time(22)
        assert list(registry.backends()) == []

    def test_who_comes_back_after_being_reaped_joins_again(self) -> None:
        registry, observer = self.started(), MembershipLog()
        registry.subscribe(observer)
        self.result_of(registry.register(LEASED))
        self.pass_time(22)
        self.result_of(registry.register(LEASED))
        assert [event for event, _ in observer.heard] == ["joined", "left", "joined"]

    def test_a_lease_ended_by_unregistering_does_not_reap_a_later_registration(self) -> None:
        registry = self.started()
        self.result_of(registry.register(LEASED))
        self.pass_time(15)
        self.result_of(registry.unregister(LEASED.id))
        self.result_of(registry.register(LEASED))
        self.pass_time(15)
        assert list(registry.backends()) == [LEASED]

    def test_one_too_many_is_refused_and_changes_nothing(self) -> None:
        registry, observer = self.started(max_backends=1), MembershipLog()
        registry.subscribe(observer)
        self.result_of(registry.register(BY_HAND))
        refused = self.refusal_of(registry.register(LEASED))
        assert refused.status == 503
        assert "max_backends" in refused.reason
        assert list(registry.backends()) == [BY_HAND]
        assert observer.heard == [("joined", BY_HAND.id)]

    def test_renewing_at_the_cap_is_not_refused(self) -> None:
        registry = self.started(max_backends=1)
        self.result_of(registry.register(LEASED))
        self.result_of(registry.register(LEASED))
        assert list(registry.backends()) == [LEASED]

    def test_a_place_set_free_can_be_taken(self) -> None:
        registry = self.started(max_backends=1)
        self.result_of(registry.register(BY_HAND))
        self.result_of(registry.unregister(BY_HAND.id))
        self.result_of(registry.register(LEASED))
        assert list(registry.backends()) == [LEASED]

    def test_nobody_is_reaped_after_the_stop(self) -> None:
        registry = self.started()
        self.result_of(registry.register(LEASED))
        self.stop()
        self.pass_time(60)
        assert list(registry.backends()) == [LEASED]
