"""How does the scripted backend play one connection: which request is under way, and what does its script wait for?"""

import socket
import struct
from typing import TYPE_CHECKING

from .case import Act
from .phrases import OK_REPLY
from .wire import Malformed, Message, read_head, read_message

if TYPE_CHECKING:
    from .backend import Backend

OWN_PATHS = (b"/healthz", b"/sentinel", b"/probe", b"/prequal/probe")
"""Asked by the gateway or the runner itself: answered at once, not remembered."""


class Connection:
    """One connection from the gateway: reads requests, runs the script of each."""

    def __init__(self, backend: "Backend", connected: socket.socket) -> None:
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
            request.body, request.trailers, request.raw, request.complete = (
                got.body,
                got.trailers,
                got.raw,
                got.complete,
            )
            if got.complete:
                self.buffer = self.buffer[end:]

    def _play(self) -> None:
        """Run the script until it must wait."""
        while self._script and self.request is not None:
            step = self._script[0]
            if (step is Act.BODY and not self.request.complete) or (step is Act.GATE and not self.backend.gate_open):
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
