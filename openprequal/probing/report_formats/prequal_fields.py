"""The two pairs of response fields that other implementations of Prequal have: of prequal-rs and libvmod-prequal."""

from collections.abc import Mapping
from typing import Final

from openprequal.probing.report_formats.claims import MAX_LATENCY_S, MAX_RIF, foreign_latency, number
from openprequal.values import LoadReport, ReportFormat


class FieldPair:
    """One field says the RIF, another the latency. Where the latency's is missing, nothing has been measured.

    :ivar keys: the fields, in lower case, the RIF's first.
    """

    def __init__(self, name: ReportFormat, rif: bytes, latency: bytes, *, per_second: float) -> None:
        """:param per_second: how many of the latency's units are a second."""
        self.keys = (rif, latency)
        self._format = name
        self._per_second = per_second

    def report_in_fields(self, told: Mapping[bytes, bytes]) -> LoadReport | None:
        """The report in fields by lower-case name."""
        rif_key, latency_key = self.keys
        rif = number(told.get(rif_key, b""), MAX_RIF)
        if rif is None:
            return None
        text = told.get(latency_key)
        if text is None:
            return LoadReport(rif, None, format=self._format)
        latency = number(text, MAX_LATENCY_S * self._per_second)
        if latency is None:
            return None
        return LoadReport(rif, foreign_latency(latency, self._per_second), format=self._format)


# prequal-rs answers probes with them and puts them on every response; a server that estimates no latency says 0.
PREQUAL_RS: Final = FieldPair(ReportFormat.PREQUAL_RS, b"x-prequal-rif", b"x-prequal-latency-us", per_second=1e6)
LIBVMOD_PREQUAL: Final = FieldPair(ReportFormat.LIBVMOD_PREQUAL, b"x-in-flight", b"x-estimated-latency", per_second=1e3)
