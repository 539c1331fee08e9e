"""What load does a backend report, in the fields of a response or in the body of its probe path?

The front of ``report_formats/``: it knows which format a service's backends are expected to write, or finds out, and
counts what could not be read. A response with ``Age`` comes from a cache and says nothing about now (PREQUAL.md section
5); 1xx responses are not handed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

from openprequal.probing.report_formats import json_bodies, orca, own_format
from openprequal.probing.report_formats.own_format import LOAD_FIELD, parse_load_field, usual_value
from openprequal.probing.report_formats.prequal_fields import LIBVMOD_PREQUAL, PREQUAL_RS
from openprequal.probing.report_formats.prometheus_text import report_in_text
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.upstream.fetch import Answer
from openprequal.values import LoadReport, ReportFormat

_FieldParser = Callable[[Mapping[bytes, bytes]], LoadReport | None]

# In the order in which they are looked for: ours goes before others'.
_FIELDS: Final[Mapping[ReportFormat, tuple[tuple[bytes, ...], _FieldParser]]] = {
    ReportFormat.OPENPREQUAL: (own_format.KEYS, own_format.report_in_fields),
    ReportFormat.PREQUAL_RS: (PREQUAL_RS.keys, PREQUAL_RS.report_in_fields),
    ReportFormat.LIBVMOD_PREQUAL: (LIBVMOD_PREQUAL.keys, LIBVMOD_PREQUAL.report_in_fields),
    ReportFormat.ORCA: (orca.KEYS, orca.report_in_fields),
}
MAX_JSON: Final = 64 * 1024
"""Bytes of a JSON body that is parsed; of a page of metrics only the lines looked for are."""

REPORT_FIELDS: Final = frozenset(key for keys, _ in _FIELDS.values() for key in keys)
"""Every field that a format is written in, lower case."""


class NamedField(Protocol):
    """A header field, as ``http1.fields.Field`` is one."""

    key: bytes
    """Lower case."""
    value: bytes


class ReportReader:
    """Reads the reports of one service's backends.

    :ivar ignored: reports that were there and could not be read, or claimed something absurd.
    :ivar asks: lines of the request's head that make these backends report.
    """

    __slots__ = ("_expected", "_fields", "_own", "_queues", "asks", "ignored")

    def __init__(self, expected: ReportFormat = ReportFormat.AUTO, queue: QueueMetrics | None = None) -> None:
        """
        :param expected: the only format believed; ``auto``: whatever is recognised, ``none``: nothing.
        :param queue: the metrics of an inference server that tell its RIF, looked for before the known ones.
        """
        self.ignored = 0
        self.asks = orca.ASKS if expected is ReportFormat.ORCA else b""
        self._expected = expected
        self._queues = () if queue is None else (queue,)
        formats = dict(_FIELDS)
        formats[ReportFormat.ORCA] = (orca.KEYS, partial(orca.report_in_fields, configured=self._queues))
        self._fields = [fields for name, fields in formats.items() if expected in (ReportFormat.AUTO, name)]
        self._own = expected in (ReportFormat.AUTO, ReportFormat.OPENPREQUAL)

    @property
    def believes(self) -> bool:
        """May anything be reported at all?"""
        return self._expected is not ReportFormat.NONE

    def in_fields(self, load: bytes | None, others: Sequence[NamedField]) -> LoadReport | None:
        """The report in the fields of a final response. For every response: immediate.

        :param load: the value of its OpenPrequal-Load field, where that was cut out of the head before.
        :param others: its other fields, or those of them that may be reports.
        """
        if load is not None and self._own:
            usual = usual_value(load)
            if usual is not None:
                return LoadReport(float(usual[1]), float(usual[2]))
            return self._counted(parse_load_field(load))
        return self._in_others(others) if others else None

    def in_answer(self, answer: Answer) -> LoadReport | None:
        """The report in the fields, or else in the body, of an answer to a probe or a health check."""
        if any(field.key == b"age" for field in answer.fields):
            return None
        report = self.in_fields(answer.load, answer.fields)
        return report if report is not None else self._in_body(answer.content)

    def _in_others(self, fields: Iterable[NamedField]) -> LoadReport | None:
        told: dict[bytes, bytes] = {}
        for field in fields:
            key = field.key
            if key in REPORT_FIELDS:
                # Several lines of ours are one list (RFC 9110 section 5.3); of the others' the last one counts.
                listed = key == LOAD_FIELD and key in told
                told[key] = told[key] + b"," + field.value if listed else field.value
        if told:
            for keys, parse in self._fields:
                if any(key in told for key in keys):
                    return self._counted(parse(told))
        return None

    def _in_body(self, body: bytes) -> LoadReport | None:
        if not body:
            return None
        if len(body) <= MAX_JSON and self._expected in json_bodies.EXPECTED:
            told = json_bodies.json_object(body)
            if told is not None:
                if not json_bodies.is_report(told, self._expected):
                    return None
                return self._counted(json_bodies.report_in_json(told, self._expected))
        if self._expected in (ReportFormat.AUTO, ReportFormat.PROMETHEUS):
            is_report, report = report_in_text(body, self._queues)
            return self._counted(report) if is_report else None
        return None

    def _counted(self, report: LoadReport | None) -> LoadReport | None:
        if report is None:
            self.ignored += 1
        return report
