"""Membership: who exists, in the order they joined, and who hears of every change?"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from twisted.logger import Logger

from openprequal.interfaces import IMembershipObserver
from openprequal.values import Backend

Event = Callable[[IMembershipObserver], None]


class Membership:
    """The backends by id, and the observers that are told.

    Every observer hears every change once, in the order of the changes, even when an observer changes the membership
    from inside a call: that change is told after the one being told.
    """

    log = Logger()

    def __init__(self) -> None:
        self._backends: dict[str, Backend] = {}
        self._observers: tuple[IMembershipObserver, ...] = ()
        self._untold: deque[tuple[tuple[IMembershipObserver, ...], Event]] = deque()
        self._telling = False

    def __len__(self) -> int:
        return len(self._backends)

    def __contains__(self, backend_id: object) -> bool:
        return backend_id in self._backends

    def backends(self) -> Collection[Backend]:
        """Everyone known now, in the order they joined; a copy."""
        return tuple(self._backends.values())

    def put(self, backend: Backend) -> None:
        """Make *backend* exist, in place of the one of the same id; saying the same again is no change."""
        old = self._backends.get(backend.id)
        self._backends[backend.id] = backend
        if old is None:
            self.log.info("{id} joined", id=backend.id)
            self._tell(_joined(backend))
        elif old != backend:
            self.log.info("{id} changed", id=backend.id)
            self._tell(_changed(old, backend))

    def remove(self, backend_id: str, reason: str) -> bool:
        """Make it exist no longer, for *reason* (for people); False if it did not."""
        backend = self._backends.pop(backend_id, None)
        if backend is None:
            return False
        self.log.info("{id} left: {reason}", id=backend_id, reason=reason)
        self._tell(_left(backend, reason))
        return True

    def subscribe(self, observer: IMembershipObserver) -> None:
        """Tell *observer* of everyone known now, inside this call, and of every change from then on."""
        known = self.backends()
        self._observers = (*self._observers, observer)
        with self._one_at_a_time():
            for backend in known:
                self._tell_one(observer, _joined(backend))

    def _tell(self, event: Event) -> None:
        # The observers of this moment: whoever subscribes later learns of this change from the membership itself.
        self._untold.append((self._observers, event))
        with self._one_at_a_time():
            pass

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """What observers change from inside the block is told at its end, by the outermost block."""
        if self._telling:
            yield
            return
        self._telling = True
        try:
            yield
            while self._untold:
                observers, event = self._untold.popleft()
                for observer in observers:
                    self._tell_one(observer, event)
        finally:
            self._telling = False

    def _tell_one(self, observer: IMembershipObserver, event: Event) -> None:
        try:
            event(observer)
        except Exception:
            self.log.failure("{observer!r} failed to hear of a change of membership, going on", observer=observer)


def _joined(backend: Backend) -> Event:
    return lambda observer: observer.joined(backend)


def _changed(old: Backend, new: Backend) -> Event:
    return lambda observer: observer.changed(old, new)


def _left(backend: Backend, reason: str) -> Event:
    return lambda observer: observer.left(backend, reason)
