"""What load does a backend report, in a response field or in the body of its probe path? (PREQUAL.md section 6)

Whatever cannot be read, or claims something absurd, is no report: None, never an exception.
"""

import json
import re
from collections.abc import Iterable
from typing import Protocol, TypeGuard

from openprequal.values import LoadReport, LoadState

LOAD_FIELD = b"openprequal-load"
"""Our own field, lower case: ``rif=7, latency=0.0123, state=ready``; seconds."""

PREQUAL_RS_RIF = b"x-prequal-rif"
PREQUAL_RS_LATENCY = b"x-prequal-latency-us"

MAX_RIF = 1e5
"""No backend serves more at once; beyond it a report is a mistake or a lie."""
MAX_LATENCY_S = 3600.0

# Digits only: float() would take nan, inf, signs, underscores and exponents too.
_NUMBER = re.compile(rb"[0-9]{1,15}(?:\.[0-9]{1,15})?")
# As our agents write it on nearly every response: one match instead of a walk over the members. Its numbers cannot be
# absurd (MAX_RIF, MAX_LATENCY_S).
_USUAL = re.compile(rb"rif=([0-9]{1,5}), latency=([0-9]{1,3}(?:\.[0-9]{1,9})?), state=ready")
_STATES = {state.value.encode(): state for state in LoadState}
_MAX_BODY = 65536


class NamedField(Protocol):
    """A header field, as ``http1.fields.Field`` is one."""

    key: bytes
    """Lower case."""
    value: bytes


def parse_load_field(value: bytes) -> LoadReport | None:
    """The value of :data:`LOAD_FIELD`, an RFC 9651 dictionary; unknown keys and parameters are passed over."""
    usual = _USUAL.fullmatch(value)
    if usual is not None:
        return LoadReport(float(usual[1]), float(usual[2]))
    rif = latency_s = None
    state = LoadState.READY
    for member in value.split(b","):
        key, _, item = member.partition(b"=")
        key = key.strip(b" \t")
        item = item.partition(b";")[0].strip(b" \t")
        if key == b"rif":
            rif = _number(item, MAX_RIF)
            if rif is None:
                return None
        elif key == b"latency":
            latency_s = _number(item, MAX_LATENCY_S)
            if latency_s is None:
                return None
        elif key == b"state":
            # A state from the future is no reason to ignore the load.
            state = _STATES.get(item, LoadState.READY)
    return None if rif is None else LoadReport(rif, latency_s, state)


def parse_prequal_rs(rif: bytes, latency_us: bytes | None) -> LoadReport | None:
    """The values of prequal-rs's two fields."""
    requests = _number(rif, MAX_RIF)
    if requests is None:
        return None
    if latency_us is None:
        return LoadReport(requests, None)
    micros = _number(latency_us, MAX_LATENCY_S * 1e6)
    return None if micros is None else LoadReport(requests, micros / 1e6)


def report_from_fields(fields: Iterable[NamedField]) -> LoadReport | None:
    """The report among the fields of a final response, if there is one. Ours goes before others'.

    Whether it may be trusted is the caller's business: not on a response with ``Age``, which comes from a cache
    (section 5), and not on a 1xx.
    """
    ours = rif = latency_us = None
    for field in fields:
        key = field.key
        if key == LOAD_FIELD:
            # Several lines are one list (RFC 9110 section 5.3).
            ours = field.value if ours is None else ours + b"," + field.value
        elif key == PREQUAL_RS_RIF:
            rif = field.value
        elif key == PREQUAL_RS_LATENCY:
            latency_us = field.value
    if ours is not None:
        return parse_load_field(ours)
    return None if rif is None else parse_prequal_rs(rif, latency_us)


def report_from_json(body: bytes) -> LoadReport | None:
    """The JSON body of the probe path: ``{"rif": 7, "latency": 0.0123, "state": "ready"}``, whatever else it has."""
    if len(body) > _MAX_BODY:
        return None
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    rif, latency_s = told.get("rif"), told.get("latency")
    if not _plausible(rif, MAX_RIF) or not (latency_s is None or _plausible(latency_s, MAX_LATENCY_S)):
        return None
    state = told.get("state")
    known = _STATES.get(state.encode("utf-8", "replace")) if isinstance(state, str) else None
    return LoadReport(float(rif), None if latency_s is None else float(latency_s), known or LoadState.READY)


def _number(text: bytes, most: float) -> float | None:
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if value <= most else None


def _plausible(value: object, most: float) -> TypeGuard[float]:
    # Comparisons with nan are false.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most
