"""ORCA: the three encodings, what is taken of them, and that no bytes do harm."""

import struct
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.probing.report_formats.orca import KEYS, report_in_fields
from openprequal.probing.report_formats.orca_wire import metrics_in
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.values import LoadReport, ReportFormat

FIELD, BINARY, OLD_JSON = KEYS


def read(value: bytes, key: bytes = FIELD) -> LoadReport | None:
    return report_in_fields({key: value})


def orca(rif: float | None = None, latency_s: float | None = None, **others: float) -> LoadReport:
    return LoadReport(rif, latency_s, format=ReportFormat.ORCA, **others)  # type: ignore[arg-type]


def varint(value: int) -> bytes:
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def nested(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def named(name: str, value: float) -> bytes:
    return nested(8, nested(1, name.encode()) + double(2, value))


# As the protobuf library serialises it: cpu 0.3, memory 0.8, rps_fractional 10, eps 1, named_metrics rif and latency.
MESSAGE = (
    double(1, 0.3) + double(2, 0.8) + double(6, 10.0) + double(7, 1.0) + named("rif", 7.0) + named("latency", 0.25)
)
WHOLE = orca(7.0, 0.25, utilization=0.3, rps=10.0, eps=1.0)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (
            FIELD,
            b"TEXT cpu_utilization=0.3, mem_utilization=0.8, rps_fractional=10.0, eps=1, "
            b"named_metrics.rif=7, named_metrics.latency=0.25",
        ),
        (
            FIELD,
            b'JSON {"cpu_utilization": 0.3, "mem_utilization": 0.8, "rps_fractional": 10.0, "eps": 1, '
            b'"named_metrics": {"rif": 7, "latency": 0.25}}',
        ),
        (FIELD, b'{"cpuUtilization":0.3,"rpsFractional":10,"eps":1,"namedMetrics":{"rif":7,"latency":0.25}}'),
        (OLD_JSON, b'{"cpu_utilization":0.3,"rps_fractional":10,"eps":1,"named_metrics":{"rif":7,"latency":0.25}}'),
        (FIELD, b"cpu_utilization:0.3,rps_fractional:10,eps:1,named_metrics.rif:7,named_metrics.latency:0.25"),
        (FIELD, b"BIN " + b64encode(MESSAGE)),
        (BINARY, b64encode(MESSAGE)),
        (BINARY, b64encode(MESSAGE).rstrip(b"=")),
    ],
    ids=["text", "json", "camel", "old json", "envoy", "bin", "bin field", "unpadded"],
)
def test_every_encoding_says_the_same(key: bytes, value: bytes) -> None:
    assert read(value, key) == WHOLE


def test_the_applications_utilization_goes_before_the_processors() -> None:
    assert read(b"TEXT cpu_utilization=0.9, application_utilization=1.2") == orca(utilization=1.2)


def test_an_application_utilization_of_0_is_not_set() -> None:
    assert read(b"TEXT cpu_utilization=0.9, application_utilization=0") == orca(utilization=0.9)


def test_a_utilization_alone_is_a_report_without_a_rif() -> None:
    assert read(b"TEXT cpu_utilization=5e-05") == orca(utilization=5e-05)


@pytest.mark.parametrize(
    "value",
    [
        b"TEXT named_metrics.kv_cache_usage_perc=0.4, named_metrics.num_requests_waiting=0.0",
        b'JSON {"named_metrics": {"kv_cache_usage_perc": 0.4, "num_requests_waiting": 0.0}}',
        b"named_metrics.kv_cache_usage_perc=0.4,named_metrics.num_requests_waiting=0",
    ],
)
def test_vllm_tells_its_cache_and_a_queue_that_is_no_rif(value: bytes) -> None:
    assert read(value) == orca(utilization=0.4)


def test_running_and_waiting_requests_are_the_rif() -> None:
    assert read(b"TEXT named_metrics.num_requests_running=5, named_metrics.num_requests_waiting=2") == orca(7.0)


def test_the_named_metrics_that_are_the_rif_can_be_configured() -> None:
    told = {FIELD: b"TEXT named_metrics.rif=1, named_metrics.busy=5, named_metrics.queued=2"}
    assert report_in_fields(told, (QueueMetrics("busy", "queued"),)) == orca(7.0)


@pytest.mark.parametrize("metric", [b"latency=0.25", b"latency_seconds=0.25", b"latency_ms=250", b"latency_us=250000"])
def test_a_named_latency_has_its_unit_in_its_name(metric: bytes) -> None:
    assert read(b"TEXT named_metrics.rif=1, named_metrics." + metric) == orca(1.0, 0.25)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (FIELD, b""),
        (FIELD, b"TEXT"),
        (FIELD, b"TEXT mem_utilization=0.5, something=else"),
        (FIELD, b"TEXT cpu_utilization=-0.1"),
        (FIELD, b"TEXT cpu_utilization=nan"),
        (FIELD, b"TEXT cpu_utilization=inf"),
        (FIELD, b"TEXT cpu_utilization=1e999"),
        (FIELD, b"TEXT cpu_utilization=0.5, eps=-1"),
        (FIELD, b"TEXT named_metrics.rif=1e6"),
        (FIELD, b"TEXT named_metrics.rif=1, named_metrics.latency=4000"),
        (FIELD, b"TEXT cpu_utilization=0.5," + b"a=1," * 4000),
        (FIELD, b'JSON {"cpu_utilization": "0.3"}'),
        (FIELD, b'JSON {"cpu_utilization": NaN}'),
        (FIELD, b"JSON [0.3]"),
        (FIELD, b"JSON " + b"[" * 8000),
        (FIELD, b"BIN !!!"),
        (FIELD, b"BIN"),
        (BINARY, b64encode(double(1, 0.3)[:-1])),
        (BINARY, b64encode(double(1, float("nan")))),
        (BINARY, b64encode(double(1, -0.5))),
        (BINARY, b64encode(nested(8, double(1, 7.0)))),
        (BINARY, b64encode(b"\x0b")),
        (BINARY, b64encode(b"\x80" * 12)),
        (BINARY, b64encode(b"\x42\xff\xff\xff\xff\x0f")),
    ],
)
def test_garbage_and_absurd_claims_are_no_report(key: bytes, value: bytes) -> None:
    assert read(value, key) is None


def test_fields_of_the_message_that_are_not_known_are_passed_over() -> None:
    unknown = varint(99 << 3) + varint(2**63) + nested(98, b"\xff") + varint(97 << 3 | 5) + b"abcd"
    assert read(b64encode(unknown + double(9, 0.5)), BINARY) == orca(utilization=0.5)


def test_the_older_whole_number_of_requests_counts_where_there_is_no_other() -> None:
    assert read(b64encode(varint(3 << 3) + varint(300)), BINARY) == orca(rps=300.0)


FLOATS = st.floats(0, 100)


@given(
    st.dictionaries(st.sampled_from((1, 2, 6, 7, 9)), FLOATS), st.dictionaries(st.text(max_size=20), FLOATS, max_size=5)
)
def test_the_wire_format_gives_back_what_was_written(numbers: dict[int, float], metrics: dict[str, float]) -> None:
    names = {1: "cpu_utilization", 2: "mem_utilization", 6: "rps_fractional", 7: "eps", 9: "application_utilization"}
    message = b"".join(double(*item) for item in numbers.items()) + b"".join(named(*item) for item in metrics.items())
    expected = {names[number]: value for number, value in numbers.items()}
    expected |= {f"named_metrics.{name}": value for name, value in metrics.items()}
    assert metrics_in(message) == expected


def believable(report: LoadReport | None) -> bool:
    if report is None:
        return True
    limits = zip((report.rif, report.latency_s, *report[3:6]), (1e5, 3600, 100, 1e9, 1e9), strict=True)
    return all(value is None or 0 <= value <= most for value, most in limits)


VALUES = (
    st.binary(max_size=100)
    | st.text(alphabet='TEXJSONBI named_metrics.rif=,:{}"0123456789.-+eE', max_size=80).map(str.encode)
    | st.binary(max_size=60).map(b64encode)
    | st.binary(max_size=60).map(lambda rest: b"BIN " + b64encode(MESSAGE[:30] + rest))
)


@given(st.sampled_from(KEYS), VALUES)
def test_no_bytes_make_it_raise_or_believe_the_impossible(key: bytes, value: bytes) -> None:
    assert believable(read(value, key))
