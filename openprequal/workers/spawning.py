"""How is a worker process started? The parent's command line anew, with the sockets, a channel and the counts."""

import os
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from attrs import frozen
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import Factory

from openprequal.workers.channel import Channel
from openprequal.workers.crew import Child
from openprequal.workers.log import WorkerProcess
from openprequal.workers.place import CHANNEL, COUNTS, FIRST_LISTENING, VARIABLE, Place


@frozen
class Spawning:
    """Starts workers of one parent."""

    reactor: Any
    arguments: list[str]
    """Of the interpreter, after its own name."""
    directory: str
    place: Callable[[int, Mapping[str, int]], Place]
    """What the worker of an index is told, of the descriptors that it finds its sockets under."""
    counts: int
    """The descriptor of the map of counts."""
    listening: Callable[[], Mapping[str, int]]
    """Descriptors of what the parent listens on, by the endpoint string each was made from."""

    def __call__(self, index: int, channel: Channel, ended: Callable[[str], None]) -> Child:
        """Start one; see :data:`~openprequal.workers.crew.Start`.

        :raises OSError: out of processes or descriptors.
        """
        sockets = self.listening()
        numbers = {description: FIRST_LISTENING + place for place, description in enumerate(sockets)}
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = self.reactor.spawnProcess(
                WorkerProcess(f"worker {index}", ended),
                sys.executable,
                [sys.executable, *self.arguments],
                {**os.environ, VARIABLE: self.place(index, numbers).text},
                self.directory,
                childFDs={
                    0: 0,
                    1: 1,
                    2: "r",
                    CHANNEL: theirs.fileno(),
                    COUNTS: self.counts,
                    **{numbers[description]: descriptor for description, descriptor in sockets.items()},
                },
            )
            ours.setblocking(False)
            factory: Any = Factory.forProtocol(lambda: channel)
            self.reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
        return _Process(process)


class _Process:
    """A process of the reactor's, as the crew ends it."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessExitedAlready):
            self._process.signalProcess("KILL")
