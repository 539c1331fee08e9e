"""ORCA, the load reports of Envoy, gRPC, Triton and vLLM: which load is in the response field?

``endpoint-load-metrics`` holds ``JSON {…}``, ``TEXT k=v, …`` or ``BIN`` and base64; ``-json`` and ``-bin`` are older
names without the word in front, and some backends leave the word out. The data are an
``xds.data.orca.v3.OrcaLoadReport``, from which we take

- utilization: ``application_utilization`` if above 0, else ``cpu_utilization`` (as Envoy does), else the share of its
  KV cache that vLLM or Triton tells; ``mem_utilization`` is passed over, since full memory is not load;
- ``rps_fractional`` (else the older ``rps``) and ``eps``;
- RIF and latency from ``named_metrics``, by the names below, since ORCA itself has neither. vLLM tells how many
  requests wait but not how many run; that alone is no RIF, because 0 would make a busy backend look idle.

A report without a RIF leaves the gateway's own count in force.
"""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from openprequal.probing.report_formats import orca_wire
from openprequal.probing.report_formats.claims import (
    MAX_LATENCY_S,
    MAX_RATE,
    MAX_RIF,
    MAX_UTILIZATION,
    float_number,
    foreign_latency,
    plausible,
)
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.values import LoadReport, ReportFormat

KEYS: Final = (b"endpoint-load-metrics", b"endpoint-load-metrics-bin", b"endpoint-load-metrics-json")

ASKS: Final = b"endpoint-load-metrics-format: TEXT\r\n"
"""vLLM and Triton report only on the response to a request that has this field."""

_MAX_VALUE: Final = 8192
_NAMED: Final = "named_metrics."
_QUEUES: Final = (
    QueueMetrics("rif"),
    QueueMetrics("requests_in_flight"),
    QueueMetrics("num_requests_running", "num_requests_waiting"),
    QueueMetrics("num_running_reqs", "num_queue_reqs"),
)
_LATENCIES: Final = (("latency", 1.0), ("latency_seconds", 1.0), ("latency_ms", 1e3), ("latency_us", 1e6))
_UTILIZATIONS: Final = ("cpu_utilization", _NAMED + "kv_cache_usage_perc", _NAMED + "kv_cache_utilization")
# The names that protobuf's JSON mapping makes of the message's own.
_CAMEL: Final = {
    "cpuUtilization": "cpu_utilization",
    "applicationUtilization": "application_utilization",
    "rpsFractional": "rps_fractional",
    "namedMetrics": "named_metrics",
}


def report_in_fields(told: Mapping[bytes, bytes], configured: Sequence[QueueMetrics] = ()) -> LoadReport | None:
    """The report in fields by lower-case name.

    :param configured: the named metrics that tell the RIF, looked for before those known here.
    """
    metrics = _metrics(told)
    if metrics is None:
        return None
    try:
        report = LoadReport(
            _rif(metrics, (*configured, *_QUEUES)),
            _latency(metrics),
            utilization=_utilization(metrics),
            rps=_number(metrics, "rps_fractional" if "rps_fractional" in metrics else "rps", MAX_RATE),
            eps=_number(metrics, "eps", MAX_RATE),
            format=ReportFormat.ORCA,
        )
    except ValueError:
        return None
    return report if report[:2] != (None, None) or report[3:6] != (None, None, None) else None


def _metrics(told: Mapping[bytes, bytes]) -> Mapping[str, object] | None:
    """The metrics by name, whatever their values; None if they cannot be read."""
    for key in KEYS:
        if key in told:
            break
    value = told[key].strip(b" \t")
    if len(value) > _MAX_VALUE:
        return None
    word, _, rest = value.partition(b" ")
    kind = word.upper()
    try:
        if kind == b"BIN" or key.endswith(b"-bin"):
            text = rest.strip(b" \t") if kind == b"BIN" else value
            # gRPC leaves the padding out.
            return orca_wire.metrics_in(b64decode(text + b"=" * (-len(text) % 4), validate=True))
        if kind == b"JSON" or value.startswith(b"{"):
            return _from_json(rest if kind == b"JSON" else value)
        return _from_text(rest if kind == b"TEXT" else value)
    except (ValueError, RecursionError):
        return None


def _from_json(text: bytes) -> dict[str, object]:
    told = json.loads(text)
    if not isinstance(told, dict):
        raise ValueError("no object")
    told = {_CAMEL.get(name, name): value for name, value in told.items()}
    named = told.pop("named_metrics", None)
    if isinstance(named, dict):
        told.update((_NAMED + name, value) for name, value in named.items())
    return told


def _from_text(text: bytes) -> dict[str, object]:
    metrics: dict[str, object] = {}
    for member in text.split(b","):
        # Envoy's first version had a colon.
        name, _, value = member.partition(b"=" if b"=" in member else b":")
        metrics[name.strip(b" \t").decode("ascii", "replace")] = float_number(value.strip(b" \t"))
    return metrics


def _number(metrics: Mapping[str, object], name: str, most: float) -> float | None:
    """:raises ValueError: it is there, and no number that it could be."""
    if name not in metrics:
        return None
    value = metrics[name]
    if not plausible(value, most):
        raise ValueError(name)
    return float(value)


def _rif(metrics: Mapping[str, object], queues: Iterable[QueueMetrics]) -> float | None:
    for queue in queues:
        running = _number(metrics, _NAMED + queue.running, MAX_RIF)
        if running is not None:
            waiting = _number(metrics, _NAMED + queue.waiting, MAX_RIF) if queue.waiting else None
            return min(running + (waiting or 0.0), MAX_RIF)
    return None


def _latency(metrics: Mapping[str, object]) -> float | None:
    for name, per_second in _LATENCIES:
        latency = _number(metrics, _NAMED + name, MAX_LATENCY_S * per_second)
        if latency is not None:
            return foreign_latency(latency, per_second)
    return None


def _utilization(metrics: Mapping[str, object]) -> float | None:
    application = _number(metrics, "application_utilization", MAX_UTILIZATION)
    if application:
        return application
    for name in _UTILIZATIONS:
        utilization = _number(metrics, name, MAX_UTILIZATION)
        if utilization is not None:
            return utilization
    return application
