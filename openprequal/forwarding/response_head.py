"""The head sent to the client: which fields of the backend's go on, which load report was in it."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from openprequal.forwarding.hop_by_hop import HOP_BY_HOP, LOAD_REPORTS, named_by_connection
from openprequal.http1.fields import Field
from openprequal.http1.response import ResponseHead
from openprequal.probing.report_format import report_from_fields
from openprequal.values import LoadReport

_SPECIAL: Final = HOP_BY_HOP | LOAD_REPORTS | {b"date", b"age"}
_HARMLESS: Final = frozenset((b"close", b"keep-alive"))


@frozen
class ResponseRules:
    """What this gateway does to every response's head."""

    via: Field
    """Our entry in Via, appended to those of the hops before us (RFC 9110 section 7.6.3)."""
    date: Callable[[], Field]
    """The Date of now, for a response that has none (RFC 9110 section 6.6.1)."""
    strip_reports: bool = True
    """Load reports end here."""


def end_to_end(head: ResponseHead, rules: ResponseRules) -> tuple[list[Field], LoadReport | None]:
    """The fields that go on to the client, and the load report that came with them, if a usable one did.

    A report on a response that carries Age comes from a cache and says nothing about now (PREQUAL.md section 5).
    """
    kept: list[Field] = []
    keep = kept.append
    reports: list[Field] | None = None
    dated = aged = False
    dropped = named_by_connection(head.connection) - _HARMLESS if head.connection else None
    for field in head.fields:
        key = field.key
        if key in _SPECIAL:
            if key in LOAD_REPORTS:
                reports = reports or []
                reports.append(field)
                if rules.strip_reports:
                    continue
            elif key == b"date":
                dated = True
            elif key == b"age":
                aged = True
            else:
                continue
        if dropped and key in dropped:
            continue
        keep(field)
    if not dated:
        keep(rules.date())
    keep(rules.via)
    if reports is None or aged:
        return kept, None
    return kept, report_from_fields(reports)
