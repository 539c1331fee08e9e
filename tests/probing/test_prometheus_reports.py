"""Prometheus text of inference servers: running and waiting requests, whatever else the page has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.report_formats.prometheus_text import report_in_text
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.values import LoadReport, ReportFormat

VLLM = b"""\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="meta-llama/Llama-3.1-8B"} 5.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="meta-llama/Llama-3.1-8B"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 2.0
vllm:kv_cache_usage_perc{engine="0",model_name="meta-llama/Llama-3.1-8B"} 0.35
"""
SGLANG = b"""\
# HELP sglang:num_running_reqs The number of running requests
# TYPE sglang:num_running_reqs gauge
sglang:num_running_reqs{model_name="meta-llama/Llama-3.1-8B-Instruct"} 162.0
sglang:num_running_reqs_offline_batch{model_name="meta-llama/Llama-3.1-8B-Instruct"} 9.0
sglang:num_queue_reqs{model_name="meta-llama/Llama-3.1-8B-Instruct"} 2826.0
"""
LLAMA_CPP = b"llamacpp:requests_processing 1\nllamacpp:requests_deferred 4\n"


def prometheus(rif: float) -> tuple[bool, LoadReport]:
    return True, LoadReport(rif, None, format=ReportFormat.PROMETHEUS)


@pytest.mark.parametrize(("page", "rif"), [(VLLM, 7), (SGLANG, 2988), (LLAMA_CPP, 5)])
def test_the_pages_of_known_servers_are_understood(page: bytes, rif: float) -> None:
    assert report_in_text(page) == prometheus(rif)


def test_the_series_of_several_engines_are_summed() -> None:
    page = b'vllm:num_requests_running{engine="0"} 2\nvllm:num_requests_running{engine="1"} 3 1732348800000\n'
    assert report_in_text(page) == prometheus(5)


def test_a_queue_by_priority_is_a_part_of_the_total() -> None:
    page = (
        b'sglang:num_running_reqs{model="m",priority=""} 4\nsglang:num_running_reqs{model="m",priority="1"} 3\n'
        b'sglang:num_queue_reqs{priority="",model_name="m"} 2\nsglang:num_queue_reqs{priority="9",model_name="m"} 2\n'
    )
    assert report_in_text(page) == prometheus(6)


def test_labels_may_hold_anything() -> None:
    page = b'vllm:num_requests_running{model_name="a} 9 \\" {b, c"} 2\n'
    assert report_in_text(page) == prometheus(2)


def test_configured_names_go_before_the_known_ones() -> None:
    page = VLLM + b"busy_workers 3\nbacklog 4\n"
    assert report_in_text(page, (QueueMetrics("busy_workers", "backlog"),)) == prometheus(7)
    assert report_in_text(page, (QueueMetrics("busy_workers"),)) == prometheus(3)


@pytest.mark.parametrize("value", [b"NaN", b"+Inf", b"-1", b"1e999", b"many", b"1e6"])
def test_a_number_that_cannot_be_makes_the_report_unreadable(value: bytes) -> None:
    assert report_in_text(b"vllm:num_requests_running " + value + b"\n") == (True, None)


def test_a_waiting_number_that_cannot_be_makes_it_unreadable_too() -> None:
    assert report_in_text(b"vllm:num_requests_running 1\nvllm:num_requests_waiting NaN\n") == (True, None)


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"ok",
        b"process_cpu_seconds_total 12.5\n",
        b"# vllm:num_requests_running 3\n",
        b"my_vllm:num_requests_running 3\n",
        b"vllm:num_requests_running\n",
        b'vllm:num_requests_running{engine="0" 3\n',
        b"vllm:num_requests_waiting 3\n",
    ],
)
def test_a_page_that_tells_of_no_running_requests_is_no_report(page: bytes) -> None:
    assert report_in_text(page) == (False, None)


LINES = st.lists(
    st.sampled_from(
        (b"vllm:num_requests_running", b"vllm:num_requests_waiting", b"sglang:num_queue_reqs", b'{a="', b'"}')
    )
    | st.sampled_from((b" 3", b" -1", b" NaN", b"\n", b"#", b"\\", b"{", b"}"))
    | st.binary(max_size=5),
    max_size=30,
).map(b"".join)


@given(LINES)
def test_no_bytes_make_it_raise_or_believe_the_impossible(page: bytes) -> None:
    is_report, report = report_in_text(page)
    assert is_report or report is None
    assert report is None or (report.rif is not None and 0 <= report.rif <= 1e5)


def test_a_page_made_to_be_slow_is_read() -> None:
    page = b"vllm:num_requests_running{" + b'a="\\"",' * 8000
    assert report_in_text(page) == (False, None)
