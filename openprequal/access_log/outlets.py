"""Who writes to which destination? One writer each, whatever the settings were when a request began."""

from collections import Counter
from collections.abc import Callable

from openprequal.access_log.destinations import sink_of
from openprequal.access_log.writer import Writer


class Outlets:
    """The writers that there are. One that the settings name no more stays for the requests that began under them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._writers: dict[str, Writer] = {}

    def writer(self, destination: str) -> Writer:
        """The one for *destination*.

        :raises ConfigurationError: it cannot be written.
        """
        # Looked at anew even if there is a writer: what could be written once may be no more.
        sink = sink_of(destination)
        if destination not in self._writers:
            self._writers[destination] = Writer(sink, destination, self._now)
        return self._writers[destination]

    def tick(self) -> None:
        """Called every :data:`~openprequal.access_log.writer.FLUSH_S`."""
        for writer in self._writers.values():
            writer.tick()

    def reopen(self) -> None:
        """Files have been moved away."""
        for writer in self._writers.values():
            writer.reopen()

    def close(self) -> None:
        """Write what there is; no more lines come."""
        for writer in self._writers.values():
            writer.close()

    @property
    def lost(self) -> "Counter[str]":
        """How many lines were not written, by why."""
        return sum((writer.lost for writer in self._writers.values()), Counter())
