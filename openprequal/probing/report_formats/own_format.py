"""Our own format: the OpenPrequal-Load field, and the JSON body that says the same."""

import re
from collections.abc import Mapping
from typing import Final

from openprequal.probing.report_formats.claims import MAX_LATENCY_S, MAX_RIF, number, plausible
from openprequal.values import LoadReport, LoadState

LOAD_FIELD: Final = b"openprequal-load"
"""Lower case; its value is ``rif=7, latency=0.0123, state=ready``, in seconds."""

KEYS: Final = (LOAD_FIELD,)

# As our agents write it on nearly every response: one match instead of a walk over the members. Its numbers cannot be
# absurd (MAX_RIF, MAX_LATENCY_S).
usual_value: Final = re.compile(rb"rif=([0-9]{1,5}), latency=([0-9]{1,3}(?:\.[0-9]{1,9})?), state=ready").fullmatch
_STATES = {state.value.encode(): state for state in LoadState}


def parse_load_field(value: bytes) -> LoadReport | None:
    """The value of :data:`LOAD_FIELD`, an RFC 9651 dictionary; unknown keys and parameters are passed over."""
    usual = usual_value(value)
    if usual is not None:
        return LoadReport(float(usual[1]), float(usual[2]))
    rif = latency_s = None
    state = LoadState.READY
    for member in value.split(b","):
        key, _, item = member.partition(b"=")
        key = key.strip(b" \t")
        item = item.partition(b";")[0].strip(b" \t")
        if key == b"rif":
            rif = number(item, MAX_RIF)
            if rif is None:
                return None
        elif key == b"latency":
            latency_s = number(item, MAX_LATENCY_S)
            if latency_s is None:
                return None
        elif key == b"state":
            # A state from the future is no reason to ignore the load.
            state = _STATES.get(item, LoadState.READY)
    return None if rif is None else LoadReport(rif, latency_s, state)


def report_in_fields(told: Mapping[bytes, bytes]) -> LoadReport | None:
    """The report in fields by lower-case name."""
    return parse_load_field(told[LOAD_FIELD])


def report_in_json(told: Mapping[str, object]) -> LoadReport | None:
    """The report in the body of the probe path: ``{"rif": 7, "latency": 0.0123, "state": "ready"}`` among others."""
    rif, latency_s = told.get("rif"), told.get("latency")
    if not plausible(rif, MAX_RIF) or not (latency_s is None or plausible(latency_s, MAX_LATENCY_S)):
        return None
    state = told.get("state")
    known = _STATES.get(state.encode("utf-8", "replace")) if isinstance(state, str) else None
    return LoadReport(float(rif), None if latency_s is None else float(latency_s), known or LoadState.READY)
