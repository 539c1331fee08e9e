"""GatewayThreads: which gateways are told by threads? Those named, and all behind a name that says so.

What :class:`~openprequal.agent.gateways.Gateways` does on a reactor, for processes that run none.
"""

import logging
import socket
import time
from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread

from openprequal.agent.behind_name import RESOLVE_S, BehindName, means_every_address
from openprequal.agent.workers.gateway_thread import GatewayThread

_log = logging.getLogger("openprequal.agent")


def addresses(name: str) -> set[str]:
    """Every address of *name*.

    :raises OSError: it does not resolve now.
    """
    return {str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}


class GatewayThreads:
    """One :class:`GatewayThread` for each gateway, from now on until :meth:`end`; those behind a name come and go."""

    def __init__(
        self,
        proxy_urls: Iterable[str],
        thread_to: Callable[[str], GatewayThread],
        resolve: Callable[[str], set[str]] = addresses,
    ) -> None:
        """
        :param proxy_urls: ``http(s)://host:port``, or ``dns+http://name:port``.
        :param thread_to: makes the thread for one gateway by its URL.
        """
        urls = list(proxy_urls)
        self._thread_to = thread_to
        self._resolve = resolve
        self._lock = Lock()
        self._ended = Event()
        self._threads: dict[tuple[BehindName | None, str], GatewayThread] = {}
        for url in urls:
            if not means_every_address(url):
                self._begin(None, url)
        names = [BehindName(url) for url in urls if means_every_address(url)]
        if names:
            Thread(target=self._follow, args=(names,), name="openprequal names of gateways", daemon=True).start()

    def end(self, unregister: bool) -> None:
        """No more heartbeats. See :meth:`GatewayThread.end`."""
        self._ended.set()
        with self._lock:
            for thread in self._threads.values():
                thread.end(unregister)

    def join(self, timeout_s: float) -> None:
        """Return when all have been told, or the time is over."""
        deadline = time.monotonic() + timeout_s
        for thread in list(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def resolved(self, name: BehindName, hosts: set[str]) -> None:
        """*name* leads to *hosts* now."""
        new, gone = name.answered(hosts)
        with self._lock:
            if not self._ended.is_set():
                for url in new:
                    self._begin(name, url)
                for url in gone:
                    self._threads.pop((name, url)).end(unregister=True)

    def _begin(self, name: BehindName | None, url: str) -> None:
        thread = self._threads[name, url] = self._thread_to(url)
        thread.start()

    def _follow(self, names: list[BehindName]) -> None:
        last_word = ""
        while not self._ended.is_set():
            for name in names:
                try:
                    hosts = self._resolve(name.name)
                except OSError as error:
                    word = f"{name.name} does not resolve, trying on: {error}"
                    if word != last_word:
                        last_word = word
                        _log.warning("%s", word)
                else:
                    self.resolved(name, hosts)
            self._ended.wait(RESOLVE_S)
