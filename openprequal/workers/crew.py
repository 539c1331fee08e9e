"""The crew: how does a parent start its workers, keep so many of them, hear them, and end them?"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from openprequal.workers.backoff import BackOff
from openprequal.workers.channel import Channel
from openprequal.workers.counts import CONNECTIONS, CountsMap
from openprequal.workers.framing import Message
from openprequal.workers.worker import Worker

APPLY_S: Final = 2.0
"""A worker that has not taken in a change by then is waited for no more."""


class Child(Protocol):
    """A process that was started."""

    def kill(self) -> None:
        """End it at once. Harmless when it has ended."""


Start = Callable[[int, Channel, Callable[[str], None]], Child]
"""Starts the worker of that index: its channel, and what is to be called with why when it has ended.

:raises OSError: it cannot be started now.
"""

Hear = Callable[[Worker, str, Message], None]
"""Hears what a worker says that is none of the crew's business."""

_Waiting = tuple[dict[Worker, int], "Deferred[None]"]
"""Who has to take in how many messages, and who waits for it."""


class Crew(Service):
    """So many workers, from start to stop; in the parent they stand where requests come in.

    :ivar restarts: how often one was started again.
    :ivar unanswered: how often one did not answer in time.
    """

    log = Logger()
    connections: Sequence[object] = ()

    def __init__(self, count: int, clock: IReactorTime, start: Start, counts: CountsMap) -> None:
        """:param start: starts one."""
        self.count = count
        self.restarts = 0
        self.unanswered = 0
        self.introduce: Callable[[Worker], None] = lambda worker: None
        """Tells a new worker all it has to know."""
        self.hear: Hear = lambda worker, kind, message: None
        self.gone: Callable[[Worker], None] = lambda worker: None
        """Hears of the end of a worker that had said hello."""
        self._clock = clock
        self._start = start
        self._counts = counts
        self._children: dict[int, Child] = {}
        self._workers: dict[int, Worker] = {}
        self._back_off = [BackOff() for _ in range(count)]
        self._waiting: list[_Waiting] = []
        self._accepts = False
        self._stopping = False
        self._all_gone: Deferred[None] | None = None

    # ---- start and end ----------------------------------------------------------------------------------------------

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        for index in range(self.count):
            self._begin(index)

    def stopService(self) -> "Deferred[None]":
        """End at once whoever is still there; fires when nobody is."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._stopping = True
        if not self._children:
            return succeed(None)
        self._all_gone = Deferred()
        for child in list(self._children.values()):
            child.kill()
        return self._all_gone

    def accept(self) -> None:
        """Let the workers accept connections, those that come later too."""
        self._accepts = True
        for worker in self.live:
            worker.say("accept")

    def cease(self) -> None:
        """Let them accept no more: another process does so on the same sockets."""
        self._accepts = False
        for worker in self.live:
            worker.say("cease")

    def replace(self, worker: Worker) -> None:
        """Let one end what it has under way; then another takes its place."""
        worker.say("cease")
        worker.say("stop")

    # What the lifecycle of a gateway asks of where requests come in.

    @property
    def busy(self) -> int:
        """Workers that have not ended."""
        return len(self._children)

    def drain(self) -> None:
        """Let all of them end, each when what it has under way has ended; nobody takes their places."""
        self._stopping = True
        for index, child in self._children.items():
            if index in self._workers:
                self._workers[index].say("stop")
            else:
                child.kill()  # it serves nobody yet

    def shut_down(self) -> None:
        """They have been ended: :meth:`stopService`."""

    def expire(self) -> None:
        """Each of them looks after its own connections."""

    def route_by(self, proxy: object) -> None:
        """Each of them makes its exchanges itself."""

    def configure(self, *arguments: Any, **settings: Any) -> None:
        """Each of them reads the settings itself."""

    # ---- what all of them are told and asked ------------------------------------------------------------------------

    @property
    def live(self) -> list[Worker]:
        """Those that have said hello and have not ended."""
        return list(self._workers.values())

    @property
    def ready(self) -> bool:
        """All have taken in who exists, so that they can serve at once."""
        return len(self._workers) == self.count and all(worker.applied == worker.says for worker in self.live)

    @property
    def accepting(self) -> bool:
        """Somebody accepts connections."""
        return any(worker.accepting for worker in self.live)

    def client_connections(self) -> list[int]:
        """How many connections clients hold at each worker."""
        return [row[CONNECTIONS] for row in self._counts.rows]

    def applied(self) -> "Deferred[None]":
        """Fires when all live workers have taken in all that they have been told of who exists, or do not in time."""
        missing = {worker: worker.says for worker in self.live if worker.applied < worker.says}
        if not missing:
            return succeed(None)
        # Whoever waits may lose interest: then it is over.
        done: Deferred[None] = Deferred(lambda _: self._end_of(waiting))
        waiting: _Waiting = missing, done
        self._waiting.append(waiting)
        too_late = self._clock.callLater(APPLY_S, self._give_up, waiting)

        def over(_: None) -> None:
            if too_late.active():
                too_late.cancel()

        return done.addCallback(over)

    def ask(self, about: str) -> "Deferred[list[tuple[Worker, list[Message]]]]":
        """What each says that answers in time."""
        asked = [(worker, worker.ask(about)) for worker in self.live]

        def answered(answers: list[list[Message] | None]) -> list[tuple[Worker, list[Message]]]:
            both = [(worker, answer) for (worker, _), answer in zip(asked, answers, strict=True)]
            self.unanswered += sum(answer is None for _, answer in both)
            return [(worker, answer) for worker, answer in both if answer is not None]

        return gatherResults([each for _, each in asked]).addCallback(answered)

    # ---- one of them ------------------------------------------------------------------------------------------------

    def _begin(self, index: int) -> None:
        if self._stopping:
            return
        channel = Channel(lambda kind, message: self._heard(index, channel, kind, message), lambda: None)
        self._back_off[index].started(self._clock.seconds())
        try:
            self._children[index] = self._start(index, channel, lambda why: self._ended(index, why))
        except OSError as error:  # out of processes or descriptors
            self._ended(index, str(error))

    def _heard(self, index: int, channel: Channel, kind: str, message: Message) -> None:
        worker = self._workers.get(index)
        if kind == "hello":
            worker = self._workers[index] = Worker(index, channel, self._clock)
            self.introduce(worker)
            if self._stopping:
                worker.say("stop")
            elif self._accepts:
                worker.say("accept")
        elif worker is None:
            return
        elif kind == "applied":
            worker.applied = int(message.head["n"])
            self._look_who_waits()
        elif kind == "accepting":
            worker.accepting = True
        elif kind == "answer":
            worker.answers(message)
        else:
            self.hear(worker, kind, message)

    def _ended(self, index: int, why: str) -> None:
        self._children.pop(index, None)
        worker = self._workers.pop(index, None)
        # What it had under way is nobody's any more.
        self._counts.clear(index)
        if worker is not None:
            worker.ended()
            self.gone(worker)
        self._look_who_waits()
        if self._stopping:
            if self._all_gone is not None and not self._children:
                self._all_gone.callback(None)
            return
        self.restarts += 1
        pause_s = self._back_off[index].pause_s(self._clock.seconds())
        self.log.warn(
            "worker {index} has ended: {why}; started again in {pause:g} s", index=index, why=why, pause=pause_s
        )
        self._clock.callLater(pause_s, self._begin, index)

    def _look_who_waits(self) -> None:
        live = self.live
        for waiting in list(self._waiting):
            if all(worker.applied >= says for worker, says in waiting[0].items() if worker in live):
                self._end_of(waiting)

    def _give_up(self, waiting: _Waiting) -> None:
        slow = [worker.index for worker, says in waiting[0].items() if worker.applied < says]
        self.unanswered += len(slow)
        self.log.warn("workers {slow} have not heard of a change within {s:g} s", slow=slow, s=APPLY_S)
        self._end_of(waiting)

    def _end_of(self, waiting: _Waiting) -> None:
        self._waiting.remove(waiting)
        waiting[1].callback(None)
