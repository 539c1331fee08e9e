"""The scripted backend: one thread, one selector; answers as the case says and remembers every byte it got."""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from .backend_connection import Connection
from .case import Script
from .phrases import OK_REPLY
from .wire import Message

WAIT_S = 2.0


class Backend:
    """Listens on a loopback port of its own until stopped."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Message] = []
        """What came since :meth:`load`, unfinished requests included, in the order their heads came."""
        self.abandoned = 0
        """Connections that ended while their script was still waiting."""
        self.via = b""
        """Via of the last sentinel request."""
        self.replies: tuple[Script, ...] = ()
        self.patience_s = WAIT_S
        """How long this end and the client's wait for what a case wants."""
        self.gate_open = False
        self.changed = threading.Condition()
        """Notified when a head came or a connection was abandoned."""
        self._connections: set[Connection] = set()
        self._selector = selectors.DefaultSelector()
        self._errands: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._stopping = False
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda: self._woken.recv(64))
        self._thread = threading.Thread(target=self._serve, name="scripted backend", daemon=True)
        self._thread.start()

    def load(self, replies: tuple[Script, ...]) -> None:
        """Forget what was, and answer like this from now on."""

        def begin() -> None:
            for connection in list(self._connections):
                if connection.busy:
                    connection.close()
            self.requests, self.abandoned, self.gate_open = [], 0, False
            self.replies = replies or (OK_REPLY,)

        self._do(begin)

    def open_gate(self) -> None:
        """Let scripts pass their GATE."""

        def release() -> None:
            self.gate_open = True
            for connection in list(self._connections):
                connection.advance()

        self._do(release)

    def settle(self) -> None:
        """Return when everything that has arrived was read, bytes that are no request included."""
        self._do(self._read_leftovers)

    def wait_for(self, happened: Callable[[], bool]) -> bool:
        """Wait until *happened* (looked at whenever a head comes or a connection is abandoned); False: too long."""
        with self.changed:
            return self.changed.wait_for(happened, self.patience_s)

    def stray(self) -> bytes:
        """Bytes that came and are no whole head."""
        return b"".join(connection.buffer for connection in self._connections if connection.request is None)

    def stop(self) -> None:
        """Close everything and end the thread."""

        def end() -> None:
            self._stopping = True

        self._do(end)
        self._thread.join(WAIT_S)
        for connection in list(self._connections):
            connection.close()
        for each in (self._listener, self._wake, self._woken):
            each.close()

    def _do(self, errand: Callable[[], None]) -> None:
        """Run *errand* in the backend's thread and wait for it."""
        done = threading.Event()

        def run() -> None:
            errand()
            done.set()

        self._errands.put(run)
        self._wake.send(b".")
        if not done.wait(WAIT_S):
            raise TimeoutError("the scripted backend hangs")

    def _serve(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select():
                key.data()
            with contextlib.suppress(Empty):
                while True:
                    self._errands.get_nowait()()

    def _read_leftovers(self) -> None:
        while ready := [key for key, _ in self._selector.select(0) if key.fileobj is not self._woken]:
            for key in ready:
                key.data()

    def _accept(self) -> None:
        connected, _ = self._listener.accept()
        connected.settimeout(WAIT_S)
        connection = Connection(self, connected)
        self._connections.add(connection)
        self._selector.register(connected, selectors.EVENT_READ, connection.readable)

    def forget(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._selector.unregister(connection.socket)
