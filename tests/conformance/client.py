"""The client's end: plain blocking sockets; sends as told and reads what comes."""

import contextlib
import socket

from attrs import define, field

from .backend import Backend
from .case import Act, Hears, Script
from .wire import Malformed, Message, read_message

SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: a.example\r\n\r\n"


@define
class Reading:
    """A final response and the 1xx ones before it."""

    final: Message
    interim: list[Message] = field(factory=list)


class Client:
    """One connection to the gateway; use it in a ``with``."""

    def __init__(self, address: tuple[str, int], backend: Backend) -> None:
        self._socket = socket.create_connection(address, backend.patience_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._backend = backend
        self._all = b""
        self.unread = b""
        self.eof = False

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def perform(self, script: Script) -> None:
        """Do the steps in order.

        :raises TimeoutError: the gateway or the backend did not do in time what a step waits for.
        """
        for step in script:
            if isinstance(step, bytes):
                # A gateway may refuse and close while we still send: what it answered is what counts.
                with contextlib.suppress(ConnectionError):
                    self._socket.sendall(step)
            elif isinstance(step, Hears):
                while step.text not in self._all and not self.eof:
                    self._receive()
                if step.text not in self._all:
                    raise TimeoutError(f"closed before {step.text!r} came")
            elif step is Act.OPEN:
                self._backend.open_gate()
            elif step is Act.SEEN:
                if not self._backend.wait_for(lambda: bool(self._backend.requests)):
                    raise TimeoutError("the backend saw no head")
            elif step is Act.SHUT:
                self._socket.shutdown(socket.SHUT_WR)
            elif step is Act.CLOSE:
                self._socket.close()
                self.eof = True

    def read(self, to_head: bool) -> Reading | None:
        """The next final response; None: the connection closed without one.

        :raises Malformed: what came is not HTTP/1.
        :raises TimeoutError: nothing more came, and no close either.
        """
        interim: list[Message] = []
        while True:
            found = read_message(self.unread, eof=self.eof, bodiless=to_head)
            if found is None:
                if self.eof:
                    if self.unread:
                        raise Malformed(f"closed within a head: {self.unread[:80]!r}")
                    return None
                self._receive()
                continue
            got, end = found
            self.unread = self.unread[end:]
            if got.status == 101 or got.status >= 200:
                return Reading(got, interim)
            interim.append(got)

    def read_exactly(self, count: int) -> bytes:
        """*count* bytes as they come (fewer at a close)."""
        while len(self.unread) < count and not self.eof:
            self._receive()
        got, self.unread = self.unread[:count], self.unread[count:]
        return got

    def read_to_close(self) -> bytes:
        """Everything up to the close.

        :raises TimeoutError: it is not closed.
        """
        while not self.eof:
            self._receive()
        return self.unread

    def still_open(self) -> str | None:
        """Ask once more on this connection; what is wrong, or None if it is answered properly."""
        if self.unread:
            return f"unexpected bytes {self.unread[:60]!r}"
        try:
            self._socket.sendall(SENTINEL)
            got = self.read(False)
        except (OSError, Malformed) as error:
            return f"not kept open ({error})"
        if got is None or got.final.status != 200 or got.final.body != b"ok":
            return "not kept open"
        return None

    def _receive(self) -> None:
        try:
            got = self._socket.recv(262144)
        except ConnectionError:
            got = b""
        self.eof = not got
        self.unread += got
        self._all += got
