"""What must a registry do whose backends come from a source of its own? Subclass :class:`RegistrySourceContract`."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.testing.registry_contract import MembershipLog
from openprequal.values import Backend

ONE = Backend(url="http://192.0.2.1:8001")
TWO = Backend(url="http://192.0.2.2:8001")
HEAVY_TWO = Backend(url=TWO.url, weight=3.0)


class RegistrySourceContract:
    """The behaviour of such a registry, one test each, in virtual time.

    Override :meth:`make`, :meth:`say` and :meth:`fail`; and :attr:`noticed_s`, if yours takes longer.
    """

    noticed_s = 5.0
    """Within how many seconds it notices what its source says; one more is given."""

    def make(self, context: RegistryContext) -> IRegistry:
        """A new registry of the kind under test; :meth:`say` has been called."""
        raise NotImplementedError

    def say(self, backends: Sequence[Backend]) -> None:
        """Let the source say that *backends* exist, in this order."""
        raise NotImplementedError

    def fail(self) -> None:
        """Let the source be gone, or not be understood."""
        raise NotImplementedError

    def started(self, *backends: Backend, max_backends: int = 100) -> IRegistry:
        """A registry whose source says *backends*, started, and given the time to notice them."""
        self.clock = Clock()
        self.say(backends)
        self.registry = self.make(RegistryContext(self.clock, max_backends))
        self.registry.start()
        self.notice()
        return self.registry

    def notice(self) -> None:
        """Let the registry notice what its source says."""
        self.clock.pump([0.1] * round((self.noticed_s + 1) * 10))

    def teardown_method(self) -> None:
        """Stop the registry of the test that just ended; it must leave no timer behind."""
        if hasattr(self, "registry"):
            self.stop()

    def stop(self) -> None:
        """Stop the registry."""
        registry = self.registry
        del self.registry
        ended: list[None] = []
        registry.stop().addCallback(ended.append)
        self.clock.pump([0.1] * 100)
        assert ended, "stop() has not fired"
        assert not self.clock.getDelayedCalls(), "stop() left a timer behind"

    def test_it_provides_the_interface(self) -> None:
        verifyObject(IRegistry, self.started())

    def test_it_knows_whom_its_source_knows(self) -> None:
        assert list(self.started(ONE, TWO).backends()) == [ONE, TWO]

    def test_it_tells_whoever_subscribes_and_what_changes(self) -> None:
        registry, observer = self.started(ONE), MembershipLog()
        registry.subscribe(observer)
        assert observer.heard == [("joined", ONE.id)]
        self.say([ONE, TWO])
        self.notice()
        self.say([TWO])
        self.notice()
        assert observer.heard == [("joined", ONE.id), ("joined", TWO.id), ("left", ONE.id)]
        assert list(registry.backends()) == [TWO]

    def test_who_comes_is_told_before_who_goes(self) -> None:
        registry, observer = self.started(ONE), MembershipLog()
        registry.subscribe(observer)
        self.say([TWO])
        self.notice()
        assert observer.heard[1:] == [("joined", TWO.id), ("left", ONE.id)]

    def test_other_particulars_are_a_change(self) -> None:
        registry, observer = self.started(ONE, TWO), MembershipLog()
        registry.subscribe(observer)
        self.say([ONE, HEAVY_TWO])
        self.notice()
        assert observer.changes == [(TWO, HEAVY_TWO)]

    def test_the_same_again_is_no_change(self) -> None:
        registry, observer = self.started(ONE, TWO), MembershipLog()
        registry.subscribe(observer)
        heard = list(observer.heard)
        self.say([ONE, TWO])
        self.notice()
        assert observer.heard == heard

    def test_a_source_that_fails_changes_nothing(self) -> None:
        registry = self.started(ONE, TWO)
        self.fail()
        self.notice()
        assert list(registry.backends()) == [ONE, TWO]

    def test_a_source_that_comes_back_is_believed(self) -> None:
        registry = self.started(ONE)
        self.fail()
        self.notice()
        self.say([ONE, TWO])
        self.notice()
        assert list(registry.backends()) == [ONE, TWO]

    def test_nobody_can_register(self) -> None:
        registry = self.started(ONE)
        assert _refusal(registry.register(TWO)).status == 409
        assert list(registry.backends()) == [ONE]

    def test_nobody_can_unregister(self) -> None:
        registry = self.started(ONE)
        assert _refusal(registry.unregister(ONE.id)).status == 409
        assert list(registry.backends()) == [ONE]

    def test_after_the_stop_nothing_is_noticed(self) -> None:
        registry = self.started(ONE)
        self.stop()
        self.say([TWO])
        self.notice()
        assert list(registry.backends()) == [ONE]


def _refusal(pending: "Deferred[None] | Deferred[bool]") -> RegistrationRefused:
    """What *pending* has failed with."""
    failures: list[Failure] = []
    pending.addErrback(failures.append)
    assert failures, "it was not refused at once"
    refused = failures[0].value
    assert isinstance(refused, RegistrationRefused)
    assert refused.reason
    return refused
