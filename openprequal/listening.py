"""Listening: how do we come to accept connections on every address asked for, or fail with one clear line?"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from os import fsdecode
from socket import AF_UNIX, IPPROTO_TCP, socket
from stat import S_IMODE
from typing import Any

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.python.failure import Failure

if sys.platform == "linux":
    from socket import TCP_NOTSENT_LOWAT

Layers = Callable[[str, IProtocolFactory], tuple[str, IProtocolFactory]]
"""From a description and the factory behind it to Twisted's endpoint string and the factory for its connections."""

UNSENT_BYTES = 256 * 1024
"""As much as we write at a time."""


class ListenFailed(SystemExit, Exception):
    """An address could not be listened on; the message is the one line the user sees.

    It is a :class:`SystemExit`, so that the interpreter prints the line instead of a traceback and exits with status 1;
    and an :class:`Exception`, because twistd removes its pidfile (and, as a daemon, tells the waiting parent) only for
    those.
    """


class ListeningService(Service):
    """Listens on all *descriptions* (endpoint strings) with one *factory*, from start to stop.

    Binding happens in ``privilegedStartService``, before twistd gives up root, and again in ``startService`` only if
    the former was skipped. Twisted's own endpoints answer at once: their failure is raised from there as
    :class:`ListenFailed` and ends the start. A third party's endpoint that answers later and fails is logged and stops
    the reactor.

    :ivar ports: what is being listened on, in the order of *descriptions*.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        descriptions: Sequence[str],
        factory: IProtocolFactory,
        name: str,
        inherited: Mapping[str, int] | None = None,
        *,
        layers: Layers | None = None,
    ) -> None:
        """
        :param inherited: descriptors of sockets that another process made for some of *descriptions* and listens on
            too; nothing is accepted on any of ours before :meth:`accept`. None: there is no other process.
        :param layers: what goes between a socket and *factory*, and which endpoint it is the socket of.
        """
        self.name = name
        """For the log; also finds the service in its MultiService (``getServiceNamed``)."""
        self.descriptions = tuple(descriptions)
        self.ports: list[IListeningPort] = []
        self._reactor = reactor
        self._factory = factory
        self._layers = layers
        self._inherited = inherited
        self._waits = inherited is not None
        self._started = False
        self._pending: list[Deferred[Any]] = []

    def privilegedStartService(self) -> None:
        """Bind every address.

        :raises ListenFailed: one of them cannot be had; those bound before it are released again.
        """
        super().privilegedStartService()  # type: ignore[no-untyped-call]
        if self._started:
            return
        self._started = True
        for description in self.descriptions:
            self._listen(description)

    def startService(self) -> None:
        """Bind what ``privilegedStartService`` was not called to bind.

        :raises ListenFailed: as above.
        """
        self.privilegedStartService()
        super().startService()  # type: ignore[no-untyped-call]

    def stopService(self) -> "Deferred[None]":
        """Stop accepting; connections already accepted go on. Fires when no address is held any more."""
        super().stopService()  # type: ignore[no-untyped-call]
        return self._release()

    def accept(self) -> None:
        """Accept connections where it was waited for."""
        self._waits = False
        for port in self.ports:
            port.resumeProducing()  # type: ignore[attr-defined]

    def hand_over(self) -> None:
        """Accept no more, because another process does so on the same sockets.

        Stopping would shut them down for the other as well, or remove the name of a Unix socket.
        """
        for port in self.ports:
            port.pauseProducing()  # type: ignore[attr-defined]
        self.ports = []

    @property
    def addresses(self) -> list[IAddress]:
        """What is really bound, the port chosen for port 0 included."""
        return [port.getHost() for port in self.ports]

    def _listen(self, description: str) -> None:
        endpoint_text, factory = (description, self._factory)
        if self._layers is not None:
            endpoint_text, factory = self._layers(description, factory)
        if self._inherited and description in self._inherited:
            self._listening(self._adopted(self._inherited[description], factory))
            return
        try:
            endpoint = serverFromString(self._reactor, endpoint_text)
        except Exception as error:  # the parsers of endpoint plug-ins raise whatever they like
            self._release()
            raise ListenFailed(f"{self.name}: cannot listen on {description!r}: no such endpoint ({error})") from None
        failures: list[Failure] = []
        waiting = maybeDeferred(endpoint.listen, factory)
        waiting.addCallbacks(self._listening, failures.append)
        if failures:
            self._release()
            raise ListenFailed(self._explain(description, failures[0])) from None
        if not waiting.called:
            self._pending.append(waiting)
            waiting.addCallback(lambda _: self._answered_late(description, waiting, failures))

    def _adopted(self, descriptor: int, factory: IProtocolFactory) -> IListeningPort:
        with socket(fileno=descriptor) as inherited:
            inherited.setblocking(False)
            path = inherited.getsockname() if inherited.family == AF_UNIX else None
            mode = S_IMODE(os.stat(path).st_mode) if path else 0
            port = self._adopted_port(descriptor, inherited, factory)
        if path:
            os.chmod(path, mode)  # Twisted lets everybody in
        return port

    def _adopted_port(self, descriptor: int, inherited: socket, factory: IProtocolFactory) -> IListeningPort:
        port: IListeningPort = self._reactor.adoptStreamPort(descriptor, inherited.family, factory)
        return port

    def _listening(self, port: IListeningPort) -> None:
        self.ports.append(port)
        _keep_little_unsent(port)
        if self._waits:
            port.pauseProducing()  # type: ignore[attr-defined]
        self.log.info("{name}: listening on {address}", name=self.name, address=address_text(port.getHost()))

    def _answered_late(self, description: str, waiting: "Deferred[Any]", failures: list[Failure]) -> None:
        self._pending.remove(waiting)
        if failures and self._started:
            self.log.critical("{reason}", reason=self._explain(description, failures[0]))
            self._reactor.stop()

    def _explain(self, description: str, failure: Failure) -> str:
        error = failure.value
        cause = error.socketError if isinstance(error, CannotListenError) else error
        reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
        return f"{self.name}: cannot listen on {description!r}: {reason}"

    def _release(self) -> "Deferred[None]":
        self._started = False
        for waiting in list(self._pending):
            waiting.cancel()
        ports, self.ports = self.ports, []
        return gatherResults([maybeDeferred(port.stopListening) for port in ports]).addCallback(lambda _: None)


def _keep_little_unsent(port: IListeningPort) -> None:
    """Let the kernel queue no more of a response than it needs to keep its connections busy.

    Else it takes megabytes for each client that does not read; some hundreds of them use up what it has for all
    sockets, and it drops everybody's packets. Connections inherit it from what they were accepted on.
    """
    listening = getattr(port, "socket", None)
    if isinstance(listening, socket) and listening.family != AF_UNIX and sys.platform == "linux":
        listening.setsockopt(IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES)


def address_text(address: IAddress) -> str:
    """*address* as people write it: ``0.0.0.0:8000``, ``[::]:8000``, ``unix:/run/gateway.sock``."""
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    if isinstance(address, UNIXAddress):
        return f"unix:{fsdecode(address.name or b'')}"
    return str(address)
