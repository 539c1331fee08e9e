"""The simulation's clock keeps the promises of IReactorTime."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from openprequal.simulation.clock import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(0.0)


@pytest.fixture
def happened() -> list[Any]:
    return []


def test_it_provides_the_interface(clock: VirtualClock) -> None:
    verifyObject(IReactorTime, clock)


def test_calls_happen_at_their_times_in_their_order(clock: VirtualClock, happened: list[Any]) -> None:
    for delay in (3.0, 1.0, 2.0):
        clock.callLater(delay, lambda: happened.append(clock.seconds()))
    clock.run_until(2.5)
    assert happened == [1.0, 2.0]
    assert clock.seconds() == 2.5


def test_calls_due_at_one_time_happen_in_the_order_in_which_they_were_made(
    clock: VirtualClock, happened: list[Any]
) -> None:
    clock.callLater(1.0, happened.append, "a")
    clock.after(1.0, happened.append, "b")
    clock.callLater(1.0, happened.append, "c")
    clock.run_until(1.0)
    assert happened == ["a", "b", "c"]


def test_a_call_made_during_a_call_happens_in_its_turn(clock: VirtualClock, happened: list[Any]) -> None:
    clock.callLater(1.0, lambda: clock.callLater(0.0, happened.append, "inner"))
    clock.callLater(1.5, happened.append, "later")
    clock.run_until(2.0)
    assert happened == ["inner", "later"]


def test_a_cancelled_call_does_not_happen(clock: VirtualClock, happened: list[Any]) -> None:
    call = clock.callLater(1.0, happened.append, "x")
    call.cancel()
    clock.run_until(2.0)
    assert happened == []
    with pytest.raises(AlreadyCancelled):
        call.cancel()


def test_a_call_that_happened_cannot_be_cancelled(clock: VirtualClock) -> None:
    call = clock.callLater(1.0, int)
    clock.run_until(1.0)
    with pytest.raises(AlreadyCalled):
        call.cancel()


@pytest.mark.parametrize(("seconds", "expected"), [(0.5, 1.0), (3.0, 3.5)])
def test_a_reset_call_happens_once_at_its_new_time(
    clock: VirtualClock, happened: list[Any], seconds: float, expected: float
) -> None:
    call = clock.callLater(2.0, lambda: happened.append(clock.seconds()))
    clock.run_until(0.5)
    call.reset(seconds)
    clock.run_until(10.0)
    assert happened == [expected]


def test_a_delayed_call_happens_once_and_later(clock: VirtualClock, happened: list[Any]) -> None:
    clock.callLater(1.0, lambda: happened.append(clock.seconds())).delay(1.5)
    clock.run_until(10.0)
    assert happened == [2.5]


def test_pending_calls_are_those_that_will_happen(clock: VirtualClock) -> None:
    clock.callLater(1.0, int).cancel()
    waiting = clock.callLater(2.0, int)
    clock.callLater(0.5, int)
    clock.run_until(1.5)
    assert clock.getDelayedCalls() == [waiting]


_times = st.integers(0, 20).map(lambda tenths: tenths / 8)


@given(st.lists(st.tuples(st.sampled_from(("call", "cancel", "reset", "delay", "pass")), st.integers(0, 5), _times)))
def test_whatever_is_done_the_same_happens_as_by_twisteds_clock(steps: list[tuple[str, int, float]]) -> None:
    assert _what_happens(VirtualClock(0.0), steps) == _what_happens(Clock(), steps)


def _what_happens(clock: Any, steps: list[tuple[str, int, float]]) -> list[tuple[float, int]]:
    happened: list[tuple[float, int]] = []

    def forward(seconds: float) -> None:
        # In small steps: twisted's clock tells every call the time at the end of the step.
        for step_s in (0.0, *[0.125] * int(seconds * 8)):
            clock.run_until(clock.now + step_s) if isinstance(clock, VirtualClock) else clock.advance(step_s)

    calls: list[Any] = []
    for step, which, seconds in steps:
        if step == "call":
            number = len(calls)
            calls.append(clock.callLater(seconds, lambda number=number: happened.append((clock.seconds(), number))))
        elif step == "pass":
            forward(seconds)
        elif which < len(calls) and calls[which].active():
            if step == "cancel":
                calls[which].cancel()
            elif step == "reset":
                calls[which].reset(seconds)
            else:
                calls[which].delay(seconds)
    forward(100.0)
    return sorted(happened)
