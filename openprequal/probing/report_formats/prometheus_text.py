"""Prometheus text, as inference servers answer ``GET /metrics`` with: how many requests run and wait?

Series of one name (a server may have several engines or models) are summed. Only the lines of the names looked for are
parsed: such a page is tens of kilobytes, and is fetched with every probe.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from openprequal.probing.report_formats.claims import MAX_RIF, float_number
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.values import LoadReport, ReportFormat

KNOWN: Final = (
    QueueMetrics("vllm:num_requests_running", "vllm:num_requests_waiting"),
    QueueMetrics("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    QueueMetrics("llamacpp:requests_processing", "llamacpp:requests_deferred"),
)

# What follows the name: labels perhaps, a value, and a timestamp or exemplar that does not matter.
_SAMPLE: Final = re.compile(rb'(\{(?:[^"{}\n]|"(?:[^"\\\n]|\\.)*")*\})?[ \t]+([^ \t\r\n]+)')
# SGLang tells a queue by priority too; the series without one are the totals.
_PART: Final = re.compile(rb'[{,] *priority="[^"]')


def report_in_text(page: bytes, configured: Sequence[QueueMetrics] = ()) -> tuple[bool, LoadReport | None]:
    """Whether *page* tells of running requests at all, and the report if what it tells can be.

    :param configured: metrics to look for before those known here.
    """
    for queue in (*configured, *KNOWN):
        running = list(_values(page, queue.running))
        if not running:
            continue
        waiting = list(_values(page, queue.waiting)) if queue.waiting else []
        rif = 0.0
        for value in (*running, *waiting):
            if value is None:
                return True, None
            rif += value
        return True, LoadReport(rif, None, format=ReportFormat.PROMETHEUS) if rif <= MAX_RIF else None
    return False, None


def _values(page: bytes, name: str) -> Iterator[float | None]:
    """The value of every series of that name; None for one that is no number of at least 0."""
    wanted = name.encode("utf-8", "replace")
    at = -1
    while (at := page.find(wanted, at + 1)) >= 0:
        if at and page[at - 1] != 10:
            continue  # not at a line's beginning: in a comment, or the end of a longer name
        sample = _SAMPLE.match(page, at + len(wanted))
        if sample is not None and not (sample[1] and _PART.search(sample[1])):
            yield float_number(sample[2])
