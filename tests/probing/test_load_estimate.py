"""LoadEstimate: what is believed of a backend between and without its reports (PREQUAL.md sections 4 and 5)."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.estimate import HELD_BACK, PATIENCE, EstimateSource, LoadEstimate
from openprequal.probing.peers import Peers
from openprequal.values import Backend, LoadReport, LoadState


def estimate(weight: float = 1.0, peers: Peers | None = None) -> LoadEstimate:
    return LoadEstimate(Backend(url="http://b.test:1", weight=weight), peers or Peers())


def test_own_picks_since_the_report_count() -> None:
    load = estimate()
    load.heard(LoadReport(3, 0.4), 0.0, on_response=False)
    load.started(0.0)
    load.started(0.0)
    assert load.rif == 5


def test_the_latency_is_scaled_to_the_rif_believed_now() -> None:
    load = estimate()
    load.heard(LoadReport(3, 0.4), 0.0, on_response=False)
    load.started(0.0)
    load.started(0.0)
    assert load.latency_s == pytest.approx(0.6)


def test_own_requests_that_ended_since_the_report_no_longer_count() -> None:
    load = estimate()
    load.started(0.0)
    load.started(0.0)
    load.heard(LoadReport(5, 0.6), 0.1, on_response=False)
    load.finished(0.2, 0.1)
    assert load.rif == 4


def test_a_report_on_a_response_leaves_out_the_request_it_answers() -> None:
    load = estimate()
    load.started(0.0)
    load.started(0.0)
    load.heard(LoadReport(4, 0.5), 0.1, on_response=True)
    assert load.rif == 5
    load.finished(0.1, 0.1)
    assert load.rif == 4


def test_a_backend_that_claims_to_be_idle_has_at_least_what_we_have_there() -> None:
    load = estimate()
    for _ in range(6):
        load.started(0.0)
    load.heard(LoadReport(0, 0.001), 0.1, on_response=False)
    assert load.rif == 6


def test_one_that_never_reported_is_judged_by_our_own_requests() -> None:
    load = estimate()
    for _ in range(4):
        load.started(0.0)
    load.finished(0.4, 0.4)
    assert load.rif == 3
    assert load.latency_s == pytest.approx(0.4)


def test_an_unknown_latency_is_that_of_the_peers_never_nothing() -> None:
    peers = Peers()
    estimate(peers=peers).heard(LoadReport(1, 0.2), 0.0, on_response=False)
    silent = estimate(peers=peers)
    silent.started(0.0)
    assert silent.latency_s == pytest.approx(0.2)


def test_a_quarter_of_a_silence_with_requests_out_counts_as_latency() -> None:
    load = estimate()
    load.heard(LoadReport(0, 0.01), 0.0, on_response=False)
    load.started(1.0)
    load.refresh(9.0, max_age_s=1)
    assert PATIENCE == 4
    assert load.latency_s == pytest.approx(2.0)
    load.started(9.0)
    assert load.latency_s >= 2.0


def test_a_sign_of_life_ends_the_silence() -> None:
    load = estimate()
    load.heard(LoadReport(0, 0.01), 0.0, on_response=False)
    load.started(1.0)
    load.refresh(9.0, max_age_s=1)
    load.finished(9.0, None)
    assert load.latency_s == pytest.approx(0.01)


def test_silence_without_requests_says_nothing() -> None:
    load = estimate()
    load.heard(LoadReport(0, 0.01), 0.0, on_response=False)
    load.refresh(9.0, max_age_s=1)
    assert load.latency_s == pytest.approx(0.01)


def test_without_fading_what_others_had_there_halves_in_every_age_limit_after_the_first() -> None:
    load = estimate()
    load.heard(LoadReport(8, 0.9), 0.0, on_response=False)
    load.refresh(1.0, max_age_s=1)
    assert load.rif == 8
    load.refresh(2.0, max_age_s=1)
    load.refresh(3.0, max_age_s=1)
    assert load.rif == pytest.approx(2)


def test_the_rif_is_divided_by_the_weight() -> None:
    load = estimate(weight=4.0)
    load.heard(LoadReport(7, 0.8), 0.0, on_response=False)
    load.started(0.0)
    assert load.rif == 2
    # Reported at 7 / 4, now it is 8 / 4.
    assert load.latency_s == pytest.approx(0.8 * 3 / 2.75)


def test_an_old_slow_measurement_does_not_outlive_its_cause() -> None:
    load = estimate()
    load.started(0.0)
    load.finished(10.0, 10.0)
    load.started(70.0)
    load.finished(70.1, 0.1)
    assert load.latency_s < 0.5


def test_a_reported_latency_goes_before_a_measured_one() -> None:
    load = estimate()
    load.heard(LoadReport(0, 0.05), 0.0, on_response=False)
    load.started(0.0)
    load.finished(9.0, 9.0)
    assert load.latency_s == pytest.approx(0.05)


def test_a_draining_backend_comes_after_all_others() -> None:
    load = estimate()
    load.heard(LoadReport(0, 0.01, LoadState.DRAINING), 0.0, on_response=False)
    assert load.held_back
    assert load.rif >= HELD_BACK
    load.heard(LoadReport(0, 0.01, LoadState.READY), 1.0, on_response=False)
    assert load.rif == 0


@pytest.mark.parametrize(
    ("report", "now_s", "source"),
    [
        (None, 0.0, EstimateSource.ASSUMED),
        (LoadReport(1, 0.1), 0.5, EstimateSource.REPORTED),
        (LoadReport(1, 0.1), 5.0, EstimateSource.STALE),
    ],
)
def test_an_estimate_tells_what_it_rests_on(report: LoadReport | None, now_s: float, source: EstimateSource) -> None:
    load = estimate()
    if report is not None:
        load.heard(report, 0.0, on_response=False)
    assert load.estimate(now_s, max_age_s=1).source is source


def test_the_estimate_of_one_that_only_serves_is_measured() -> None:
    load = estimate()
    load.started(0.0)
    load.finished(0.2, 0.2)
    told = load.estimate(1.0, max_age_s=1)
    assert (told.source, told.age_s) == (EstimateSource.MEASURED, None)
    assert told.latency_s == pytest.approx(0.2)


# The score: (rif + 1) ** exponent * unit ** latency_weight.


def test_the_score_is_the_rif_times_the_damped_latency_of_an_idle_server() -> None:
    load = estimate(peers=Peers(blend=0.5))
    load.heard(LoadReport(3, 0.16), 0.0, on_response=False)
    assert load.score == pytest.approx(4 * 0.04**0.5)
    load.started(0.0)
    assert load.score == pytest.approx(5 * 0.04**0.5)


def test_where_the_latency_does_not_grow_with_the_rif_the_score_is_the_latency() -> None:
    load = estimate(peers=Peers(blend=0.5, scales=False))
    load.heard(LoadReport(3, 0.16), 0.0, on_response=False)
    assert load.score == pytest.approx(0.16)


def test_of_one_nothing_is_known_of_the_score_is_that_of_its_peers() -> None:
    peers = Peers(blend=0.5)
    known, unknown = estimate(peers=peers), estimate(peers=peers)
    known.heard(LoadReport(0, 0.16), 0.0, on_response=False)
    known.started(0.0)
    unknown.started(0.0)
    assert unknown.score == pytest.approx(known.score)


def test_silence_raises_the_score_as_much_as_the_latency() -> None:
    load = estimate(peers=Peers(blend=0.5))
    load.heard(LoadReport(0, 0.01), 0.0, on_response=False)
    load.started(1.0)
    before_s, before = load.latency_s, load.score
    load.refresh(9.0, max_age_s=1)
    assert load.score / before == pytest.approx(load.latency_s / before_s)
    assert load.score > before


def test_one_held_back_scores_beyond_any_that_is_not() -> None:
    worst, failing = estimate(), estimate()
    worst.heard(LoadReport(1000, 60.0), 0.0, on_response=False)
    failing.hold_back(True)
    assert failing.score > worst.score


def test_one_that_is_warming_up_looks_so_many_times_as_loaded() -> None:
    load = estimate(peers=Peers(blend=0.5))
    load.heard(LoadReport(3, 0.2), 0.0, on_response=False)
    score = load.score
    load.warm_up(5.0)
    assert (load.rif, load.latency_s) == (19, pytest.approx(1.0))
    assert load.score == pytest.approx(5 * score)
    load.warm_up(1.0)
    assert (load.rif, load.latency_s, load.score) == (3, pytest.approx(0.2), pytest.approx(score))


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(("heard", "in_band", "silent", "started", "finished", "failed", "refresh")),
        st.floats(0, 1e5),
        st.floats(0, 3600),
        st.sampled_from((0.0, 1e-9, 0.01, 5.0, 1e6)),
    ),
    max_size=60,
)


@given(EVENTS, st.sampled_from((0.0, 1.0, 100.0)), st.booleans(), st.sampled_from((0.001, 1.0, 1e6)))
def test_whatever_happens_all_beliefs_are_finite_and_those_that_are_compared_positive(
    events: list[tuple[str, float, float, float]], fade_ratio: float, scales: bool, weight: float
) -> None:
    load = estimate(weight, Peers(fade_ratio, 0.5, scales))
    now_s = 0.0
    for event, rif, latency_s, pause_s in events:
        now_s += pause_s
        match event:
            case "heard" | "in_band":
                load.heard(LoadReport(rif, latency_s), now_s, on_response=event == "in_band")
            case "silent":
                load.heard(LoadReport(rif, None), now_s, on_response=False)
            case "started":
                load.started(now_s)
            case "finished" | "failed":
                load.finished(now_s, latency_s if event == "finished" else None)
            case _:
                load.refresh(now_s, max_age_s=1)
        assert isfinite(load.rif)
        assert load.rif >= 0
        assert isfinite(load.latency_s)
        assert load.latency_s > 0
        assert isfinite(load.score)
        assert load.score > 0


def test_a_response_within_the_clocks_resolution_took_some_time() -> None:
    load = estimate()
    load.started(0.0)
    load.finished(0.0, 0.0)
    assert load.latency_s > 0
    load.started(1.0)
    load.refresh(9.0, max_age_s=1)
    assert load.latency_s == pytest.approx(2.0)
