"""The bytes of an ``xds.data.orca.v3.OrcaLoadReport``: which metrics do they hold?

A reader of our own instead of protobuf's: what is needed of the wire format (varints, doubles, nested messages) is
below, it has not changed since 2008, and the message is ten fields of numbers. The library would add a binary
dependency, and generated code that ties us to a range of its versions, for the rarest of the formats.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

# orca_load_report.proto. request_cost (4) is of one request and utilization (5) of the application's own units.
_NUMBERS: Final = {
    1: "cpu_utilization",
    2: "mem_utilization",
    3: "rps",
    6: "rps_fractional",
    7: "eps",
    9: "application_utilization",
}
_NAMED_METRICS: Final = 8

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DOUBLE: Final = Struct("<d")


def metrics_in(message: bytes) -> dict[str, float]:
    """Metrics by name, those of ``named_metrics`` as ``named_metrics.NAME``; what else is in there is passed over.

    :raises ValueError: it is no protobuf message.
    """
    metrics: dict[str, float] = {}
    for number, value in _fields(message):
        name = _NUMBERS.get(number)
        if name is not None and not isinstance(value, bytes):
            metrics[name] = value
        elif number == _NAMED_METRICS and isinstance(value, bytes):
            entry = dict(_fields(value))
            key, metric = entry.get(1, b""), entry.get(2, 0.0)
            if isinstance(key, bytes) and not isinstance(metric, bytes):
                metrics["named_metrics." + key.decode("utf-8", "replace")] = metric
    return metrics


def _fields(message: bytes) -> Iterator[tuple[int, float | bytes]]:
    """The fields by number: doubles and whole numbers as numbers, nested messages and texts as bytes."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield number, float(value)
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("a group, or no wire type at all")
        part, at = message[at : at + size], at + size
        if len(part) != size:
            raise ValueError("ends within a field")
        if kind == _FIXED64:
            yield number, _DOUBLE.unpack(part)[0]
        elif kind == _BYTES:
            yield number, part


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number that begins at *at*, and where it ends."""
    value = 0
    for place, byte in enumerate(message[at : at + 10]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("ends within a number, or has more than 64 bits")
