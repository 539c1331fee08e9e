"""Polling: everyone in turn."""

from math import inf

from twisted.internet.task import Clock

from openprequal.balancing.in_flight_counts import Counted
from openprequal.probing.polling import Polling
from openprequal.testing.balancer_contract import some_backends
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import LoadReport


class Round:
    def __init__(self, count: int, interval_s: float = 1.0) -> None:
        self.clock = Clock()
        self.probes = ScriptedProbes(self.clock)
        self.ended: list[tuple[Counted, LoadReport | None]] = []
        self.polling: Polling[Counted] = Polling(
            self.probes, lambda member, report: self.ended.append((member, report)), interval_s=interval_s
        )
        self.members = [Counted(backend) for backend in some_backends(count)]
        for member in self.members:
            member.is_up = True
            self.polling.add(member)
        self.polling.tick(0.0)

    def pass_s(self, seconds: float, step_s: float = 0.1) -> None:
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            self.polling.tick(self.clock.seconds())

    def asked(self) -> list[int]:
        places = [
            self.members.index(member)
            for backend in self.probes.sent
            for member in self.members
            if member.backend == backend
        ]
        self.probes.sent.clear()
        return places


def test_everyone_has_one_turn_in_an_interval_always_in_the_same_order() -> None:
    polling = Round(5)
    polling.pass_s(1.0)
    first = polling.asked()
    assert sorted(first) == [0, 1, 2, 3, 4]
    polling.pass_s(1.0)
    assert polling.asked() == first


def test_a_new_one_is_next() -> None:
    polling = Round(4)
    polling.pass_s(1.0)
    polling.asked()
    late = Counted(some_backends(5)[4])
    late.is_up = True
    polling.members.append(late)
    polling.polling.add(late)
    polling.pass_s(0.2)
    assert polling.asked() == [4]


def test_one_that_left_is_asked_no_more() -> None:
    polling = Round(3)
    polling.pass_s(1.0)
    polling.asked()
    polling.polling.discard(polling.members[1])
    polling.polling.discard(polling.members[1])
    polling.pass_s(2.0)
    assert sorted(polling.asked()) == [0, 0, 2, 2]


def test_after_a_long_pause_nobody_is_asked_twice() -> None:
    polling = Round(3)
    polling.pass_s(100.0, step_s=100.0)
    assert sorted(polling.asked()) == [0, 1, 2]


def test_with_an_infinite_interval_nobody_is_asked() -> None:
    polling = Round(3, interval_s=inf)
    polling.pass_s(100.0)
    assert polling.asked() == []


def test_no_answer_is_told_as_such() -> None:
    polling = Round(1)
    polling.pass_s(1.2)
    assert polling.ended == [(polling.members[0], None)]
    assert polling.polling.results == {"sent": 1, "answered": 0, "unanswered": 1, "discarded": 0}


def test_the_answer_of_one_that_went_down_meanwhile_is_discarded() -> None:
    polling = Round(1)
    polling.probes.answer(polling.members[0].backend, LoadReport(1.0, 0.1))
    polling.pass_s(1.0)
    polling.members[0].is_up = False
    polling.pass_s(0.1)
    assert polling.ended == []
    assert polling.polling.results["discarded"] == 1
