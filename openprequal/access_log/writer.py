"""How do lines get out without traffic ever waiting for them? In batches, by a thread, and not at any price.

The way of a request only appends its journey to a list; lines are made of many at a time, which costs half of what it
costs to make each when its request ends. A thread gives them to the sink: a disk that hangs, or a pipe that
nobody reads, blocks that thread alone. Beyond a bound lines are lost, and counted. (Standard output cannot be made
non-blocking instead: whoever else has it would have it so too.)
"""

from collections import Counter
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, Protocol

from twisted.logger import Logger

from openprequal.access_log.formats import Format
from openprequal.forwarding.journey import Journey

FLUSH_S: Final = 0.2
"""Seconds between two batches, at most."""
MADE_AT_ONCE: Final = 100
"""Journeys that lines are made of at a time, at most: some hundred microseconds."""
GIVEN_AT_ONCE: Final = 1000
"""Lines given to the thread at a time, about: waking it costs as much as making some lines."""
MAX_WAITING: Final = 16 * 1024 * 1024
"""Bytes that wait for the sink, at most."""
TELL_S: Final = 60.0
"""Seconds between two entries about lost lines in the gateway's own log, at least."""
REST_S: Final = 60.0
"""After so long without lines the sink is closed, until there are some again."""
LAST_S: Final = 1.0
"""Seconds that the last lines get at the end."""

BACKLOG: Final = "backlog"
FAILED: Final = "failed"


class Sink(Protocol):
    """Where lines go. It may block; one thread alone uses it."""

    trouble: str
    """What hindered it last."""

    def write(self, lines: list[str]) -> int:
        """Write them down, each with its end; how many were lost. It opens what it needs, if need be every time."""

    def reopen(self) -> None:
        """What is open has been moved away: open it anew with the next lines. Called from another thread."""

    def close(self) -> None:
        """Until there are more lines."""


class Writer:
    """Takes lines for one sink.

    :ivar lost: how many were not written, by why.
    """

    log = Logger()

    def __init__(self, sink: Sink, name: str, now: Callable[[], float]) -> None:
        """:param name: of the destination, for the gateway's own log."""
        self.lost: Counter[str] = Counter()
        self._sink = sink
        self._name = name
        self._now = now
        self._journeys: list[Journey] = []
        self._make_line: Format | None = None
        self._lines: list[str] = []
        self._queue: SimpleQueue[tuple[list[str], int] | None] = SimpleQueue()
        self._thread: Thread | None = None
        # Bytes and lines, each counted by one thread alone.
        self._given = self._taken = 0
        self._failed = 0
        self._told = 0
        self._tell_at = float("-inf")

    def write(self, journey: Journey, make_line: Format) -> None:
        """Take a journey that is over, and what is to make its line. Immediate."""
        if make_line is not self._make_line:
            # Other settings have come; the last requests that began under those before end among the others.
            self._make_lines()
            self._make_line = make_line
        journeys = self._journeys
        journeys.append(journey)
        if len(journeys) >= MADE_AT_ONCE:
            self._make_lines()
            if len(self._lines) >= GIVEN_AT_ONCE:
                self.flush()

    def _make_lines(self) -> None:
        journeys, self._journeys = self._journeys, []
        make_line = self._make_line
        if make_line is not None:
            self._lines += [make_line(journey) for journey in journeys]

    def flush(self) -> None:
        """Give what there is to the thread."""
        self._make_lines()
        lines, self._lines = self._lines, []
        if not lines:
            return
        size = sum(map(len, lines))
        if self._given - self._taken + size > MAX_WAITING:
            self.lost[BACKLOG] += len(lines)
            return
        self._given += size
        self._queue.put((lines, size))
        if self._thread is None:
            # Not before: a process that becomes a daemon leaves its threads behind.
            self._thread = Thread(target=self._run, name="access log", daemon=True)
            self._thread.start()

    def tick(self) -> None:
        """Called every :data:`FLUSH_S`."""
        self.flush()
        if self._failed:
            self.lost[FAILED] = self._failed
        lost, now = self.lost.total(), self._now()
        if lost > self._told and now >= self._tell_at:
            count, self._told, self._tell_at = lost - self._told, lost, now + TELL_S
            why = self._sink.trouble or "it does not take them fast enough"
            self.log.error("access log: {count} lines for {name} lost: {why}", count=count, name=self._name, why=why)

    def reopen(self) -> None:
        """The destination has been moved away."""
        self._sink.reopen()

    def close(self) -> None:
        """Write what there is, as far as that takes no longer than :data:`LAST_S`."""
        self.flush()
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join(LAST_S)
            self.tick()

    def _run(self) -> None:
        """What the thread does."""
        while True:
            try:
                batch = self._queue.get(timeout=REST_S)
            except Empty:
                self._sink.close()
                continue
            if batch is None:
                break
            lines, size = batch
            self._failed += self._sink.write(lines)
            self._taken += size
        self._sink.close()
