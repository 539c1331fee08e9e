from openprequal.metrics.tally import REQUEST_BUCKETS_S, Durations, RequestTally


def test_requests_are_counted_by_method_and_code() -> None:
    tally = RequestTally("default")
    for status in (200, 200, 503):
        tally.finished(b"GET", status, 0.01)
    assert tally.counts() == {("GET", "200"): 2, ("GET", "503"): 1}


def test_methods_that_clients_make_up_share_one_label() -> None:
    tally = RequestTally("default")
    for method in (b"BREW", b"get", b"\xff", b"other"):
        tally.finished(method, 200, 0.01)
    assert tally.counts() == {("other", "200"): 4}


def test_a_duration_on_a_bound_is_within_its_bucket() -> None:
    durations = Durations((1.0, 2.0))
    for duration_s in (1.0, 1.5, 2.0, 99.0):
        durations.observe(duration_s)
    assert durations.buckets() == [("1.0", 1), ("2.0", 3), ("+Inf", 4)]
    assert durations.sum_s == 103.5


def test_the_buckets_reach_from_a_millisecond_to_a_minute() -> None:
    assert (REQUEST_BUCKETS_S[0], REQUEST_BUCKETS_S[-1]) == (0.001, 60.0)
    assert list(REQUEST_BUCKETS_S) == sorted(set(REQUEST_BUCKETS_S))
