"""Report format: how is a load report written, in a response field and as the body of the health path?

PREQUAL.md section 6; ``probing/`` reads it.
"""

import json

from openprequal.values import LoadReport, LoadState

FIELD_NAME = b"OpenPrequal-Load"

Fields = list[tuple[bytes, bytes]]


def field_value(report: LoadReport) -> bytes:
    """*report* as the value of :data:`FIELD_NAME`: ``rif=7, latency=0.0123, state=ready`` (seconds).

    A dictionary of RFC 9651, but for the latency's digits: section 3.3.2 allows three after the point, and a backend
    that answers in half a millisecond needs six.
    """
    latency = "" if report.latency_s is None else f", latency={report.latency_s:.6f}"
    return f"rif={round(report.rif or 0, 3)}{latency}, state={report.state.value}".encode("ascii")


def report_fields(report: LoadReport) -> Fields:
    """The response fields, (name, value), that tell *report*. For every response: immediate."""
    return [(FIELD_NAME, field_value(report))]


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
