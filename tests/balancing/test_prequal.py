"""Prequal: its events, its probe pool, and what it tells of itself."""

import pytest
from prequal_gateway import ANSWERED, Gateway

from openprequal.errors import ConfigurationError
from openprequal.testing.balancer_contract import some_backends
from openprequal.values import Backend, LoadReport, PickReason


def test_the_cold_backend_with_the_lowest_latency_is_picked() -> None:
    gateway = Gateway(3, rule="hot_cold")
    gateway.report((9, 0.1), (2, 0.5), (2, 0.3))
    assert gateway.pick() == gateway.backends[2]
    assert gateway.balancer.last_reason is PickReason.COLD


def test_when_all_are_hot_the_lowest_rif_is_picked() -> None:
    gateway = Gateway(2, rule="hot_cold", q_rif=0)
    gateway.report((9, 0.2), (4, 0.5))
    assert gateway.pick() == gateway.backends[1]
    assert gateway.balancer.last_reason is PickReason.HOT


def test_rif_and_in_flight_are_divided_by_the_weight() -> None:
    gateway = Gateway(0, rule="hot_cold", q_rif=0)
    light, heavy = Backend(url="http://l.test:1"), Backend(url="http://h.test:1", weight=4.0)
    for backend in (light, heavy):
        gateway.balancer.up(backend)
    gateway.balancer.reported(light, LoadReport(3, 0.1))
    gateway.balancer.reported(heavy, LoadReport(8, 0.1))
    assert [gateway.send() for _ in range(4)] == [heavy] * 4
    # 12 / 4 against 3 / 1, and the light one is faster.
    assert gateway.send() == light


def test_with_one_backend_it_is_picked_without_anything_known() -> None:
    gateway = Gateway(1)
    assert gateway.pick() == gateway.backends[0]
    assert gateway.balancer.pick_counts["random"] == 1


def test_a_report_serves_any_number_of_picks() -> None:
    gateway = Gateway(3)
    gateway.report((1, 0.1), (1, 0.1), (1, 0.1))
    for _ in range(50):
        gateway.send()
    assert gateway.balancer.probe_pool_size == 3


def test_with_a_reuse_budget_it_serves_one_in_a_small_fleet() -> None:
    gateway = Gateway(3, reuse_budget=True)
    gateway.report((1, 0.1), (1, 0.1), (1, 0.1))
    assert gateway.balancer.probe_pool_size == 3
    gateway.send()
    assert gateway.balancer.probe_pool_size == 2


def test_a_spent_report_goes_on_as_an_estimate() -> None:
    gateway = Gateway(2, rule="hot_cold", reuse_budget=True, probe_rate=0, q_rif=1, near_ratio=1)
    gateway.report((0, 0.1), (0, 0.35))
    sent = [gateway.send() for _ in range(6)]
    # Scaled to what is there: 0.1, 0.2, 0.3, then 0.4 against 0.35.
    assert [gateway.backends.index(backend) for backend in sent[:4]] == [0, 0, 0, 1]


def test_by_the_blended_rule_rif_and_latency_both_count() -> None:
    gateway = Gateway(2, near_ratio=1)
    # Of an idle server 0.01 and 0.09 s, the root of which is 1 to 3.
    gateway.report((1, 0.02), (0, 0.09))
    assert gateway.place() == 0
    gateway.report((3, 0.04), (0, 0.09))
    assert gateway.place() == 1


def test_a_blended_pick_tells_whether_it_fell_on_a_cold_or_a_hot_one() -> None:
    gateway = Gateway(2, near_ratio=1, q_rif=0.5)
    gateway.report((5, 0.06), (9, 0.5))
    assert gateway.place() == 0
    assert gateway.balancer.last_reason is PickReason.HOT
    gateway.report((1, 0.02))
    assert gateway.place() == 0
    assert gateway.balancer.last_reason is PickReason.COLD


def test_reports_leave_by_age() -> None:
    gateway = Gateway(3)
    gateway.report((1, 0.1), (1, 0.1))
    gateway.clock.advance(1.5)
    assert gateway.balancer.probe_pool_size == 0


def test_in_a_large_fleet_picks_come_from_the_pool() -> None:
    gateway = Gateway(1000)
    for backend in gateway.backends:
        gateway.balancer.reported(backend, LoadReport(5, 0.5))
    gateway.balancer.reported(gateway.backends[700], LoadReport(1, 0.01))
    assert gateway.balancer.probe_pool_size == 16
    assert gateway.pick() == gateway.backends[700]


def test_the_pool_outlives_many_queries_when_probes_are_scarce() -> None:
    gateway = Gateway(100, max_probes_per_second=0)
    for backend in gateway.backends:
        gateway.balancer.reported(backend, LoadReport(1, 0.1))
    for _ in range(200):
        backend = gateway.send()
        gateway.balancer.reported(backend, LoadReport(1, 0.1))
        gateway.balancer.finished(backend, ANSWERED)
    assert gateway.balancer.probe_pool_size >= 2
    assert gateway.balancer.pick_counts["random"] == 0


def test_a_new_backend_is_probed_at_once() -> None:
    gateway = Gateway(3)
    assert gateway.probes.sent == gateway.backends


def test_a_probe_answer_enters_the_pool() -> None:
    gateway = Gateway(0)
    (backend,) = some_backends(1)
    gateway.probes.answer(backend, LoadReport(2, 0.2))
    gateway.balancer.up(backend)
    gateway.clock.advance(0.01)
    assert gateway.balancer.probe_pool_size == 1
    assert gateway.balancer.probe_results["answered"] == 1


def test_the_answer_of_a_backend_removed_meanwhile_is_discarded() -> None:
    gateway = Gateway(0)
    (backend,) = some_backends(1)
    gateway.probes.answer(backend, LoadReport(2, 0.2))
    gateway.balancer.up(backend)
    gateway.balancer.down(backend)
    gateway.clock.advance(0.01)
    assert gateway.balancer.probe_pool_size == 0
    assert gateway.balancer.probe_results["discarded"] == 1
    assert gateway.pick() is None


def test_an_unanswered_probe_does_not_make_a_backend_unpickable() -> None:
    gateway = Gateway(2)
    gateway.clock.pump([0.05] * 4)
    assert gateway.balancer.probe_results["unanswered"] == 2
    assert {gateway.send() for _ in range(4)} == set(gateway.backends)


def test_one_that_never_reports_has_its_part_beside_those_that_do() -> None:
    gateway = Gateway(3)
    served = []
    for _ in range(300):
        for backend in gateway.backends[:2]:
            gateway.balancer.reported(backend, LoadReport(1, 0.02))
        served.append(gateway.send())
        gateway.clock.advance(0.02)
        gateway.balancer.finished(served[-1], ANSWERED)
    assert served.count(gateway.backends[2]) > 30


def test_requests_under_way_still_count_when_a_backend_comes_back() -> None:
    gateway = Gateway(1)
    (backend,) = gateway.backends
    gateway.balancer.started(backend)
    gateway.balancer.started(backend)
    gateway.balancer.down(backend)
    gateway.balancer.finished(backend, ANSWERED)
    gateway.balancer.up(backend)
    assert gateway.balancer.estimates()[backend.id].rif == 1


def test_a_backend_that_left_is_forgotten_with_its_last_request() -> None:
    gateway = Gateway(1)
    (backend,) = gateway.backends
    gateway.balancer.started(backend)
    gateway.balancer.reported(backend, LoadReport(5, 0.3))
    gateway.balancer.down(backend)
    gateway.balancer.finished(backend, ANSWERED)
    gateway.balancer.up(backend)
    told = gateway.balancer.estimates()[backend.id]
    assert (told.rif, told.age_s) == (0, None)


def test_it_tells_what_it_believes_of_each_backend() -> None:
    gateway = Gateway(2)
    gateway.report((3, 0.4))
    gateway.clock.advance(0.5)
    told = gateway.balancer.estimates()
    first, second = (told[backend.id] for backend in gateway.backends)
    assert (first.rif, first.latency_s, first.age_s, first.source) == (3, pytest.approx(0.4), 0.5, "reported")
    assert (second.latency_s, second.age_s, second.source) == (None, None, "assumed")


def test_a_backend_passed_over_for_long_gets_a_trial() -> None:
    gateway = Gateway(2, trial_every=10)
    for _ in range(100):
        gateway.report((0, 0.01), (0, 5.0))
        backend = gateway.send()
        gateway.clock.advance(0.05)
        gateway.balancer.finished(backend, ANSWERED)
    assert 1 <= gateway.balancer.pick_counts["trial"] <= 5


def test_without_trials_it_gets_none() -> None:
    gateway = Gateway(2, trial_every=float("inf"))
    for _ in range(100):
        gateway.report((0, 0.01), (0, 5.0))
        assert gateway.send() == gateway.backends[0]
        gateway.balancer.finished(gateway.backends[0], ANSWERED)


def test_idle_probes_keep_reports_fresh_and_stop_with_the_last_backend() -> None:
    gateway = Gateway(1)
    for _ in range(30):
        gateway.clock.advance(0.1)
        gateway.balancer.tick()
    assert len(gateway.probes.sent) > 3
    gateway.balancer.down(gateway.backends[0])
    before = len(gateway.probes.sent)
    for _ in range(30):
        gateway.clock.advance(0.1)
        gateway.balancer.tick()
    assert len(gateway.probes.sent) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [("pool_size", 0), ("pool_size", 2.5), ("q_rif", 1.01), ("probe_rate", -1), ("probe_rate", "3"), ("delta", True)],
)
def test_a_parameter_out_of_bounds_is_refused_with_what_is_allowed(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}.*allowed: a .*number from"):
        Gateway(0, **{name: value})


def test_zero_is_a_value_and_not_unset() -> None:
    parameters = Gateway(0, probe_rate=0, remove_rate=0, q_rif=0, delta=0).balancer.parameters
    assert (parameters.probe_rate, parameters.remove_rate, parameters.q_rif, parameters.delta) == (0, 0, 0, 0)
