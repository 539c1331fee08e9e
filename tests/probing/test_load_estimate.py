"""LoadEstimate: what is believed of a backend between and without its reports (PREQUAL.md sections 4 and 5)."""

import pytest

from openprequal.probing.estimate import HELD_BACK, EstimateSource, LoadEstimate, PeerLatency
from openprequal.values import Backend, LoadReport, LoadState


def estimate(weight: float = 1.0, peers: PeerLatency | None = None) -> LoadEstimate:
    return LoadEstimate(Backend(url="http://b.test:1", weight=weight), peers or PeerLatency())


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
    peers = PeerLatency()
    estimate(peers=peers).heard(LoadReport(1, 0.2), 0.0, on_response=False)
    silent = estimate(peers=peers)
    silent.started(0.0)
    assert silent.latency_s == pytest.approx(0.2)


def test_silence_with_requests_out_counts_as_latency() -> None:
    load = estimate()
    load.heard(LoadReport(0, 0.01), 0.0, on_response=False)
    load.started(1.0)
    load.refresh(9.0, max_age_s=1)
    assert load.latency_s == pytest.approx(8.0)
    load.started(9.0)
    assert load.latency_s >= 8.0


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


def test_what_others_had_there_fades_once_the_report_is_old() -> None:
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
    assert load.latency_s == pytest.approx(0.9)


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
