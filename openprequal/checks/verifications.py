"""How much is done at a time to verify passwords, which is slow on purpose?

So much and no more: whoever sends wrong passwords as fast as they can keeps a few threads busy, not the gateway.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

InThread = Callable[[Callable[[], bool]], "Deferred[bool]"]

MOST_WAITING: Final = 32


class Verifications:
    """Verifications under way, and those that wait for their turn."""

    def __init__(self, in_thread: InThread, most_running: int, most_waiting: int = MOST_WAITING) -> None:
        """
        :param in_thread: runs a function elsewhere.
        :param most_running: at a time.
        :param most_waiting: beyond these; one client's may be half of them.
        """
        self._in_thread = in_thread
        self._most_running = most_running
        self._most_waiting = most_waiting
        self._running = 0
        self._waiting: deque[_Verification] = deque()
        self._by_key: dict[bytes, _Verification] = {}

    def verify(self, key: bytes, client: str, verify: Callable[[], bool]) -> "Deferred[bool] | None":
        """Call *verify* in a thread, in its turn; the same *key* is verified once for all that ask meanwhile.

        :param client: who asks.
        :return: the answer; None if too many wait.
        """
        verification = self._by_key.get(key)
        if verification is None:
            free = self._running < self._most_running
            if not free and not self._has_room_for(client):
                return None
            verification = self._by_key[key] = _Verification(key, client, verify)
            if free:
                self._run(verification)
            else:
                self._waiting.append(verification)
        answer: Deferred[bool] = Deferred(lambda _: self._not_wanted(verification, answer))
        if verification.result is None:
            verification.asking.append(answer)
        else:  # it took no time at all
            answer.callback(verification.result)
        return answer

    def _has_room_for(self, client: str) -> bool:
        waiting = [verification.client for verification in self._waiting]
        return len(waiting) < self._most_waiting and waiting.count(client) < self._most_waiting // 2

    def _run(self, verification: "_Verification") -> None:
        self._running += 1
        verification.running = True
        self._in_thread(verification.verify).addBoth(self._ran, verification)

    def _ran(self, result: bool | Failure, verification: "_Verification") -> None:
        self._running -= 1
        del self._by_key[verification.key]
        if self._waiting:
            self._run(self._waiting.popleft())
        verification.result = result
        asking, verification.asking = verification.asking, []
        for answer in asking:
            if not answer.called:
                answer.callback(result)

    def _not_wanted(self, verification: "_Verification", answer: "Deferred[bool]") -> None:
        if answer in verification.asking:
            verification.asking.remove(answer)
        if not verification.asking and not verification.running:
            self._waiting.remove(verification)
            del self._by_key[verification.key]


class _Verification:
    __slots__ = ("asking", "client", "key", "result", "running", "verify")

    def __init__(self, key: bytes, client: str, verify: Callable[[], bool]) -> None:
        self.key = key
        self.client = client
        self.verify = verify
        self.running = False
        self.result: bool | Failure | None = None
        self.asking: list[Deferred[bool]] = []
