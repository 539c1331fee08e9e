"""A closed loop of clients with one connection each, that notes when each request began and how it ended."""

import contextlib
import http.client
import ssl
import threading
import time
from typing import NamedTuple, Self


class Request(NamedTuple):
    """One request as its client saw it; times of the monotonic clock."""

    client: int
    began: float
    status: int
    """0: the connection broke."""


class Load:
    """So many clients that ask one gateway until the ``with`` ends."""

    def __init__(
        self,
        port: int,
        clients: int,
        path: str = "/",
        body: bytes | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        keep: bool = True,
    ) -> None:
        """
        :param body: POSTed, if there is one.
        :param tls: how TLS is spoken with ``localhost``, if it is.
        :param keep: connections; else each request has its own.
        """
        self.requests: list[Request] = []
        self._port = port
        self._path = path
        self._body = body
        self._tls = tls
        self._fields = {} if keep else {"Connection": "close"}
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def failed(self) -> list[Request]:
        """Those not answered with 200."""
        return [request for request in self.requests if request.status != 200]

    def _client(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        if self._tls is not None:
            connection = http.client.HTTPSConnection("localhost", self._port, timeout=20, context=self._tls)
        with contextlib.closing(connection):
            while not self._ended.is_set():
                began, status = time.monotonic(), 0
                with contextlib.suppress(OSError, http.client.HTTPException):
                    connection.request("GET" if self._body is None else "POST", self._path, self._body, self._fields)
                    response = connection.getresponse()
                    response.read()
                    status = response.status
                self.requests.append(Request(number, began, status))
                if not status:
                    connection.close()
