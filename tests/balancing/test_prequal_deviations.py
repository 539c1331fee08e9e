"""Each deviation of Prequal from the paper: what it does, and that "off" is the paper's way."""

from math import inf

import pytest
from prequal_gateway import ANSWERED, BROKEN, Gateway

from openprequal.balancing.parameters import PRESETS, PrequalParameters
from openprequal.errors import ConfigurationError
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.values import LoadReport, PickReason

# rule, latency_share


def test_the_blended_rule_weighs_what_the_hot_cold_rule_compares_one_by_one() -> None:
    # Of an idle server 0.01 and 0.09 s, at a RIF of 3 and 0.
    reports = (3, 0.04), (0, 0.09)
    for rule, place in (("blended", 1), ("hot_cold", 0)):
        gateway = Gateway(2, rule=rule, q_rif=1, near_ratio=1)
        gateway.report(*reports)
        assert gateway.place() == place


@pytest.mark.parametrize(("share", "place"), [(0, 1), (1, 0)])
def test_the_latency_share_goes_from_the_rif_alone_to_both_alike(share: float, place: int) -> None:
    gateway = Gateway(2, latency_share=share, near_ratio=1)
    gateway.report((1, 0.02), (0, 0.09))
    assert gateway.place() == place


# in_band


@pytest.mark.parametrize(("in_band", "pooled"), [(True, 2), (False, 0)])
def test_reports_on_responses_count_unless_switched_off(in_band: bool, pooled: int) -> None:
    gateway = Gateway(2, in_band=in_band)
    gateway.report((1, 0.1), (1, 0.1))
    assert gateway.balancer.probe_pool_size == pooled


def test_without_them_answers_to_probes_still_count() -> None:
    assert Gateway(2, [(1, 0.1), (1, 0.1)], in_band=False).balancer.probe_pool_size == 2


# fade_ratio


def rif_after(seconds: float, fade_ratio: float) -> float:
    gateway = Gateway(2, fade_ratio=fade_ratio)
    gateway.report((40, 0.2), (40, 0.2))
    usual = gateway.balancer._peers.others
    gateway.clock.advance(seconds)
    gateway.pick()
    faded: float = gateway.pool()[0].rif
    assert usual < 2
    return faded


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_a_report_is_halfway_to_what_is_usual_after_so_many_mean_latencies(ratio: float) -> None:
    assert rif_after(0.2 * ratio, ratio) == pytest.approx(21, abs=1)


def test_without_fading_it_stays_news_up_to_the_age_limit() -> None:
    assert rif_after(0.99, 0) == 40


# reuse_budget


def test_without_a_reuse_budget_nothing_is_used_up_or_removed() -> None:
    gateway = Gateway(100, [(1, 0.1)] * 100)
    for _ in range(50):
        gateway.send()
    assert gateway.balancer.probe_pool_size == 16


def test_with_one_responses_are_used_up_and_removed() -> None:
    gateway = Gateway(100, [(1, 0.1)] * 100, reuse_budget=True, probe_interval_seconds=3600)
    for _ in range(8):
        gateway.send()
    assert gateway.balancer.probe_pool_size <= 8


# scale_latency


@pytest.mark.parametrize(("scale", "latency_s"), [(True, 0.4), (False, 0.2)])
def test_a_latency_goes_with_the_rif_unless_it_counts_as_reported(scale: bool, latency_s: float) -> None:
    gateway = Gateway(2, scale_latency=scale, fade_ratio=0)
    gateway.report((1, 0.2), (1, 0.2))
    for _ in range(2):
        gateway.balancer.started(gateway.backends[0])
    assert gateway.pool()[0].latency_s == pytest.approx(latency_s)


def test_how_far_it_has_been_seen_to_grow_with_the_rif_decides_how_far() -> None:
    gateway = Gateway(1)
    for step in range(200):  # answers to probes: reports on responses are too many to learn from each
        gateway.probes.answer(gateway.backends[0], LoadReport(15 if step % 2 else 0, 0.1))
        gateway.balancer.finished(gateway.send(), ANSWERED)
        gateway.clock.pump([gateway.probes.round_trip_s, 0.05])
    explained = gateway.balancer.explain(AnyRequest())
    assert explained.exponent < 0.1


# estimate_missing


@pytest.mark.parametrize(("estimated", "reason"), [(True, PickReason.COLD), (False, PickReason.RANDOM)])
def test_where_reports_are_too_old_what_is_believed_decides_or_chance(estimated: bool, reason: PickReason) -> None:
    gateway = Gateway(3, rule="hot_cold", q_rif=1, estimate_missing=estimated)
    gateway.report((0, 0.5), (0, 0.01), (0, 0.5))
    gateway.clock.advance(1.5)
    counts = gateway.places(300)
    assert gateway.reason() is reason
    assert counts[1] == 300 if estimated else 60 < counts[1] < 140


# slow_limit, near_ratio


@pytest.mark.parametrize(("limit", "place", "reason"), [(4, 0, PickReason.FAST), (inf, 2, PickReason.COLD)])
def test_by_the_hot_cold_rule_an_idle_one_many_times_slower_wins_only_without_a_limit(
    limit: float, place: int, reason: PickReason
) -> None:
    gateway = Gateway(3, rule="hot_cold", q_rif=0.5, slow_limit=limit, near_ratio=1)
    gateway.report((8, 0.1), (9, 0.1), (0, 2.0))
    assert gateway.place() == place
    assert gateway.reason() is reason


@pytest.mark.parametrize(("ratio", "places"), [(1.05, {0, 1}), (1, {0})])
def test_scores_hardly_apart_count_as_equal(ratio: float, places: set[int]) -> None:
    gateway = Gateway(3, near_ratio=ratio, latency_share=1)
    gateway.report((0, 0.100), (0, 0.104), (0, 0.106))
    assert set(gateway.places(100)) == places


# trial_every


@pytest.mark.parametrize(("every", "trials"), [(10, 10), (50, 2), (inf, 0)])
def test_one_pick_in_so_many_is_a_trial_of_one_that_is_not_used(every: float, trials: int) -> None:
    gateway = Gateway(2, trial_every=every)
    gateway.report((0, 0.01), (0, 5.0))
    # Nothing starts, so that all are unused.
    gateway.places(100)
    assert gateway.balancer.pick_counts["trial"] == trials


def test_one_that_was_used_within_the_age_limit_needs_no_trial() -> None:
    gateway = Gateway(2, trial_every=2)
    for _ in range(20):
        for backend in gateway.backends:
            gateway.balancer.started(backend)
            gateway.balancer.finished(backend, ANSWERED)
        gateway.pick()
    assert gateway.balancer.pick_counts["trial"] == 0


# hold_back_failing


@pytest.mark.parametrize(("hold", "place"), [(True, 1), (False, 0)])
def test_one_that_fails_fast_draws_the_traffic_only_where_it_is_not_held_back(hold: bool, place: int) -> None:
    gateway = Gateway(2, hold_back_failing=hold)
    gateway.report((0, 0.001), (0, 0.2))
    for _ in range(5):
        gateway.balancer.started(gateway.backends[0])
        gateway.balancer.finished(gateway.backends[0], BROKEN)
    assert set(gateway.places(50)) == {place}
    assert gateway.pool()[0].held_back is hold


# probe_interval_seconds, max_probes_per_second, idle_*


@pytest.mark.parametrize(("interval_s", "sent"), [(0.01, 0), (0, 3)])
def test_one_probed_just_now_is_probed_again_only_without_an_interval(interval_s: float, sent: int) -> None:
    gateway = Gateway(3, [(0, 0.1)] * 3, probe_interval_seconds=interval_s)
    before = len(gateway.probes.sent)
    gateway.balancer.started(gateway.backends[0])
    assert len(gateway.probes.sent) - before == sent


@pytest.mark.parametrize(("per_second", "sent"), [(10, 10), (100, 100), (inf, 300)])
def test_probes_have_a_bound_unless_it_is_infinite(per_second: float, sent: int) -> None:
    gateway = Gateway(100, max_probes_per_second=per_second, probe_interval_seconds=0)
    gateway.clock.advance(1.0)
    before = len(gateway.probes.sent)
    for _ in range(100):
        gateway.send()
        gateway.clock.advance(0.01)
    assert len(gateway.probes.sent) - before == pytest.approx(sent, rel=0.15)


@pytest.mark.parametrize(("idle_s", "rounds"), [(0.5, 10), (1.0, 5)])
def test_without_queries_a_round_is_sent_every_so_often(idle_s: float, rounds: int) -> None:
    gateway = Gateway(5, idle_probe_seconds=idle_s)
    gateway.send()
    before = len(gateway.probes.sent)
    gateway.pass_s(5)
    assert (len(gateway.probes.sent) - before) / 3 == pytest.approx(rounds, abs=1)


@pytest.mark.parametrize(("stop_s", "sent"), [(0, 5), (3600, 15)])
def test_long_after_the_last_query_it_is_a_single_probe(stop_s: float, sent: int) -> None:
    gateway = Gateway(5, idle_probe_seconds=1.0, idle_stop_seconds=stop_s)
    gateway.send()
    before = len(gateway.probes.sent)
    gateway.pass_s(5.5)
    assert len(gateway.probes.sent) - before == pytest.approx(sent, abs=3 if stop_s else 1)


# preset


def test_the_paper_s_preset_switches_off_every_deviation() -> None:
    parameters = Gateway(0, preset="paper").balancer.parameters
    for name, value in PRESETS["paper"].items():
        assert getattr(parameters, name) == value
        assert getattr(PrequalParameters(), name) != value


def test_what_is_given_beside_a_preset_wins() -> None:
    parameters = Gateway(0, preset="paper", in_band=True, q_rif=0.5, trial_every=100).balancer.parameters
    assert (parameters.in_band, parameters.q_rif, parameters.trial_every) == (True, 0.5, 100)
    assert parameters.rule == "hot_cold"


def test_the_default_preset_is_what_there_is_without_one() -> None:
    assert Gateway(0, preset="default").balancer.parameters == Gateway(0).balancer.parameters


@pytest.mark.parametrize("preset", ["papr", "", "Paper", 1, None, ["paper"]])
def test_a_preset_that_does_not_exist_is_refused_with_those_that_do(preset: object) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Gateway(0, preset=preset)
    assert str(refused.value) == f"balancer_parameters.preset: {preset!r} cannot be used; allowed: default or paper"


def test_a_rule_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ConfigurationError, match="rule: 'hcl' cannot be used; allowed: blended or hot_cold"):
        Gateway(0, rule="hcl")


@pytest.mark.parametrize("name", ["slow_limit", "trial_every", "near_ratio", "max_probes_per_second"])
def test_beside_a_preset_too_a_value_out_of_bounds_is_refused_by_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: -1 cannot be used"):
        Gateway(0, preset="paper", **{name: -1})


def test_a_late_answer_counts_by_default() -> None:
    gateway = Gateway(1)
    gateway.clock.advance(gateway.probes.round_trip_s)
    gateway.clock.advance(gateway.probes.timeout_s)
    assert gateway.balancer.probe_results["unanswered"] == 1
    gateway.balancer.reported(gateway.backends[0], LoadReport(2, 0.2))
    assert gateway.balancer.probe_pool_size == 1
