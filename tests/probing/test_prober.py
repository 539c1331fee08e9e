"""Prober: whom it asks, and when (section 4 of the paper, PREQUAL.md section 5)."""

from collections.abc import Sequence
from random import Random

from twisted.internet.task import Clock

from openprequal.balancing.indexed_set import IndexedSet
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.probing.prober import Prober
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, LoadReport

REPORT = LoadReport(2.0, 0.1)


class Fleet:
    """A prober over *count* backends in virtual time."""

    def __init__(self, count: int, rate: float = 3.0, per_second: float = 1e9) -> None:
        self.clock = Clock()
        self.clock.advance(100.0)
        self.probes = ScriptedProbes(self.clock)
        self.loads: IndexedSet[LoadEstimate] = IndexedSet(Random(1).random)
        self.ended: list[tuple[LoadEstimate, LoadReport | None]] = []
        for number in range(count):
            load = LoadEstimate(Backend(url=f"http://b{number}.test:1"), Peers())
            load.is_up = True
            self.loads.add(load)
        self.prober = Prober(
            self.probes,
            self.draw,
            lambda load, report: self.ended.append((load, report)),
            rate=rate,
            interval_s=0.01,
            per_second=per_second,
            idle_s=0.5,
            idle_stop_s=10.0,
        )

    def draw(self, count: int) -> Sequence[LoadEstimate]:
        return self.loads.sample(count)

    def query(self) -> list[str]:
        before = len(self.probes.sent)
        self.prober.queried(self.clock.seconds())
        return [backend.id for backend in self.probes.sent[before:]]

    def tick_for(self, seconds: float) -> int:
        before = len(self.probes.sent)
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.prober.tick(self.clock.seconds())
        return len(self.probes.sent) - before


def test_a_query_probes_different_backends() -> None:
    fleet = Fleet(4)
    for _ in range(50):
        asked = fleet.query()
        assert len(asked) == len(set(asked)) == 3
        fleet.clock.advance(0.02)


def test_all_backends_are_probed_equally_often() -> None:
    fleet = Fleet(10)
    counts: dict[str, int] = {}
    for _ in range(4000):
        for each in fleet.query():
            counts[each] = counts.get(each, 0) + 1
        fleet.clock.advance(0.02)
    assert sum(counts.values()) == 12_000
    assert all(1000 < count < 1400 for count in counts.values())


def test_a_rate_below_one_probes_at_every_other_query() -> None:
    fleet = Fleet(10, rate=0.5)
    sent = []
    for _ in range(6):
        sent.append(len(fleet.query()))
        fleet.clock.advance(0.02)
    assert sent == [0, 1, 0, 1, 0, 1]


def test_a_backend_is_not_probed_twice_within_the_interval() -> None:
    fleet = Fleet(3)
    assert len(fleet.query()) == 3
    fleet.clock.advance(0.005)
    assert fleet.query() == []
    fleet.clock.advance(0.006)
    assert len(fleet.query()) == 3


def test_a_backend_that_reported_just_now_needs_no_probe() -> None:
    fleet = Fleet(3)
    heard = fleet.loads[0]
    heard.heard(REPORT, fleet.clock.seconds(), on_response=True)
    assert heard.id not in fleet.query()


def test_the_budget_bounds_what_queries_send() -> None:
    fleet = Fleet(100, per_second=50)
    for _ in range(1000):
        fleet.query()
        fleet.clock.advance(0.01)
    assert 450 <= len(fleet.probes.sent) <= 520


def test_a_pause_in_traffic_is_bridged_by_idle_probes() -> None:
    fleet = Fleet(5)
    fleet.query()
    assert 15 <= fleet.tick_for(5.0) <= 33


def test_after_ten_seconds_without_queries_only_single_idle_probes_are_sent() -> None:
    fleet = Fleet(5)
    fleet.query()
    fleet.tick_for(10.0)
    assert 15 <= fleet.tick_for(10.0) <= 21


def test_probes_are_counted_by_what_became_of_them() -> None:
    fleet = Fleet(3)
    answering, silent, leaving = fleet.loads[0], fleet.loads[1], fleet.loads[2]
    fleet.probes.answer(answering.backend, REPORT)
    fleet.probes.answer(leaving.backend, REPORT)
    fleet.query()
    leaving.is_up = False
    fleet.clock.pump([0.01] * 20)
    assert dict(fleet.prober.results) == {"sent": 3, "answered": 1, "unanswered": 1, "discarded": 1}
    assert fleet.ended == [(answering, REPORT), (silent, None)]
