"""Shared rows: what does each process of this application say of itself, where all others can read it?

A memory-mapped file of one row a process, each written by its owner alone. A file lock, which the kernel lets go when
its holder dies, says whose row is whose, and who leads. Nobody waits for anybody: a row read while it is written is
wrong by one request for as long as that takes.
"""

import fcntl
import mmap
import os
import struct
import tempfile
from hashlib import blake2b
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

from openprequal.agent.latency import Knowledge
from openprequal.values import LoadState

ROWS: Final = 512
"""More processes than any application has; a row costs 128 bytes of memory."""

# What changes when a request comes or goes, when one is answered, and when the process changes its mind; and all three.
_COUNTS: Final = struct.Struct("=4d")
_ANSWERS: Final = struct.Struct("=5d")
_STATE: Final = struct.Struct("=3d")
_ROW: Final = struct.Struct("=12d")
_ROW_BYTES: Final = 128
_HEADER: Final = struct.Struct("=3d")
_VERSION: Final = "1"
"""Part of the file's name, because two versions may run side by side during an update."""

_STATES: Final = tuple(LoadState)


class Row(NamedTuple):
    """What one process says of itself. Times are of the monotonic clock, which all processes of a host share."""

    rif: float = 0.0
    served_s: float = 0.0
    """Seconds that requests have been in flight, summed over requests, until :attr:`counted_at`."""
    counted_at: float = 0.0
    waiting_since: float = inf
    """When the oldest of those without a response head arrived; infinite if there is none."""
    last_head_at: float = -inf
    known: Knowledge = Knowledge()
    state: LoadState = LoadState.READY
    leaves: bool = False
    """It was told to end."""
    pid: int = 0


def folder_for(backend: str, parent: str | None = None) -> Path:
    """The folder of the processes that are *backend*, made for this user alone.

    :param parent: where it is made; None: in the system's folder for temporary files.
    :raises OSError: it cannot be made, or somebody else's is there.
    """
    if parent is None:
        own = Path(tempfile.gettempdir()) / f"openprequal-{os.getuid()}"
        own.mkdir(mode=0o700, exist_ok=True)
        found = own.lstat()
        if own.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise PermissionError(f"{own} is not this user's alone: remove it, or set BACKEND_RUN_FOLDER")
    else:
        own = Path(parent)
    folder = own / f"{blake2b(backend.encode(), digest_size=8).hexdigest()}-{_VERSION}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class SharedRows:
    """The rows of one application, of which this process has one.

    :ivar index: ours.
    """

    def __init__(self, folder: Path) -> None:
        """Take a row that nobody has.

        :raises OSError: the folder cannot be used, or there are :data:`ROWS` processes already.
        """
        self._folder = folder
        size = _ROW_BYTES * (ROWS + 1)
        descriptor = os.open(folder / "rows", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < size:
                os.ftruncate(descriptor, size)
            self._map = mmap.mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self._lead: int | None = None
        self.index, self._own = self._take()
        self._counts_at = _ROW_BYTES * (self.index + 1)
        self._answers_at = self._counts_at + _COUNTS.size
        self._state_at = self._answers_at + _ANSWERS.size
        self.count(0, 0.0, 0.0, inf)
        self.answered(-inf, Knowledge())
        self.tell(LoadState.READY)
        self.keep_visible()

    def count(self, rif: int, served_s: float, counted_at: float, waiting_since: float) -> None:
        """Say of ourselves what :class:`Row` has under these names. For every request: no system call."""
        _COUNTS.pack_into(self._map, self._counts_at, rif, served_s, counted_at, waiting_since)

    def answered(self, last_head_at: float, known: Knowledge) -> None:
        """The same for these."""
        _ANSWERS.pack_into(self._map, self._answers_at, last_head_at, *known)

    def tell(self, state: LoadState, leaves: bool = False) -> None:
        """The same for these."""
        _STATE.pack_into(self._map, self._state_at, _STATES.index(state), leaves, os.getpid())

    def read(self, without_own: bool = False) -> list[Row]:
        """What all processes say, or all others."""
        rows = []
        for index in range(int(self._header()[0])):
            if without_own and index == self.index:
                continue
            told = _ROW.unpack_from(self._map, _ROW_BYTES * (index + 1))
            if told[-1]:
                *counts, last_head_at, unit_s, exponent, samples, last_at, state, leaves, pid = told
                known = Knowledge(unit_s, exponent, samples, last_at)
                rows.append(Row._make((*counts, last_head_at, known, _STATES[int(state)], bool(leaves), int(pid))))
        return rows

    def lead(self) -> bool:
        """True if this process leads now, because it did before or nobody else does."""
        if self._lead is None:
            self._lead = self._lock("leader.lock")
        return self._lead is not None

    def stop_leading(self) -> None:
        """Let another one lead."""
        if self._lead is not None:
            os.close(self._lead)
            self._lead = None

    def reap(self) -> None:
        """Clear the rows of processes that are dead."""
        for index in range(int(self._header()[0])):
            if index != self.index and _ROW.unpack_from(self._map, _ROW_BYTES * (index + 1))[-1]:
                lock = self._lock(f"row-{index}.lock")
                if lock is not None:
                    self._clear(index)
                    os.close(lock)

    def keep_visible(self) -> None:
        """Called again and again: two processes that start at once may have hidden one another."""
        if self._header()[0] <= self.index:
            self._set_header(0, self.index + 1)

    @property
    def probe_port(self) -> int:
        """The port on which a leader has answered probes, so that the next one can do so there; 0 if none has."""
        return int(self._header()[1])

    @probe_port.setter
    def probe_port(self, port: int) -> None:
        self._set_header(1, port)

    @property
    def left_at(self) -> float:
        """When the application as a whole was last unregistered."""
        return self._header()[2]

    @left_at.setter
    def left_at(self, when: float) -> None:
        self._set_header(2, when)

    def close(self) -> None:
        """Give up the row, and the lead."""
        self.stop_leading()
        self._clear(self.index)
        os.close(self._own)

    def forget(self) -> None:
        """In a child that was forked: drop what is the parent's, without a word in its row."""
        for descriptor in (self._own, self._lead):
            if descriptor is not None:
                os.close(descriptor)

    def _take(self) -> tuple[int, int]:
        for index in range(ROWS):
            lock = self._lock(f"row-{index}.lock")
            if lock is not None:
                return index, lock
        raise OSError(f"{self._folder}: {ROWS} processes of one backend already")

    def _lock(self, name: str) -> int | None:
        """A descriptor that holds the lock of that name, or None if another one does."""
        descriptor = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor

    def _clear(self, index: int) -> None:
        _ROW.pack_into(self._map, _ROW_BYTES * (index + 1), *([0.0] * 12))

    def _header(self) -> tuple[float, float, float]:
        count, port, left_at = _HEADER.unpack_from(self._map, 0)
        return count, port, left_at

    def _set_header(self, place: int, value: float) -> None:
        struct.pack_into("=d", self._map, 8 * place, float(value))
