"""A crew in virtual time: its children are no processes, and what they are told is written down."""

from collections.abc import Callable
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from openprequal.workers.channel import Channel
from openprequal.workers.counts import CountsMap, made
from openprequal.workers.crew import Crew
from openprequal.workers.framing import Frames, Message, frame

CELLS = 16


class FarWorker:
    """A worker's end of the channel."""

    def __init__(self, index: int, channel: Channel, ended: Callable[[str], None]) -> None:
        self.index = index
        self.killed = False
        self._channel = channel
        self._ended = ended
        self._transport = StringTransport()
        self._frames = Frames()
        self._heard: list[Message] = []
        channel.makeConnection(self._transport)

    def kill(self) -> None:
        self.killed = True

    def end(self, why: str = "it was time") -> None:
        """The process is gone."""
        self._ended(why)

    def say(self, kind: str, payload: bytes = b"", **told: Any) -> None:
        self._channel.dataReceived(frame(Message({"kind": kind, **told}, payload)))

    @property
    def heard(self) -> list[Message]:
        """All it was told so far."""
        self._heard += self._frames.feed(self._transport.value())
        self._transport.clear()
        return self._heard

    def kinds(self) -> list[str]:
        """What that was about."""
        return [str(message.head["kind"]) for message in self.heard]

    def apply(self) -> None:
        """Take in all it was told of who exists."""
        for message in self.heard:
            if "n" in message.head:
                self.say("applied", n=message.head["n"])


class Case:
    """A crew that has been started."""

    def __init__(self, count: int = 2) -> None:
        self.clock = Clock()
        self.workers: list[FarWorker] = []
        """All that were ever started."""
        self.fails: OSError | None = None
        self.counts = CountsMap(made(count, CELLS), count, CELLS)
        self.crew = Crew(count, self.clock, self._start, self.counts)

    def _start(self, index: int, channel: Channel, ended: Callable[[str], None]) -> FarWorker:
        if self.fails is not None:
            raise self.fails
        self.workers.append(FarWorker(index, channel, ended))
        return self.workers[-1]

    def begin(self) -> None:
        """Start, and let all say hello."""
        self.crew.startService()
        for worker in self.workers:
            worker.say("hello")
