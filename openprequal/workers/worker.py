"""One worker as its parent sees it: what has it been told, what has it done of that, and what is it asked?"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from openprequal.values import Backend
from openprequal.workers.channel import Channel
from openprequal.workers.framing import Message

ASK_S: Final = 1.0
"""A worker that has not answered by then is left out."""


class Worker:
    """From its hello to its end.

    :ivar told: the ids of the backends that it has been told of.
    :ivar says: how many of its messages on who exists it has been sent.
    :ivar applied: and how many of those it has taken in.
    :ivar accepting: it has said that it accepts connections.
    """

    def __init__(self, index: int, channel: Channel, clock: IReactorTime) -> None:
        self.index = index
        self.told: set[str] = set()
        self.says = 0
        self.applied = 0
        self.accepting = False
        self._channel = channel
        self._clock = clock
        self._questions: dict[int, tuple[list[Message], Deferred[list[Message] | None]]] = {}
        self._asked = 0

    def say(self, kind: str, payload: bytes = b"", **told: Any) -> None:
        """Send it a message."""
        self._channel.say(kind, payload, **told)

    def joined(self, backend: Backend, cell: int | None, judgement: Mapping[str, object] | None) -> None:
        """Tell it that *backend* exists, or has other particulars."""
        self.told.add(backend.id)
        self.says += 1
        self.say("joined", n=self.says, backend=particulars(backend), cell=cell)
        if judgement is not None:
            self.judged(backend.id, judgement)

    def left(self, backend_id: str, reason: str) -> None:
        """Tell it that a backend exists no more, or is not its own to keep any more; harmless if it knows of none."""
        if backend_id in self.told:
            self.told.discard(backend_id)
            self.says += 1
            self.say("left", n=self.says, id=backend_id, reason=reason)

    def judged(self, backend_id: str, told: Mapping[str, object]) -> None:
        """Tell it what the checks of a backend say."""
        if backend_id in self.told:
            self.say("judged", id=backend_id, told=told)

    def ask(self, about: str, timeout_s: float = ASK_S, **told: Any) -> "Deferred[list[Message] | None]":
        """All it says on a question; None: it has not answered in time, or has ended. Cancelled, it is None at once.

        :param told: what belongs to the question.
        """
        self._asked += 1
        number = self._asked
        # Whoever asks may lose interest: that is an answer, too.
        answered: Deferred[list[Message] | None] = Deferred(lambda _: self._give_up(number))
        self._questions[number] = [], answered
        too_late = self._clock.callLater(timeout_s, self._give_up, number)

        def done(answer: list[Message] | None) -> list[Message] | None:
            if too_late.active():
                too_late.cancel()
            return answer

        self.say("ask", ask=number, about=about, **told)
        return answered.addCallback(done)

    def answers(self, message: Message) -> None:
        """A part of what it was asked; what comes too late is nobody's."""
        question = self._questions.get(message.head["ask"])
        if question is None:
            return
        parts, answered = question
        if message.head.get("last"):
            del self._questions[message.head["ask"]]
            answered.callback(parts)
        else:
            parts.append(message)

    def ended(self) -> None:
        """It is gone: nobody waits for it any more."""
        for number in list(self._questions):
            self._give_up(number)

    def _give_up(self, number: int) -> None:
        question = self._questions.pop(number, None)
        if question is not None:
            question[1].callback(None)


def particulars(backend: Backend) -> dict[str, object]:
    """*backend* as a message has it; ``Backend(**particulars)`` is the same again."""
    return asdict(backend, filter=lambda attribute, _: attribute.init)
