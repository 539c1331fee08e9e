"""What fleet does a user have? Their description of it, a TOML file, as a scenario."""

import tomllib
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from openprequal.errors import ConfigurationError
from openprequal.simulation.scenario import Antagonists, Scenario, Servers, Work
from openprequal.simulation.service_times import FORMATS, UNITS, read_times

EXAMPLE = """\
# What would each balancer give this fleet? openprequal-simulation what-if fleet.toml

gateways = 2                  # proxy processes; each knows only what it sees itself, and what backends report
requests_per_second = 500     # or: load = 0.8, of what the servers below can do together
# deadline_seconds = 10       # requests that take longer count as failed
# round_trip_seconds = 0.0005 # between gateway and backend

[service_time]                # of a request on an idle backend of speed 1
mean_seconds = 0.030
shape = "normal"              # normal (standard deviation as the mean), exponential, constant, heavy (log-normal)
# Or measured ones instead, best of a quiet hour, as waiting would count as work otherwise:
# file = "access.log"         # beside this file
# format = "access_log"       # list (one a line), csv, access_log, json_lines
# field = "rt"                # csv: column; access_log: rt=0.012, else the last number of a line; json_lines: the key
# unit = "s"                  # s, ms, us

[[servers]]
count = 6
cores = 4                     # requests that run at full speed together

[[servers]]
count = 2
cores = 2                     # the old machines
speed = 0.5                   # a request takes twice as long
# kind = "queue"              # shared: all run at once and share the cores; queue: cores is the number of workers, the
#                             # others wait; delay: it only waits, however many come (then cores says what load is)
# reports = false             # it does not tell its load

[neighbours]                  # other tenants of the machines; leave it out where there are none
mean_seconds = 3.0            # so often, on average, what they leave changes
chance = 0.4                  # with this probability to a factor in low, else in high, of the cores
low = [0.7, 1.0]
high = [1.0, 2.0]
"""

_SHAPES = ("normal", "cut", "exponential", "constant", "heavy")
_KINDS = ("shared", "queue", "delay")


def read_fleet(path: Path) -> Scenario:
    """The fleet that the file describes.

    :raises ConfigurationError: it cannot be read or makes no sense; the message names the line or the key.
    """
    try:
        text = path.read_text("utf-8")
        told = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    try:
        return _fleet(_Table(told, ""), path)
    except _Wrong as wrong:
        raise ConfigurationError(f"{path}: {wrong}") from None


class _Wrong(Exception):
    """What is wrong, with its key."""


class _Table:
    """A table of the file, whose keys are taken one after the other; whatever is left is unknown."""

    def __init__(self, told: Mapping[str, Any], name: str) -> None:
        self._left = dict(told)
        self._name = name
        self._known: list[str] = []

    def key(self, name: str) -> str:
        return f"{self._name}.{name}" if self._name else name

    def take(self, name: str) -> Any:
        self._known.append(name)
        return self._left.pop(name, None)

    def number(self, name: str, default: float | None, low: float, high: float = inf) -> float:
        value = self.take(name)
        if value is None:
            if default is None:
                raise _Wrong(f"{self.key(name)} is missing")
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high or value == inf:
            limits = f"from {low:g}" + (f" to {high:g}" if high < inf else "")
            raise _Wrong(f"{self.key(name)}: {value!r} cannot be used; allowed: a number {limits}")
        return float(value)

    def whole(self, name: str, default: int | None, high: int) -> int:
        value = self.number(name, default, 1, high)
        if value != int(value):
            raise _Wrong(f"{self.key(name)}: {value:g} cannot be used; allowed: a whole number")
        return int(value)

    def choice(self, name: str, default: str, allowed: Sequence[str]) -> str:
        value = self.take(name)
        if value is None:
            return default
        if value not in allowed:
            raise _Wrong(f"{self.key(name)}: {value!r} cannot be used; allowed: {', '.join(allowed)}")
        return str(value)

    def text(self, name: str) -> str | None:
        value = self.take(name)
        if value is not None and not isinstance(value, str):
            raise _Wrong(f"{self.key(name)}: {value!r} is no text")
        return value

    def switch(self, name: str, default: bool) -> bool:
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise _Wrong(f"{self.key(name)}: {value!r} cannot be used; allowed: true or false")
        return default if value is None else value

    def pair(self, name: str, default: tuple[float, float]) -> tuple[float, float]:
        value = self.take(name)
        if value is None:
            return default
        numbers = value if isinstance(value, list) else []
        if len(numbers) != 2 or not all(isinstance(each, (int, float)) for each in numbers):
            raise _Wrong(f"{self.key(name)}: {value!r} cannot be used; allowed: two numbers, [from, to]")
        if not 0 < numbers[0] <= numbers[1] < inf:
            raise _Wrong(f"{self.key(name)}: {value!r} cannot be used; allowed: above 0, the lower one first")
        return float(numbers[0]), float(numbers[1])

    def table(self, name: str) -> "_Table | None":
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise _Wrong(f"{self.key(name)}: a table is needed, [{self.key(name)}]")
        return _Table(value, self.key(name))

    def tables(self, name: str) -> "list[_Table]":
        value = self.take(name)
        if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
            raise _Wrong(f"{self.key(name)}: at least one table is needed, [[{self.key(name)}]]")
        return [_Table(each, f"{self.key(name)}[{number}]") for number, each in enumerate(value, 1)]

    def end(self) -> None:
        """Nothing may be left."""
        for name in self._left:
            raise _Wrong(f"{self.key(name)} is not known; allowed: {', '.join(self._known)}")


def _fleet(top: _Table, path: Path) -> Scenario:
    gateways = top.whole("gateways", 1, 1000)
    rate = top.number("requests_per_second", 0.0, 1e-6)
    load = top.number("load", 0.0, 0.001, 100)
    deadline_s = top.number("deadline_seconds", 0.0, 0.001)
    round_trip_s = top.number("round_trip_seconds", 0.0005, 0.0, 0.15)
    service_time = top.table("service_time")
    if service_time is None:
        raise _Wrong("service_time is missing: a table, [service_time]")
    work = _work(service_time, path)
    servers = tuple(_servers(table) for table in top.tables("servers"))
    neighbours = top.table("neighbours")
    antagonists = _antagonists(neighbours) if neighbours is not None else None
    top.end()
    if bool(rate) == bool(load):
        raise _Wrong("requests_per_second or load: one of the two is needed")
    capacity = sum(kind.count * kind.nominal for kind in servers)
    return Scenario(
        path.stem,
        f"the fleet of {path.name}",
        servers,
        gateways,
        load or rate * work.reckoned_s / capacity,
        work,
        antagonists=antagonists,
        deadline_s=deadline_s or None,
        round_trip_s=round_trip_s,
    )


def _work(table: _Table, path: Path) -> Work:
    file, kind = table.text("file"), table.choice("format", "list", FORMATS)
    field, unit = table.text("field"), table.choice("unit", "s", tuple(UNITS))
    mean_s = table.number("mean_seconds", 0.0, 1e-6)
    shape = table.choice("shape", "normal", _SHAPES)
    table.end()
    if bool(mean_s) == (file is not None):
        raise _Wrong(f"{table.key('mean_seconds')} or {table.key('file')}: one of the two is needed")
    return Work(samples=read_times(path.parent / file, kind, field, unit)) if file is not None else Work(mean_s, shape)


def _servers(table: _Table) -> Servers:
    count = table.whole("count", None, 10_000)
    cores = table.number("cores", None, 0.01)
    speed = table.number("speed", 1.0, 0.001)
    kind = table.choice("kind", "shared", _KINDS)
    weight = table.number("weight", 1.0, 0.001)
    reports = table.switch("reports", True)
    table.end()
    if kind == "queue" and cores != int(cores):
        raise _Wrong(f"{table.key('cores')}: {cores:g} cannot be used; workers are whole")
    if kind == "delay":
        return Servers(count, inf, speed, allotted=cores * speed, reports=reports, weight=weight)
    return Servers(count, cores, speed, queued=kind == "queue", reports=reports, weight=weight)


def _antagonists(table: _Table) -> Antagonists:
    antagonists = Antagonists(
        table.number("mean_seconds", 3.0, 0.01),
        table.number("chance", 0.4, 0.0, 1.0),
        table.pair("low", (0.7, 1.0)),
        table.pair("high", (1.0, 2.0)),
    )
    table.end()
    return antagonists
