"""Leases: who has been silent for too long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from openprequal.registry.leases import SWEEP_S, Leases, lease_timeout_s
from openprequal.values import Backend


def leased(port: int, heartbeat_seconds: float | None = 1.0) -> Backend:
    return Backend(url=f"http://a.test:{port}", heartbeat_seconds=heartbeat_seconds)


class Expiries(list[str]):
    def __call__(self, backend_id: str, reason: str) -> None:
        self.append(backend_id)


@pytest.mark.parametrize(
    ("heartbeat_seconds", "configured", "expected"),
    [(30.0, None, 60.0), (30.0, 45.0, 45.0), (None, None, None), (None, 45.0, None)],
)
def test_the_length_of_a_lease(
    heartbeat_seconds: float | None, configured: float | None, expected: float | None
) -> None:
    assert lease_timeout_s(leased(1, heartbeat_seconds), configured) == expected


def test_one_timer_serves_all_leases() -> None:
    clock = Clock()
    leases = Leases(clock, None, Expiries())
    leases.start()
    for port in range(1, 1001):
        leases.renew(leased(port))
    assert len(clock.getDelayedCalls()) == 1


def test_leases_of_different_lengths_end_each_in_its_time() -> None:
    clock, expired = Clock(), Expiries()
    leases = Leases(clock, None, expired)
    leases.start()
    leases.renew(leased(1, 10.0))
    leases.renew(leased(2, 1.0))
    clock.pump([SWEEP_S] * 5)
    assert expired == [leased(2).id]
    clock.pump([SWEEP_S] * 40)
    assert expired == [leased(2).id, leased(1).id]


def test_a_shorter_lease_replaces_a_longer_one() -> None:
    clock, expired = Clock(), Expiries()
    leases = Leases(clock, None, expired)
    leases.start()
    leases.renew(leased(1, 100.0))
    leases.renew(leased(1, 1.0))
    clock.pump([SWEEP_S] * 5)
    assert expired == [leased(1).id]


def test_looking_through_ten_thousand_fresh_leases_touches_only_the_first() -> None:
    class Counting(dict[str, float]):
        touched = 0

        def items(self):  # type: ignore[no-untyped-def]
            for item in super().items():
                Counting.touched += 1
                yield item

    leases = Leases(Clock(), None, Expiries())
    for port in range(1, 10_001):
        leases.renew(leased(port))
    leases._deadlines_by_length = {length: Counting(queue) for length, queue in leases._deadlines_by_length.items()}
    leases.reap()
    assert Counting.touched == 1


def test_one_registered_again_by_whoever_hears_of_another_keeps_its_new_lease() -> None:
    clock, expired = Clock(), Expiries()

    def renew_the_second(backend_id: str, reason: str) -> None:
        expired(backend_id, reason)
        leases.renew(leased(2))

    leases = Leases(clock, None, renew_the_second)
    leases.renew(leased(1))
    leases.renew(leased(2))
    clock.advance(2)
    leases.reap()
    assert expired == [leased(1).id]
    assert len(leases) == 1


STEPS = st.lists(
    st.tuples(st.sampled_from(["renew", "end", "wait"]), st.integers(1, 4), st.sampled_from([None, 0.5, 1.0, 4.0]))
)


@given(STEPS)
def test_a_lease_ends_exactly_when_its_backend_was_silent_for_its_length(
    steps: list[tuple[str, int, float | None]],
) -> None:
    clock, expired = Clock(), Expiries()
    leases = Leases(clock, None, expired)
    model: dict[str, float] = {}
    for action, port, heartbeat_seconds in steps:
        backend = leased(port, heartbeat_seconds)
        if action == "renew":
            leases.renew(backend)
            model.pop(backend.id, None)
            if heartbeat_seconds is not None:
                model[backend.id] = clock.seconds() + 2 * heartbeat_seconds
        elif action == "end":
            leases.end(backend.id)
            model.pop(backend.id, None)
        else:
            clock.advance(port * 0.5)
            expired.clear()
            leases.reap()
            overdue = {backend_id for backend_id, deadline in model.items() if deadline <= clock.seconds()}
            assert set(expired) == overdue
            for backend_id in overdue:
                del model[backend_id]
        assert len(leases) == len(model)
