"""What the benchmark reads out of wrk's output."""

import math

import pytest

from openprequal.bench.load import read_wrk

SECONDS_PAD = " "  # wrk pads a unit of one letter to two
OUTPUT = f"""Running 6s test @ http://127.0.0.1:8000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.68ms    1.05ms  20.96ms   95.86%
    Req/Sec    40.06k     3.06k   44.77k    73.33%
  Latency Distribution
     50%  850.00us
     75%    1.72ms
     90%    2.01ms
     99%    1.50s{SECONDS_PAD}
  240300 requests in 6.01s, 44.00MB read
Requests/sec:  39983.36
Transfer/sec:      7.32MB
"""


def test_rate_latencies_and_bytes_are_read_in_their_units() -> None:
    load = read_wrk(OUTPUT)
    assert load.requests == 240300
    assert load.requests_per_s == pytest.approx(240300 / 6.01)
    assert load.p50_s == pytest.approx(850e-6)
    assert load.p99_s == pytest.approx(1.5)
    assert load.bytes_per_s == pytest.approx(44 * 1024 * 1024 / 6.01)
    assert load.errors == 0


def test_socket_errors_and_bad_statuses_are_counted_together() -> None:
    faults = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 10\n"
    assert read_wrk(OUTPUT + faults).errors == 20


def test_a_run_without_a_single_answer_has_no_latency() -> None:
    load = read_wrk("  0 requests in 3.00s, 0.00B read\n")
    assert load.requests == 0
    assert math.isnan(load.p50_s)


def test_other_output_is_refused() -> None:
    with pytest.raises(ValueError, match="not the output of wrk"):
        read_wrk("unable to connect")
