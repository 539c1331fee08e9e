"""How long did requests take? Read from a list, a CSV file, an access log or JSON lines."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path

from openprequal.errors import ConfigurationError

FORMATS = ("list", "csv", "access_log", "json_lines")
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}

MOST = 200_000
"""So many are kept, evenly spread over the file: more would make no difference."""

Line = tuple[int, float | None]
"""Its number, and the time in the unit of the file; None: it tells none."""

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"


def read_times(path: Path, kind: str, field: str | None, unit: str) -> tuple[float, ...]:
    """The service times in *path*, in seconds.

    :param kind: one of :data:`FORMATS`.
    :param field: ``csv``: the column's name or number from 1, else the first; ``access_log``: the name before the ``=``
        (``rt`` in ``rt=0.012``), else the last number of the line; ``json_lines``: the key, dots for keys within keys.
    :param unit: one of :data:`UNITS`.
    :raises ConfigurationError: it cannot be read, or a line cannot; the message names file and line.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            times = [value * UNITS[unit] for value in _values(path, _READERS[kind](path, file, field)) if value > 0.0]
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    if not times:
        raise ConfigurationError(f"{path}: no service times in it")
    step = -(-len(times) // MOST)
    return tuple(times[::step])


def _values(path: Path, lines: Iterator[Line]) -> Iterator[float]:
    for number, value in lines:
        if value is not None:
            if not (isfinite(value) and value >= 0.0):
                raise ConfigurationError(f"{path}, line {number}: {value} is no service time")
            yield value


def _list(path: Path, lines: Iterator[str], field: str | None) -> Iterator[Line]:
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield number, _number(path, number, text)


def _csv(path: Path, lines: Iterator[str], field: str | None) -> Iterator[Line]:
    rows = csv.reader(lines)
    column = int(field) - 1 if field is not None and field.isdigit() else 0
    named = field is not None and not field.isdigit()
    for number, row in enumerate(rows, 1):
        if number == 1 and named:
            if field not in row:
                raise ConfigurationError(f"{path}, line 1: no column {field!r}; there are {', '.join(row)}")
            column = row.index(field)
        elif row:
            if column >= len(row):
                raise ConfigurationError(f"{path}, line {number}: no column {column + 1}")
            if number == 1 and not re.fullmatch(_NUMBER, row[column].strip()):
                continue  # a heading
            yield number, _number(path, number, row[column])


def _access_log(path: Path, lines: Iterator[str], field: str | None) -> Iterator[Line]:
    # nginx writes - where there was no upstream, and "0.002, 0.031" where it tried two: the last one answered.
    if field is None:
        pattern = re.compile(rf'(?:^|[\s"])({_NUMBER}|-)[\s"]*$')
    else:
        pattern = re.compile(rf'(?:^|[\s"]){re.escape(field)}="?(?:(?:{_NUMBER}|-)[,:] *)*({_NUMBER}|-)')
    for number, line in enumerate(lines, 1):
        if line.strip():
            found = pattern.search(line)
            if found is None:
                wanted = "does not end in a number" if field is None else f"has no {field}=…"
                raise ConfigurationError(f"{path}, line {number}: {wanted}; is $request_time in the log's format?")
            yield number, None if found[1] == "-" else float(found[1])


def _json_lines(path: Path, lines: Iterator[str], field: str | None) -> Iterator[Line]:
    if field is None:
        raise ConfigurationError(f"{path}: which field of the JSON lines holds the time? service_time.field says")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ConfigurationError(f"{path}, line {number}: not JSON: {error}") from None
        for key in field.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value in (None, "-", ""):
            yield number, None
        elif isinstance(value, (int, float, str)) and not isinstance(value, bool):
            yield number, _number(path, number, str(value))
        else:
            raise ConfigurationError(f"{path}, line {number}: {field} is {value!r}, no number")


def _number(path: Path, number: int, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"{path}, line {number}: {text.strip()[:40]!r} is no number") from None


_READERS: dict[str, Callable[[Path, Iterator[str], str | None], Iterator[Line]]] = {
    "list": _list,
    "csv": _csv,
    "access_log": _access_log,
    "json_lines": _json_lines,
}
