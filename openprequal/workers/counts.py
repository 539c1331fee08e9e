"""Counts that all workers see: what has each of them under way at each backend?

One memory map without a file: a row a worker, which it alone writes, and a cell in each row for a backend, a service
or what else is counted. Nobody waits for anybody, and nothing is a system call; the sum of a column may be old by the
instruction or two that another process is about to do. When a worker is dead its parent clears the row.
"""

import mmap
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Final

CONNECTIONS: Final = 0
"""The cell of a worker's client connections."""
ACCEPTING: Final = 1
"""The cell that is 1 while a worker accepts."""
_FIRST: Final = 2
_CELL_BYTES: Final = 4


class CountsMap:
    """The whole map, as every process of the gateway has it."""

    def __init__(self, descriptor: int, rows: int, cells: int) -> None:
        """:param descriptor: from :func:`made`; it may be closed afterwards."""
        self._map = mmap.mmap(descriptor, rows * cells * _CELL_BYTES)
        numbers = memoryview(self._map).cast("i")
        self.rows = [numbers[row * cells : (row + 1) * cells] for row in range(rows)]
        self.cells = cells

    def total(self, cell: int) -> int:
        """The sum of a column."""
        return sum([row[cell] for row in self.rows])

    def clear(self, row: int) -> None:
        """The worker of *row* is dead."""
        self.rows[row][:] = memoryview(bytes(self.cells * _CELL_BYTES)).cast("i")


def made(rows: int, cells: int) -> int:
    """The descriptor of a new map, all zero."""
    size = rows * cells * _CELL_BYTES
    try:
        descriptor = os.memfd_create("openprequal-counts")
    except (AttributeError, OSError):  # not Linux
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


class Cells:
    """Which cell belongs to whom? The parent's part: it gives them out, and takes them back once nothing is counted."""

    def __init__(self, counts: CountsMap) -> None:
        self._counts = counts
        self._cells: dict[str, int] = {}
        self._free = deque(range(_FIRST, counts.cells))
        self._leaving: deque[int] = deque()

    def of(self, key: str) -> int | None:
        """The cell of *key*, a backend's id or a service's name; None: there are no more."""
        cell = self._cells.get(key)
        if cell is None:
            if not self._free:
                self._reclaim()
            if not self._free:
                return None
            cell = self._cells[key] = self._free.popleft()
        return cell

    def left(self, key: str) -> None:
        """*key* exists no more; requests may still be under way. Harmless if it had no cell."""
        cell = self._cells.pop(key, None)
        if cell is not None:
            self._leaving.append(cell)

    def _reclaim(self) -> None:
        for _ in range(len(self._leaving)):
            cell = self._leaving.popleft()
            (self._leaving if self._counts.total(cell) else self._free).append(cell)


class OwnCounts:
    """A worker's view: its own row, and the others'.

    :ivar own: the row that this process writes.
    """

    def __init__(self, counts: CountsMap, row: int) -> None:
        self.own = counts.rows[row]
        self._others = [other for index, other in enumerate(counts.rows) if index != row]
        self._cells: dict[str, int] = {}

    def learn(self, cells: Mapping[str, int | None]) -> None:
        """The parent's word on who has which cell."""
        for key, cell in cells.items():
            if cell is None:
                self._cells.pop(key, None)
            else:
                self._cells[key] = cell

    def forget(self, key: str) -> None:
        """Another cell may be its own when it comes again."""
        self._cells.pop(key, None)

    def cell_of(self, key: str) -> int | None:
        """The cell of *key*; None: it has none, and is counted here alone."""
        return self._cells.get(key)

    def elsewhere(self, cell: int) -> int:
        """What the other workers count in *cell*."""
        return sum([row[cell] for row in self._others])

    def accepting(self) -> Iterable[int]:
        """How many client connections each other worker has that accepts now."""
        return [row[CONNECTIONS] for row in self._others if row[ACCEPTING]]
