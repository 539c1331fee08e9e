"""Which numbers may a load report claim?"""

import re
from typing import Final, TypeGuard

MAX_RIF: Final = 1e5
"""No backend serves more at once; beyond it a report is a mistake or a lie."""
MAX_LATENCY_S: Final = 3600.0
MAX_UTILIZATION: Final = 100.0
"""Shares, which a backend that may borrow exceeds; not by this much."""
MAX_RATE: Final = 1e9
"""Requests or errors a second."""

# Digits only: float() would take nan, inf, signs, underscores and exponents too.
_NUMBER = re.compile(rb"[0-9]{1,15}(?:\.[0-9]{1,15})?")
# As programs print floats: all their digits, and an exponent for small ones.
_FLOAT = re.compile(rb"[0-9]{1,20}(?:\.[0-9]{0,40})?(?:[eE][+-]?[0-9]{1,3})?")


def number(text: bytes, most: float) -> float | None:
    """The number that *text* is in plain digits, if it is one of at most *most*."""
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if value <= most else None


def float_number(text: bytes) -> float | None:
    """The number that *text* is, with an exponent perhaps, if it is one and not negative; possibly infinite."""
    return float(text) if _FLOAT.fullmatch(text) else None


def plausible(value: object, most: float) -> TypeGuard[float]:
    """Is *value* a number from 0 to *most*?"""
    # Comparisons with nan are false.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most


def foreign_latency(value: float, per_second: float) -> float | None:
    """Seconds; None if it is 0, which in a format that is not ours says that nothing has been measured."""
    return value / per_second if value else None
