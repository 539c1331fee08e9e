"""What is kept of a run, and in which file."""

import json
from math import inf
from pathlib import Path

import pytest

from openprequal.bench.processes import StartFailed
from openprequal.bench.tail.histograms import add, empty
from openprequal.bench.tail.record import Record, late_of, latencies_of
from openprequal.bench.tail.results import Results, append, read
from tests.bench.tail_records import record, seen


def test_errors_and_time_outs_are_apart_and_slower_than_all_others() -> None:
    told = record("skew-16", "openprequal", 0.1, failed=3, timed_out=17).latencies
    assert (told.requests, told.failed, told.timed_out) == (1000, 3, 17)
    assert told.statuses == {"200": 980, "503": 3, "timed out": 17}
    assert told.quantiles["0.9"] == 0.1
    assert told.quantiles["0.99"] == inf


def test_the_warm_up_does_not_count() -> None:
    all_seen = seen([5.0] * 100 + [0.1] * 100, every_s=0.1)
    assert latencies_of(all_seen, 10.0).requests == 100
    assert latencies_of(all_seen, 10.0).quantiles["0.999"] == 0.1


def test_lateness_in_the_warm_up_does_not_count_either() -> None:
    all_seen = seen([0.1] * 200, every_s=0.1)
    all_seen.late_s[5] = all_seen.late_s[6] = all_seen.late_s[7] = 3.0
    assert late_of(all_seen, 10.0) == 0.001


def test_each_second_has_its_own_figures() -> None:
    all_seen = seen([0.1] * 50 + [0.3] * 50, every_s=0.02)
    all_seen.status[99] = 0
    assert latencies_of(all_seen, 0.0).by_second == [(0.1, 0.1, 0), (0.3, None, 1)]


def test_the_histogram_holds_the_answered_ones() -> None:
    histogram = empty()
    add(histogram, record("skew-16", "openprequal", 0.1, failed=10).latencies.histogram)
    assert histogram.get_total_count() == 990
    assert histogram.get_value_at_percentile(50) == pytest.approx(100_000, rel=0.001)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "runs.jsonl"
    runs = [record("skew-16", "openprequal", 0.1, failed=20), record("skew-16", "haproxy-leastconn", 0.2)]
    for run in runs:
        append(file, run)
    kept = read(file)
    assert [run.key for run in kept] == [run.key for run in runs]
    assert kept[0].latencies.quantiles == runs[0].latencies.quantiles


def test_every_line_is_json_without_infinity(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    append(file, record("skew-16", "openprequal", 0.1, failed=500))
    assert json.loads(file.read_text(), parse_constant=pytest.fail)["latencies"]["quantiles"]["0.99"] is None


def test_a_line_cut_short_loses_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    append(file, record("skew-16", "openprequal", 0.1))
    with file.open("a") as cut:
        cut.write('{"workload": "skew-')
    append(file, record("skew-16", "openprequal", 0.1, seed=2))
    assert [run.seed for run in read(file)] == [1, 2]


def test_another_file_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "runs.jsonl"
    file.write_text('{"a": 1}\n')
    with pytest.raises(StartFailed, match=r"runs\.jsonl, line 1: no run of this benchmark"):
        read(file)


def test_no_file_has_no_runs(tmp_path: Path) -> None:
    assert read(tmp_path / "runs.jsonl") == []


def test_ratios_are_over_the_seeds_that_both_have() -> None:
    p99_s = {("openprequal", 1): 0.1, ("openprequal", 2): 0.3, ("openprequal", 3): 9.0}
    p99_s |= {("haproxy-leastconn", 1): 0.2, ("haproxy-leastconn", 2): 0.4}
    results = Results(record("skew-16", policy, value, seed) for (policy, seed), value in p99_s.items())
    found = results.ours_to("skew-16", "haproxy-leastconn", 0.99)
    assert found is not None
    assert (found.ours_s, found.theirs_s) == pytest.approx((0.2, 0.3))
    assert str(found) == "0.67 × (0.50–0.75)"


def test_without_a_common_seed_there_is_no_ratio() -> None:
    results = Results([record("skew-16", "openprequal", 0.1), record("skew-16", "envoy-weighted", 0.1, seed=2)])
    assert results.ours_to("skew-16", "envoy-weighted", 0.99) is None


@pytest.mark.parametrize(("ours", "theirs", "who"), [(0, 50, "theirs"), (50, 0, "ours"), (50, 50, "both")])
def test_a_quantile_that_failed_has_no_ratio_to_tell(ours: int, theirs: int, who: str) -> None:
    results = Results(
        [record("skew-16", "openprequal", 0.1, failed=ours), record("skew-16", "envoy-weighted", 0.1, failed=theirs)]
    )
    assert str(results.ours_to("skew-16", "envoy-weighted", 0.99)) == f"failed ({who})"


def test_records_of_another_version_are_refused() -> None:
    told = record("skew-16", "openprequal", 0.1).as_told()
    del told["lanes"]
    with pytest.raises(TypeError):
        Record.of_told(told)
