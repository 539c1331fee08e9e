"""The scripted backend: one thread, one selector; answers as the case says and remembers every byte it got."""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from .case import OK_REPLY, Act, Script
from .wire import Malformed, Message, read_head, read_message

WAIT_S = 2.0
OWN_PATHS = (b"/healthz", b"/sentinel", b"/probe", b"/prequal/probe")
"""Asked by the gateway or the runner itself: answered at once, not remembered."""


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
        self.gate_open = False
        self.changed = threading.Condition()
        """Notified when a head came or a connection was abandoned."""
        self._connections: set[_Connection] = set()
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
            return self.changed.wait_for(happened, WAIT_S)

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
        connection = _Connection(self, connected)
        self._connections.add(connection)
        self._selector.register(connected, selectors.EVENT_READ, connection.readable)

    def forget(self, connection: "_Connection") -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._selector.unregister(connection.socket)


class _Connection:
    """One connection from the gateway: reads requests, runs the script of each."""

    def __init__(self, backend: Backend, connected: socket.socket) -> None:
        self.backend = backend
        self.socket = connected
        self.buffer = b""
        self.request: Message | None = None
        self._script: list[object] = []
        self._echoing = False

    @property
    def busy(self) -> bool:
        return self.request is not None or bool(self.buffer)

    def readable(self) -> None:
        try:
            got = self.socket.recv(262144)
        except OSError:
            got = b""
        if not got:
            if self.request is not None and self._script:
                with self.backend.changed:
                    self.backend.abandoned += 1
                    self.backend.changed.notify_all()
            self.close()
        elif self._echoing:
            self.socket.sendall(got)
        else:
            self.buffer += got
            self.advance()

    def advance(self) -> None:
        """Go as far as what has come allows."""
        try:
            while self._begin():
                self._read_body()
                self._play()
                if self._echoing or self._script or self.request is None or not self.request.complete:
                    return
                self.request = None
        except (OSError, Malformed) as error:
            if self.request is not None:
                self.request.raw += f" [{error}]".encode()
            self.close()

    def _begin(self) -> bool:
        """True if a request is under way, starting one if its head is there."""
        if self.request is not None:
            return True
        found = read_head(self.buffer)
        if found is None:
            return False
        request = found[0]
        path = request.line.split(b" ")[1].split(b"?")[0]
        if path in OWN_PATHS:
            self._script = list(OK_REPLY)
            if path == b"/sentinel":
                self.backend.via = b", ".join(request.values(b"via"))
        else:
            count = len(self.backend.requests)
            replies = self.backend.replies
            self._script = list(replies[min(count, len(replies) - 1)])
            with self.backend.changed:
                self.backend.requests.append(request)
                self.backend.changed.notify_all()
        self.request = request
        return True

    def _read_body(self) -> None:
        """Take as much of the body as is there."""
        request = self.request
        if request is not None and not request.complete:
            got, end = read_message(self.buffer, eof=True) or (request, 0)
            request.body, request.trailers, request.raw, request.complete = got.body, got.trailers, got.raw, got.complete
            if got.complete:
                self.buffer = self.buffer[end:]

    def _play(self) -> None:
        """Run the script until it must wait."""
        while self._script and self.request is not None:
            step = self._script[0]
            if step is Act.BODY and not self.request.complete or step is Act.GATE and not self.backend.gate_open:
                break
            self._script.pop(0)
            if isinstance(step, bytes):
                self.socket.sendall(step)
            elif step is Act.CLOSE:
                self.close()
            elif step is Act.RESET:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close()
            elif step is Act.ECHO:
                self._echoing = True
                self.socket.sendall(self.buffer)
                self.buffer = b""

    def close(self) -> None:
        self.backend.forget(self)
        self.socket.close()
        self.request = None
        self._script = []
