"""Formats: in which of the two does a scraper want the metrics, by its ``Accept`` field (RFC 9110 section 12.5.1)?"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.registry import Collector


class Format(NamedTuple):
    """A way to write metrics down."""

    content_type: str
    encode: Callable[[Collector], bytes]


TEXT: Final = Format("text/plain; version=0.0.4; charset=utf-8", generate_latest)
OPEN_METRICS: Final = Format("application/openmetrics-text; version=1.0.0; charset=utf-8", generate_open_metrics)

_RANGES_OF_TEXT: Final = ("*/*", "text/*", "text/plain")
"""Those that a later one of is more specific than."""


def format_for(accept: str) -> Format:
    """What to write for a scraper that sends *accept*: the one it likes better.

    OpenMetrics is for those who name it and its version 1, if they name one; the older text for everybody else, those
    included who want neither.
    """
    open_metrics = text = 0.0
    closest = -1
    for kind, parameters, quality in _ranges(accept):
        if kind == "application/openmetrics-text":
            if parameters.get("version", "1").partition(".")[0] == "1":
                open_metrics = max(open_metrics, quality)
        elif kind in _RANGES_OF_TEXT and (how_close := _RANGES_OF_TEXT.index(kind)) >= closest:
            text = max(text, quality) if how_close == closest else quality
            closest = how_close
    return OPEN_METRICS if open_metrics and open_metrics >= text else TEXT


def _ranges(accept: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Media range, parameters and quality of each member of *accept*; what cannot be read is left out."""
    for member in accept.lower().split(","):
        kind, *rest = (part.strip() for part in member.split(";"))
        parameters = {name.strip(): value.strip(' "') for name, _, value in (part.partition("=") for part in rest)}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if 0 <= quality <= 1:
            yield kind, parameters, quality
