"""A scraper gets the metrics in the format that it likes better, and they are well-formed in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from twisted.internet.task import Clock

from openprequal.metrics.exemplars import Exemplars
from openprequal.metrics.exposition import exposition
from openprequal.metrics.families import AgentMetrics, AgentSample, BackendSample, GatewayMetrics, ServiceSample
from openprequal.metrics.formats import OPEN_METRICS, TEXT, Format, format_for
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import RequestTally

OPEN = "application/openmetrics-text"
# What Prometheus 2.42, 2.55 and 3.x send.
PROMETHEUS = [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;"
    "q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
]


@pytest.mark.parametrize(
    "accept",
    [
        *PROMETHEUS,
        OPEN,
        f"{OPEN}; version=1.0.0",
        f'{OPEN}; version="1.0.0"',
        OPEN.upper(),
        f"{OPEN}, text/plain",
        f"text/plain, {OPEN}",
        f"{OPEN}, */*",
        f"{OPEN};q=0.2, */*;q=0.1",
        f"{OPEN};q=0.5, */*, text/*;q=0.9, text/plain;q=0.1",
        f"{OPEN};version=2.0.0, {OPEN};version=1.0.0;q=0.1",
    ],
)
def test_who_names_open_metrics_and_likes_it_as_well_gets_it(accept: str) -> None:
    assert format_for(accept) == OPEN_METRICS


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        "text/plain;version=0.0.4",
        f"{OPEN};q=0",
        f"{OPEN};q=0.1, text/plain;q=0.5",
        f"{OPEN};q=0.1, */*;q=0.5",
        f"{OPEN};version=0.0.1",
        f"{OPEN};version=2.0.0",
        f"{OPEN};q=nan",
        f"{OPEN};q=2",
        f"{OPEN};q=",
        "image/png",
    ],
)
def test_everybody_else_gets_the_older_text(accept: str) -> None:
    assert format_for(accept) == TEXT


@given(st.text(max_size=60) | st.text(f"{OPEN},;=q0.19*/ ", max_size=80))
def test_garbage_never_raises(accept: str) -> None:
    assert format_for(accept) in (TEXT, OPEN_METRICS)


def page(wanted: Format, metrics: type = GatewayMetrics) -> tuple[str, str]:
    """Content type and text of all metrics, with every family in use."""
    registry = CollectorRegistry()
    if metrics is AgentMetrics:
        AgentMetrics(registry, lambda: AgentSample({200: 1}, 0, 0.1, 0.1, {"accepted": 1}))
    else:
        tally, exemplars = RequestTally("default"), Exemplars(lambda: 1.7e9)
        tally.finished(b"GET", 200, 0.01)
        exemplars.saw("default", 5, 6, 0.01)
        service = ServiceSample("default", tally, {"cold": 1}, 1, {"answered": 1}, 0, exemplars=exemplars.of("default"))
        backend = BackendSample("default", "http://a", True, 0, 0.0, 0.0, 0.0, "up")
        GatewayMetrics(registry, lambda: [service], lambda: [backend], loop_lag=LoopLag(Clock()))
    content_type, body = exposition(registry, OPEN if wanted is OPEN_METRICS else "")
    return content_type, body.decode()


@pytest.mark.parametrize("metrics", [GatewayMetrics, AgentMetrics])
def test_open_metrics_are_well_formed_to_the_strict_parser_and_know_their_units(metrics: type) -> None:
    content_type, text = page(OPEN_METRICS, metrics)
    families = {family.name: family for family in parse_open_metrics(text)}
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert text.endswith("# EOF\n")
    own = [family for name, family in families.items() if name.startswith("openprequal")]
    assert {family.unit for family in own if family.name.endswith("_seconds")} == {"seconds"}
    assert {family.unit for family in own if not family.name.endswith("_seconds")} == {""}


def test_buckets_have_exemplars_in_open_metrics() -> None:
    (family,) = [
        each
        for each in parse_open_metrics(page(OPEN_METRICS)[1])
        if each.name == "openprequal_request_duration_seconds"
    ]
    ((bucket, exemplar),) = [(each.labels["le"], each.exemplar) for each in family.samples if each.exemplar]
    assert bucket == "0.01"
    assert exemplar.labels == {"trace_id": f"{5:032x}", "span_id": f"{6:016x}"}
    assert (exemplar.value, float(exemplar.timestamp)) == (0.01, 1.7e9)


@pytest.mark.parametrize("metrics", [GatewayMetrics, AgentMetrics])
def test_the_older_text_is_well_formed_and_has_neither(metrics: type) -> None:
    content_type, text = page(TEXT, metrics)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert list(parse_text(text))
    assert not [word for word in ("trace_id", "# EOF", "# UNIT") if word in text]
