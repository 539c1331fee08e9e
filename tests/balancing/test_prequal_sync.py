"""Sync mode: "issue d probes, at least 2 and typically 3 to 5, wait for d - 1 answers, select by the same rule"."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from twisted.internet.task import Clock

from openprequal.balancing.prequal_sync import PrequalSync
from openprequal.errors import ConfigurationError
from openprequal.hints import hint_of
from openprequal.interfaces import BalancerContext, IPending
from openprequal.testing.balancer_contract import AnyRequest, some_backends
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome

FAST, SLOW, DEAD = LoadReport(1.0, 0.01), LoadReport(1.0, 0.5), None
FAILED = Outcome(Ending.BROKEN, None, None)
TENANT = AnyRequest(fields=[(b"Tenant", b"7")])
HINT = hint_of(b"7")


class Case:
    """A balancer over *backends* that answer within a millisecond, and the picks it has made."""

    def __init__(self, backends: int | Sequence[Backend] = 5, **parameters: object) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.probes = ScriptedProbes(self.clock, round_trip_s=0.001, timeout_s=0.1)
        self.balancer = PrequalSync(BalancerContext(self.clock, Random(1), self.probes, parameters))
        self.backends = some_backends(backends) if isinstance(backends, int) else list(backends)
        self.excluded: set[str] = set()
        self.picked: list[Backend | None] = []
        for backend in self.backends:
            self.probes.answer(backend, FAST)
            self.balancer.up(backend)

    def answer(self, *reports: LoadReport | None, hint: bytes | None = None) -> None:
        """From now on the first backends answer so."""
        for backend, report in zip(self.backends, reports, strict=False):
            self.probes.answer(backend, report, hint=hint)

    def ask(self, request: AnyRequest | None = None) -> IPending:
        """A pick that has to wait."""
        pending = self.balancer.pick(request or AnyRequest(), self.excluded)
        assert IPending.providedBy(pending)
        pending.whenPicked(self.picked.append)
        return pending

    def pick(self, request: AnyRequest | None = None) -> Backend | None:
        """A pick whose probes have been answered."""
        self.ask(request)
        self.wait(0.001)
        return self.picked[-1]

    def wait(self, seconds: float) -> None:
        """The clock goes on by so much, and then there is a tick."""
        self.clock.advance(seconds)
        self.balancer.tick()


def test_each_pick_asks_d_different_backends_drawn_alike() -> None:
    case = Case(20, probes_per_query=4)
    for _ in range(200):
        case.probes.sent.clear()
        case.pick()
        assert len(set(case.probes.sent)) == len(case.probes.sent) == 4
    case.probes.sent.clear()
    for _ in range(1000):
        case.pick()
    assert all(150 < count < 250 for count in Counter(case.probes.sent).values())


def test_in_a_fleet_smaller_than_d_all_are_asked() -> None:
    case = Case(3, probes_per_query=5)
    case.pick()
    assert set(case.probes.sent) == set(case.backends)


def test_the_only_backend_is_picked_without_a_probe() -> None:
    case = Case(2)
    case.excluded.add(case.backends[0].id)
    assert case.balancer.pick(AnyRequest(), case.excluded) == case.backends[1]
    assert case.probes.sent == []


def test_the_rule_chooses_among_the_answers() -> None:
    case = Case(5, q_rif=1)
    case.answer(SLOW, SLOW, FAST, SLOW, SLOW)
    # All but when it is the one whose answer is not waited for: a fifth of the time, as all take equally long.
    assert [case.pick() for _ in range(100)].count(case.backends[2]) > 70
    assert case.balancer.pick_counts["cold"] == 100


def test_all_hot_the_one_with_the_lowest_rif_is_picked() -> None:
    case = Case(3, q_rif=0)
    case.answer(LoadReport(7.0, 0.1), LoadReport(3.0, 0.1), LoadReport(9.0, 0.1))
    assert case.pick() == case.backends[1]
    assert case.balancer.last_reason == "hot"


def test_all_answers_but_one_are_enough() -> None:
    case = Case(5)
    case.answer(DEAD)
    assert case.pick() in case.backends[1:]


def test_with_two_answers_missing_it_waits_as_long_as_it_may() -> None:
    case = Case(5, wait_seconds=0.03)
    case.answer(DEAD, DEAD)
    case.ask()
    case.wait(0.029)
    assert case.picked == []
    case.wait(0.001)
    assert case.picked[0] in case.backends[2:]


def test_of_two_backends_both_are_waited_for_because_one_answer_is_no_choice() -> None:
    case = Case(2, wait_seconds=0.03)
    case.answer(DEAD, SLOW)
    case.ask()
    case.wait(0.002)
    assert case.picked == []
    case.answer(FAST)
    case.picked.clear()
    assert case.pick() == case.backends[0]


def test_without_an_answer_those_asked_are_judged_by_what_we_have_in_flight_there() -> None:
    case = Case(3, wait_seconds=0.03)
    case.answer(DEAD, DEAD, DEAD)
    for backend in (case.backends[0], case.backends[2]):
        case.balancer.started(backend)
    case.ask()
    case.wait(0.03)
    assert case.picked == [case.backends[1]]


def test_a_backend_that_reports_but_not_now_does_not_look_idle() -> None:
    case = Case(4)
    case.pick()
    case.answer(DEAD, LoadReport(50.0, 2.0), LoadReport(50.0, 2.0), LoadReport(50.0, 2.0))
    assert case.backends[0] not in [case.pick() for _ in range(20)]


def test_who_misses_the_wait_is_asked_again_but_not_waited_for_until_it_answers_in_time() -> None:
    case = Case(3, wait_seconds=0.03)
    case.answer(DEAD, DEAD)
    case.ask()
    case.wait(0.03)
    case.picked.clear()
    assert case.pick() == case.backends[2]
    assert len(case.probes.sent) == 6
    case.answer(FAST, FAST, SLOW)
    case.pick()
    case.wait(0.01)
    assert [case.pick() for _ in range(10)].count(case.backends[2]) == 0


def test_who_answers_in_time_but_after_the_choice_goes_on_being_waited_for() -> None:
    case = Case(10, probes_per_query=3, wait_seconds=0.03)
    for _ in range(200):
        case.pick()
    case.wait(0.03)
    assert all(IPending.providedBy(case.balancer.pick(AnyRequest(), ())) for _ in range(10))


def test_in_a_small_fleet_none_is_always_asked_last_and_then_not_waited_for() -> None:
    case = Case(4)
    for _ in range(100):
        case.pick()
    assert set(case.probes.sent[3::4]) == set(case.backends)


def test_where_nobody_answers_picks_do_not_wait_again_and_again() -> None:
    case = Case(3, wait_seconds=0.03)
    case.answer(DEAD, DEAD, DEAD)
    case.ask()
    case.wait(0.03)
    assert case.balancer.pick(AnyRequest(), ()) in case.backends
    case.answer(FAST, FAST, FAST)
    assert case.balancer.pick(AnyRequest(), ()) in case.backends
    case.wait(0.001)
    assert case.pick() in case.backends


def test_a_backend_that_never_reports_gets_its_part_beside_those_that_do() -> None:
    case = Case(3)
    case.answer(LoadReport(None, None), LoadReport(30.0, 3.0), LoadReport(30.0, 3.0))
    picked = []
    for _ in range(9):
        backend = case.pick()
        assert backend is not None
        case.balancer.started(backend)
        case.clock.advance(0.01)
        case.balancer.finished(backend, Outcome(Ending.RESPONSE, 200, 0.01))
        picked.append(backend)
    assert case.backends[0] in picked


def test_own_requests_since_the_answers_count() -> None:
    case = Case(4, q_rif=0, wait_seconds=0.03)
    case.answer(LoadReport(5.0, 0.1), LoadReport(5.5, 0.1), DEAD, DEAD)
    case.ask()
    case.wait(0.001)
    case.balancer.started(case.backends[0])
    case.wait(0.03)
    assert case.picked == [case.backends[1]]


def test_a_report_below_what_we_have_in_flight_there_is_not_believed() -> None:
    case = Case(2, q_rif=0)
    for _ in range(9):
        case.balancer.started(case.backends[0])
    case.answer(LoadReport(0.0, 0.1), LoadReport(5.0, 0.1))
    assert case.pick() == case.backends[1]


def test_a_backend_that_is_excluded_while_its_probe_is_out_is_not_picked() -> None:
    case = Case(2)
    case.answer(FAST, SLOW)
    case.ask()
    case.excluded.add(case.backends[0].id)
    case.clock.advance(0.001)
    assert case.picked == [case.backends[1]]


def test_when_all_that_were_asked_are_gone_another_is_picked() -> None:
    case = Case(6, probes_per_query=2)
    case.ask()
    for backend in case.probes.sent:
        case.balancer.down(backend)
    case.clock.advance(0.001)
    case.wait(0.1)
    assert case.picked[0] not in [None, *case.probes.sent]
    assert case.balancer.probe_results["discarded"] == 2


def test_who_did_not_ask_to_be_called_yet_is_called_by_a_later_tick() -> None:
    case = Case(3)
    pending = case.balancer.pick(AnyRequest(), ())
    assert IPending.providedBy(pending)
    case.wait(0.02)
    pending.whenPicked(case.picked.append)
    case.wait(0.04)
    assert len(case.picked) == 1


def test_a_draining_or_failing_backend_serves_only_when_there_is_no_other() -> None:
    case = Case(3)
    case.answer(LoadReport(0.0, 0.001, LoadState.DRAINING))
    for _ in range(10):
        case.balancer.started(case.backends[1])
        case.balancer.finished(case.backends[1], FAILED)
    assert [case.pick() for _ in range(10)] == [case.backends[2]] * 10


def test_a_heavier_backend_may_have_more_in_flight() -> None:
    light, heavy = Backend(url="http://l.test:1"), Backend(url="http://h.test:1", weight=3.0)
    case = Case([light, heavy], q_rif=0)
    case.answer(LoadReport(4.0, 0.1), LoadReport(9.0, 0.1))
    assert case.pick() == heavy


# ---- "a replica that holds the query's data in cache may report its load scaled down ... to attract it" -------------


def test_every_probe_of_a_pick_carries_the_hint_of_its_request() -> None:
    case = Case(3, hint="header:tenant")
    case.pick(TENANT)
    assert case.probes.hints == [HINT] * 3


@pytest.mark.parametrize("rule", ["none", "header:other"])
def test_without_a_hint_the_probes_are_for_one_request_all_the_same(rule: str) -> None:
    case = Case(3, hint=rule)
    case.pick(TENANT)
    assert case.probes.hints == [b""] * 3


def test_a_backend_that_scales_its_load_down_for_the_hint_attracts_its_requests() -> None:
    case = Case(5, hint="header:tenant")
    case.answer(*[LoadReport(8.0, 0.1)] * 5)
    case.answer(LoadReport(0.8, 0.01), hint=HINT)
    assert [case.pick() for _ in range(100)].count(case.backends[0]) < 40
    assert [case.pick(TENANT) for _ in range(100)].count(case.backends[0]) > 70


@pytest.mark.parametrize(("honoured", "picked"), [(True, 0), (False, 1)])
def test_a_scaled_report_may_be_below_what_we_have_in_flight_there(honoured: bool, picked: int) -> None:
    case = Case(2, hint="header:tenant", q_rif=0, scaled_reports=honoured)
    for _ in range(8):
        case.balancer.started(case.backends[0])
    case.answer(LoadReport(0.8, 0.01), hint=HINT)
    case.probes.answer(case.backends[1], LoadReport(5.0, 0.1))
    assert case.pick(TENANT) == case.backends[picked]


def test_a_scaled_report_counts_for_its_request_alone() -> None:
    case = Case(2, hint="header:tenant", q_rif=0, wait_seconds=0.03)
    for backend in case.backends:
        case.balancer.reported(backend, LoadReport(5.0, 0.1))
    case.answer(LoadReport(0.5, 0.01), hint=HINT)
    assert case.pick(TENANT) == case.backends[0]
    estimates = case.balancer.estimates()
    assert [estimates[backend.id].rif for backend in case.backends] == [5.0, 5.0]


def test_a_draining_backend_does_not_attract_by_its_cache() -> None:
    case = Case(3, hint="header:tenant")
    case.answer(LoadReport(0.0, 0.0001, LoadState.DRAINING), hint=HINT)
    assert case.backends[0] not in [case.pick(TENANT) for _ in range(10)]


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ({"probes_per_query": 1}, "a whole number from 2 to 64"),
        ({"wait_seconds": 0}, "a number from 0.001 to 10"),
        ({"hint": "cookie:a"}, "none, header:NAME, or path:N with N from 1 to 99"),
        ({"hint": 1}, "none, header:NAME, or path:N with N from 1 to 99"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_can(parameters: dict[str, object], allowed: str) -> None:
    with pytest.raises(ConfigurationError, match=f"allowed: {allowed}"):
        Case(**parameters)  # type: ignore[arg-type]
