"""ProbeServer: who answers probes while all of the application's own threads are busy?

A thread for each connection, and a blocking read in it: under CPython's global lock a thread that has been woken may
wait 5 ms for one that computes, and each further system call, as a selector would need, could cost the same again.
"""

import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock, Thread
from typing import Final

from openprequal.agent.report_format import DEFAULT_FORMATS, health_body, report_fields
from openprequal.values import LoadReport, LoadState

MAX_CONNECTIONS: Final = 64
"""A gateway keeps one or two."""

MAX_HEAD_BYTES: Final = 16 * 1024
IDLE_S: Final = 75


class ProbeServer:
    """Answers every request with *load*, 503 if that says draining, until it is closed.

    :ivar port: where it listens.
    """

    def __init__(
        self,
        load: Callable[[], LoadReport],
        port: int,
        report_formats: Sequence[str] = DEFAULT_FORMATS,
        *,
        local_only: bool,
    ) -> None:
        """
        :param port: 0: any that is free.
        :param report_formats: of its response fields.
        :param local_only: listen on loopback addresses alone.
        :raises OSError: it is not free.
        """
        self._load = load
        self._formats = report_formats
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        self._closed = False
        self._listener = _listen(port, local_only)
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, name="openprequal probe port", daemon=True).start()

    def close(self) -> None:
        """Listen no more, and close what is open."""
        with self._lock:
            self._closed = True
            connections = list(self._connections)
        for each in (self._listener, *connections):
            # A close alone wakes no thread that waits for the socket; woken, it closes a connection itself.
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def forget(self) -> None:
        """In a child that was forked: close what is the parent's, whose connections go on."""
        for each in (self._listener, *self._connections):
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                continue
            with self._lock:
                turned_away = self._closed or len(self._connections) >= MAX_CONNECTIONS
                if not turned_away:
                    self._connections.add(connection)
            if turned_away:
                connection.close()
            else:
                Thread(target=self._serve, args=(connection,), name="openprequal probes", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            # The kernel's time-out: for one of Python's, every call would poll first, and wait for the lock twice.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", IDLE_S, 0))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", IDLE_S, 0))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._answer_all(connection)
        except OSError:  # gone, or silent for too long
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _answer_all(self, connection: socket.socket) -> None:
        received = b""
        while len(received) < MAX_HEAD_BYTES:
            chunk = connection.recv(4096)
            if not chunk:
                return
            received += chunk
            while b"\r\n\r\n" in received:
                head, _, received = received.partition(b"\r\n\r\n")
                if not head.startswith((b"GET ", b"HEAD ")):
                    return  # its body would be taken for the next request
                connection.sendall(self._answer(head.startswith(b"HEAD ")))

    def _answer(self, head_only: bool) -> bytes:
        report = self._load()
        status = b"503 Service Unavailable" if report.state is LoadState.DRAINING else b"200 OK"
        body = health_body(report)
        fields = b"".join(b"%b: %b\r\n" % field for field in report_fields(report, self._formats))
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n" % (
            status,
            len(body),
            fields,
        )
        return head if head_only else head + body


def _listen(port: int, local_only: bool) -> socket.socket:
    if local_only:
        return socket.create_server(("127.0.0.1", port))
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", port))
