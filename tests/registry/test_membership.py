"""Membership: what observers hear when they act from inside a call."""

from zope.interface import implementer

from openprequal.interfaces import IMembershipObserver
from openprequal.registry.membership import Membership
from openprequal.testing.registry_contract import MembershipLog
from openprequal.values import Backend

A = Backend(url="http://a.test:1")
B = Backend(url="http://b.test:1")


@implementer(IMembershipObserver)
class Acting:
    """Does something when it hears that A joined."""

    def __init__(self, act) -> None:  # type: ignore[no-untyped-def]
        self.act = act

    def joined(self, backend: Backend) -> None:
        if backend == A:
            self.act()

    def changed(self, old: Backend, new: Backend) -> None:
        pass

    def left(self, backend: Backend, reason: str) -> None:
        pass


def test_a_change_made_by_an_observer_is_told_after_the_one_it_heard() -> None:
    membership, second = Membership(), MembershipLog()
    membership.subscribe(Acting(lambda: membership.remove(A.id, "unwanted")))
    membership.subscribe(second)
    membership.put(A)
    assert second.heard == [("joined", A.id), ("left", A.id)]


def test_an_observer_subscribed_from_inside_a_call_hears_each_change_once() -> None:
    membership, late = Membership(), MembershipLog()
    membership.subscribe(Acting(lambda: membership.subscribe(late)))
    membership.put(A)
    membership.put(B)
    assert late.heard == [("joined", A.id), ("joined", B.id)]


def test_one_removed_while_a_newcomer_is_told_of_all_joins_before_it_leaves() -> None:
    membership = Membership()
    membership.put(A)
    membership.put(B)

    class Removing(MembershipLog):
        def joined(self, backend: Backend) -> None:
            super().joined(backend)
            if backend == A:
                membership.remove(B.id, "unwanted")

    newcomer = Removing()
    membership.subscribe(newcomer)
    assert newcomer.heard == [("joined", A.id), ("joined", B.id), ("left", B.id)]


def test_the_backends_handed_out_do_not_change_behind_ones_back() -> None:
    membership = Membership()
    membership.put(A)
    before = membership.backends()
    membership.put(B)
    assert list(before) == [A]
