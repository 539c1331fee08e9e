"""How are the latencies of many requests kept in a few bytes? As an HDR histogram of microseconds, in text."""

from collections.abc import Iterable
from typing import Any

from openprequal.bench.processes import StartFailed

_LONGEST_US = 60_000_000
_DIGITS = 3


def empty() -> Any:
    """An ``HdrHistogram``; those made here can be added to each other.

    :raises StartFailed: the library is missing; the message says how to install it.
    """
    try:
        from hdrh.histogram import HdrHistogram
    except ImportError:
        raise StartFailed("hdrhistogram is not installed: pip install 'openprequal[bench]'") from None
    return HdrHistogram(1, _LONGEST_US, _DIGITS)


def record(histogram: Any, latency_s: float, count: int = 1) -> None:
    """Count *latency_s* in, *count* times; longer than a minute counts as a minute."""
    histogram.record_value(min(_LONGEST_US, max(1, round(latency_s * 1e6))), count)


def encoded(latencies_s: Iterable[float]) -> str:
    """The histogram of *latencies_s*, as text."""
    histogram = empty()
    for latency_s in latencies_s:
        record(histogram, latency_s)
    return str(histogram.encode().decode("ascii"))


def add(histogram: Any, text: str) -> None:
    """Add what :func:`encoded` gave."""
    histogram.decode_and_add(text)
