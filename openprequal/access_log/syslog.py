"""Lines to syslog: a message each (RFC 5424), in a datagram each, by UDP (RFC 5426) or to a Unix socket."""

import os
import socket
from datetime import UTC, datetime
from typing import Any, Final

from openprequal.errors import ConfigurationError

PORT: Final = 514
# Facility local7, as nginx has it, and severity informational (RFC 5424 section 6.2.1).
_PRIORITY: Final = 23 * 8 + 6


class SyslogSink:
    """A :class:`~openprequal.access_log.writer.Sink` at a syslog daemon."""

    def __init__(self, address: str) -> None:
        """
        :param address: ``host``, ``host:port``, ``[::1]:port``, or the path of a Unix socket.
        :raises ConfigurationError: it is none of these.
        """
        self.trouble = ""
        self._path = address if address.startswith("/") else None
        self._host, self._port = ("", 0) if self._path else _host_and_port(address)
        self._socket: socket.socket | None = None
        # Neither may have a space (RFC 5424 section 6.2).
        self._who = f"{socket.gethostname() or '-'} openprequal {os.getpid()} access -"

    def write(self, lines: list[str]) -> int:
        lost = 0
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for number, line in enumerate(lines):
            try:
                self._opened().send(f"<{_PRIORITY}>1 {at} {self._who} {line}".encode("ascii", "backslashreplace"))
            except OSError as error:
                self.trouble = error.strerror or str(error)
                lost += 1
                if self._socket is None:
                    # Not even opened: nor will it be for the others.
                    return lost + len(lines) - number - 1
                # The daemon may have been restarted, with another socket at the same path.
                self.close()
        return lost

    def reopen(self) -> None:
        """Nothing is moved away."""

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _opened(self) -> socket.socket:
        if self._socket is None:
            if self._path is not None:
                family: int = socket.AF_UNIX
                where: Any = self._path
            else:
                family, _, _, _, where = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
            opened = socket.socket(family, socket.SOCK_DGRAM)
            try:
                opened.connect(where)
            except OSError:
                opened.close()
                raise
            self._socket = opened
        return self._socket


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, str(PORT)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536 or (":" in host and "[" not in address):
        reason = f"{address!r} is no syslog daemon: must be host, host:port, [address]:port, or the path of a socket"
        raise ConfigurationError(reason, about=("access_log",))
    return host, int(port)
