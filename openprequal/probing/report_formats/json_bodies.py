"""JSON bodies of probe paths, ours and others': which members say the load, and in which unit?

What the public implementations answer with:

========================  ================================================================================
OpenPrequal (FastAPI)     ``status``, ``in_flight_requests``, ``rif_avg_latency``, ``overall_avg_latency``: seconds
OpenPrequal (Go)          ``requests_in_flight``, ``rif_keyed_latency_ms``, ``average_latency_ms``
``latencyEstimateMillis`` beside ``rif``
``latency_median_ms``     beside ``rif``; a ``timestamp_ms`` too, which nobody compares with our clock
``latency_us``            beside ``rif``
``latency``               beside ``rif``: nanoseconds (Go's ``time.Duration``), or seconds where it is ours
========================  ================================================================================

Ours is known by ``state``, which our agents always write. Without it, and unless the service's format says which it
is, ``latency`` is read by its kind: a fraction can only be seconds, since a duration in nanoseconds is whole; a whole
number above an hour's seconds can only be nanoseconds; and a smaller whole number might be either (two seconds from a
JavaScript backend, two microseconds from a Go one), so that the RIF is taken and the latency is not.
"""

import json
from collections.abc import Mapping
from typing import Final

from openprequal.probing.report_formats import own_format
from openprequal.probing.report_formats.claims import MAX_LATENCY_S, MAX_RIF, foreign_latency, plausible
from openprequal.values import LoadReport, ReportFormat

_NANOSECONDS: Final = 1e9

# Beside "rif": a latency's name, and how many of its units are a second.
_LATENCIES: Final = (("latencyEstimateMillis", 1e3), ("latency_median_ms", 1e3), ("latency_us", 1e6))


def json_object(body: bytes) -> Mapping[str, object] | None:
    """The object that *body* is in JSON, if it is one."""
    if not body.lstrip(b" \t\r\n").startswith(b"{"):
        return None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None


def is_report(told: Mapping[str, object], expected: ReportFormat) -> bool:
    """Does *told* say a RIF under a name that *expected* has?"""
    return any(name in told for name in _RIFS[expected])


def report_in_json(told: Mapping[str, object], expected: ReportFormat) -> LoadReport | None:
    """The report that *told* is.

    :param expected: what the service's backends answer with; ``auto`` if that is not known.
    """
    if expected is ReportFormat.OPENPREQUAL:
        return own_format.report_in_json(told)
    if "rif" in told and expected is not ReportFormat.OPENPREQUAL_FASTAPI:
        return _beside_rif(told, expected)
    if "in_flight_requests" in told and expected is not ReportFormat.JSON:
        # The average at the present RIF; while it has none, that of all requests.
        latencies = ((told.get("rif_avg_latency"), 1.0), (told.get("overall_avg_latency"), 1.0))
        return _report(told["in_flight_requests"], latencies, ReportFormat.OPENPREQUAL_FASTAPI)
    latencies = ((told.get("rif_keyed_latency_ms"), 1e3), (told.get("average_latency_ms"), 1e3))
    return _report(told.get("requests_in_flight"), latencies, ReportFormat.JSON)


_RIFS: Final[Mapping[ReportFormat, tuple[str, ...]]] = {
    ReportFormat.AUTO: ("rif", "in_flight_requests", "requests_in_flight"),
    ReportFormat.OPENPREQUAL: ("rif",),
    ReportFormat.OPENPREQUAL_FASTAPI: ("in_flight_requests",),
    ReportFormat.JSON: ("rif", "requests_in_flight"),
}
EXPECTED: Final = frozenset(_RIFS)
"""Formats that may be a JSON body."""


def _beside_rif(told: Mapping[str, object], expected: ReportFormat) -> LoadReport | None:
    if expected is ReportFormat.AUTO and "state" in told:
        return own_format.report_in_json(told)
    rif = told["rif"]
    for name, per_second in _LATENCIES:
        if name in told:
            return _report(rif, ((told[name], per_second),), ReportFormat.JSON)
    latency = told.get("latency")
    if expected is ReportFormat.AUTO:
        if isinstance(latency, float):
            return own_format.report_in_json(told)
        if plausible(latency, MAX_LATENCY_S):
            latency = None
    return _report(rif, ((latency, _NANOSECONDS),), ReportFormat.JSON)


def _report(rif: object, latencies: tuple[tuple[object, float], ...], name: ReportFormat) -> LoadReport | None:
    """With the first of *latencies*, each with its unit, that is there and not 0."""
    if not plausible(rif, MAX_RIF):
        return None
    latency_s = None
    for value, per_second in latencies:
        if value is None:
            continue
        if not plausible(value, MAX_LATENCY_S * per_second):
            return None
        if latency_s is None:
            latency_s = foreign_latency(value, per_second)
    return LoadReport(float(rif), latency_s, format=name)
