"""Report format: how is a load report written, in response fields and as the body of the health path?

PREQUAL.md section 6; ``probing/`` reads it.
"""

import json
from collections.abc import Callable, Sequence
from typing import Final

from openprequal.values import LoadReport, LoadState, ReportFormat

FIELD_NAME = b"OpenPrequal-Load"

Fields = list[tuple[bytes, bytes]]


def field_value(report: LoadReport) -> bytes:
    """*report* as the value of :data:`FIELD_NAME`: ``rif=7, latency=0.0123, state=ready`` (seconds).

    A dictionary of RFC 9651, but for the latency's digits: section 3.3.2 allows three after the point, and a backend
    that answers in half a millisecond needs six.
    """
    latency = "" if report.latency_s is None else f", latency={report.latency_s:.6f}"
    return f"rif={round(report.rif or 0, 3)}{latency}, state={report.state.value}".encode("ascii")


def _openprequal(report: LoadReport) -> Fields:
    return [(FIELD_NAME, field_value(report))]


def _prequal_rs(report: LoadReport) -> Fields:
    # There 0 means that nothing has been measured.
    latency_us = 0 if report.latency_s is None else max(1, round(report.latency_s * 1e6))
    return [(b"x-prequal-rif", b"%d" % round(report.rif or 0)), (b"x-prequal-latency-us", b"%d" % latency_us)]


def _orca(report: LoadReport) -> Fields:
    # ORCA has neither number by itself, but takes any under a name of one's own.
    latency = "" if report.latency_s is None else f",named_metrics.latency_seconds={report.latency_s:.6f}"
    return [(b"endpoint-load-metrics", f"TEXT named_metrics.rif={round(report.rif or 0, 3)}{latency}".encode("ascii"))]


_WRITERS: Final[dict[str, Callable[[LoadReport], Fields]]] = {
    ReportFormat.OPENPREQUAL.value: _openprequal,
    ReportFormat.PREQUAL_RS.value: _prequal_rs,
    ReportFormat.ORCA.value: _orca,
}

DEFAULT_FORMATS: Final = (ReportFormat.OPENPREQUAL.value, ReportFormat.PREQUAL_RS.value)


def report_fields(report: LoadReport, formats: Sequence[str] = DEFAULT_FORMATS) -> Fields:
    """The response fields, (name, value), that tell *report* in each of *formats*. For every response: immediate.

    :param formats: of ``openprequal``, ``prequal-rs`` and ``orca``; only the first can tell the state. A gateway of
        ours is spared work where ``openprequal`` comes first and ``prequal-rs`` right behind it.
    """
    if len(formats) == 1:
        return _WRITERS[formats[0]](report)
    return [field for name in formats for field in _WRITERS[name](report)]


def health_body(report: LoadReport) -> bytes:
    """*report* as the JSON body of the health path."""
    return json.dumps(
        {
            "status": "draining" if report.state is LoadState.DRAINING else "ok",
            "rif": report.rif,
            "latency": None if report.latency_s is None else round(report.latency_s, 6),
            "state": report.state.value,
        }
    ).encode("ascii")
