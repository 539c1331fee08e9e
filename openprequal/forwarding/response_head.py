"""The head sent to the client: which fields of the backend's go on, which load report was in it."""

from collections.abc import Callable
from typing import Final

from attrs import frozen

from openprequal.forwarding.hop_by_hop import EXPLAIN, HOP_BY_HOP, LOAD_REPORTS, named_by_connection
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.response import ResponseHead

_OURS: Final = HOP_BY_HOP | EXPLAIN
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


class ForwardedHead:
    """What of a backend's head goes on, and what it said of its load."""

    __slots__ = ("aged", "reports", "section")

    def __init__(self, section: FieldSection, reports: list[Field], aged: bool) -> None:
        self.section = section
        self.reports = reports
        self.aged = aged
        """It has Age, so it comes from a cache, and its report says nothing about now (PREQUAL.md section 5)."""


def forwarded_head(head: ResponseHead, rules: ResponseRules) -> ForwardedHead:
    """The fields that go on to the client; remembered with the head, unless it needs a Date of ours."""
    known = head.forwarded
    if known is not None:
        return known  # type: ignore[return-value]
    kept: list[Field] = []
    reports: list[Field] = []
    dated = aged = False
    dropped = named_by_connection(head.connection) - _HARMLESS if head.connection else frozenset()
    for field in head.fields:
        key = field.key
        if key in LOAD_REPORTS:
            reports.append(field)
            if rules.strip_reports:
                continue
        elif key in _OURS or key in dropped:
            continue
        elif key == b"date":
            dated = True
        elif key == b"age":
            aged = True
        elif key == b"content-length" and (head.status == 204 or head.status < 200):
            continue  # it may not be there (RFC 9110 section 8.6)
        kept.append(field)
    if not dated:
        kept.append(rules.date())
    kept.append(rules.via)
    forwarded = ForwardedHead(FieldSection(kept), reports, aged)
    if dated:
        head.forwarded = forwarded
    return forwarded
