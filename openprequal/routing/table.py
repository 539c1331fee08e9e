"""Which of all routes does a request take? A table, compiled once, that is asked in microseconds however long it is.

An index finds what may match: by host, then down a tree of path segments. What it finds is in the order of precedence,
so that the first whose other conditions hold is taken. Precedence is a number that each route gets when the table is
made: by priority, then the more exact host, the more exact path, more conditions, and the order of the configuration.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

from attrs import frozen

from openprequal.errors import ConfigurationError
from openprequal.http1.request import RequestHead
from openprequal.routing.conditions import Condition, Conditions
from openprequal.routing.host_pattern import ANY_HOST_RANK, MAX_NAME, HostPattern, host_and_port
from openprequal.routing.normal_path import with_single_slashes
from openprequal.routing.path_pattern import ANY_PATH_RANK, End

T = TypeVar("T")

MAX_HOSTS: Final = 1024
"""Values of Host that are remembered; clients make them up."""
PRECEDENCE: Final = ("higher priority", "more exact host", "more exact path", "more conditions", "first in the file")
"""What each part of :attr:`Entry.order` is about."""


@frozen
class Entry(Generic[T]):
    """A route under one of its hosts."""

    name: str
    value: T
    conditions: Conditions
    host: HostPattern | None
    order: tuple[object, ...]
    """What precedence is decided by, part by part; the lower goes before."""
    rank: int
    """Its place in that order among all."""
    others: tuple[Condition, ...]

    def unmet(self, request: RequestHead) -> list[Condition]:
        """What else it asks of *request*, which has its host and path, in vain."""
        return [each for each in self.others if not each.holds(request)]


class _Segment(Generic[T]):
    """Where the routes of one host go on from one segment of their paths."""

    __slots__ = ("below", "exact", "tail", "texts", "variable")

    def __init__(self) -> None:
        self.texts: dict[bytes, _Segment[T]] = {}
        self.variable: _Segment[T] | None = None
        self.exact: list[Entry[T]] = []
        """What ends here, by what may follow: nothing,"""
        self.tail: list[Entry[T]] = []
        """a slash and anything,"""
        self.below: list[Entry[T]] = []
        """or that or nothing."""


class _Host(Generic[T]):
    """The routes of one host."""

    __slots__ = ("any_path", "root")

    def __init__(self) -> None:
        self.any_path: list[Entry[T]] = []
        self.root: _Segment[T] = _Segment()


class RouteTable(Generic[T]):
    """Finds what was said for a request. Never changed: another configuration makes another table.

    :ivar entries: all, in the order of precedence.
    """

    def __init__(self, routes: Iterable[tuple[str, Conditions, T]]) -> None:
        """
        :param routes: name, conditions and what is found for each, in the order of the configuration.
        :raises ConfigurationError: two of them could never be told apart.
        """
        ordered = sorted(
            (
                (_order(conditions, host, number), host, name, conditions, value)
                for number, (name, conditions, value) in enumerate(routes)
                for host in (dict.fromkeys(conditions.hosts) or (None,))
            ),
            key=lambda row: row[0],
        )
        self.entries: Sequence[Entry[T]] = [
            Entry(name, value, conditions, host, order, rank, conditions.others)
            for rank, (order, host, name, conditions, value) in enumerate(ordered)
        ]
        _tell_apart(self.entries)
        self._named: dict[bytes, _Host[T]] = {}
        self._below: dict[bytes, _Host[T]] = {}
        self._any: _Host[T] = _Host()
        self._cut = 2
        self._known_hosts: dict[bytes | None, tuple[_Host[T], ...]] = {}
        for entry in self.entries:
            self._add(entry)

    def find(self, request: RequestHead, path: bytes) -> Entry[T] | None:
        """The route that *request* takes. Immediate.

        :param path: its normal path (:func:`~openprequal.routing.normal_path.normal_path`).
        """
        best: Entry[T] | None = None
        for entries in self._reached(request, path):
            for entry in entries:
                if best is not None and entry.rank > best.rank:
                    break
                if not entry.others or not entry.unmet(request):
                    best = entry
                    break
        return best

    def candidates(self, request: RequestHead, path: bytes) -> list[Entry[T]]:
        """All whose host and path *request* has, in the order of precedence; for explanations."""
        return sorted((entry for entries in self._reached(request, path) for entry in entries), key=lambda e: e.rank)

    def _add(self, entry: Entry[T]) -> None:
        host, path = entry.host, entry.conditions.path
        if host is None:
            routes = self._any
        else:
            key = host.name + b":" + host.port if host.port else host.name
            routes = (self._below if host.wildcard else self._named).setdefault(key, _Host())
        if path is None:
            routes.any_path.append(entry)
            return
        segment = routes.root
        for text in path.segments:
            if text is None:
                if segment.variable is None:
                    segment.variable = _Segment()
                segment = segment.variable
            else:
                segment = segment.texts.setdefault(text, _Segment())
        {End.NOTHING: segment.exact, End.TAIL: segment.tail, End.ANYTHING: segment.below}[path.end].append(entry)
        self._cut = max(self._cut, len(path.segments) + 1)

    def _reached(self, request: RequestHead, path: bytes) -> list[list[Entry[T]]]:
        """What is there for the host and the path, in lists each in the order of precedence."""
        reached = []
        # Before the first slash is nothing, or the * of OPTIONS (RFC 9112 section 3.2.4), which is no path; the last
        # part is what follows all that can be compared, uncut.
        parts = with_single_slashes(path).split(b"/", self._cut)
        count = len(parts)
        for host in self._known_hosts.get(request.host) or self._hosts(request.host):
            if host.any_path:
                reached.append(host.any_path)
            segment: _Segment[T] | None
            waiting: list[tuple[_Segment[T] | None, int]] = [(host.root, 1)] if count > 1 else []
            # Each segment of the tree is looked at once at most.
            while waiting:
                segment, depth = waiting.pop()
                while segment is not None:
                    if segment.below:
                        reached.append(segment.below)
                    if depth == count:
                        if segment.exact:
                            reached.append(segment.exact)
                        break
                    if segment.tail:
                        reached.append(segment.tail)
                    part = parts[depth]
                    depth += 1
                    if segment.variable is not None and part:
                        waiting.append((segment.variable, depth))
                    segment = segment.texts.get(part)
        return reached

    def _hosts(self, authority: bytes | None) -> tuple[_Host[T], ...]:
        """What is there for a host; the few that clients ask for are remembered."""
        name, port = host_and_port(authority)
        with_port = name + b":" + port
        hosts = [self._named.get(with_port), self._named.get(name)]
        if len(name) <= MAX_NAME:
            dot = name.find(b".")
            while dot >= 0:
                hosts += (self._below.get(with_port[dot + 1 :]), self._below.get(name[dot + 1 :]))
                dot = name.find(b".", dot + 1)
        found = (*(host for host in hosts if host is not None), self._any)
        if len(authority or b"") <= MAX_NAME:
            if len(self._known_hosts) >= MAX_HOSTS:
                self._known_hosts.clear()
            self._known_hosts[authority] = found
        return found


def _order(conditions: Conditions, host: HostPattern | None, number: int) -> tuple[object, ...]:
    return (
        -conditions.priority,
        ANY_HOST_RANK if host is None else host.rank,
        ANY_PATH_RANK if conditions.path is None else conditions.path.rank,
        -len(conditions.others),
        number,
    )


def _tell_apart(entries: Iterable[Entry[T]]) -> None:
    """:raises ConfigurationError: two ask for exactly the same."""
    known: dict[object, Entry[T]] = {}
    for entry in entries:
        path = entry.conditions.path
        asked = (
            entry.conditions.priority,
            entry.host,
            None if path is None else (path.segments, path.end),
            frozenset(entry.others),
        )
        first = known.setdefault(asked, entry)
        if first is not entry:
            host = f" for {entry.host}" if entry.host is not None else ""
            raise ConfigurationError(
                f"routes.{entry.name}: asks{host} for exactly what routes.{first.name} asks for: would never be taken"
            )
