"""How does a gateway stay connected to Redis: logged in, with its database and script, and again when it was lost?"""

from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeVar

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openprequal.registry.redis.address import RedisAddress
from openprequal.registry.redis.connection import RedisConnection
from openprequal.registry.redis.script import SCRIPT

FIRST_RETRY_S: Final = 0.1
MOST_RETRY_S: Final = 1.0
"""So that a Redis that is back is noticed within about a second."""

T = TypeVar("T")


class Link:
    """Connects again and again until closed; says in the log when Redis goes away and when it is back, once each.

    :ivar connection: can be asked; None: there is none now.
    """

    log = Logger()

    def __init__(
        self, reactor: Any, rng: Random, address: RedisAddress, timeout_s: float, ready: Callable[[], object]
    ) -> None:
        """
        :param timeout_s: for the connection, and for each answer until it can be used.
        :param ready: called when there is a connection, and each time there is one again.
        """
        self._reactor = reactor
        self._rng = rng
        self._address = address
        self._timeout_s = timeout_s
        self._ready = ready
        self.connection: RedisConnection | None = None
        self._closed = False
        self._dialled: RedisConnection | None = None
        self._waiting: Deferred[Any] | None = None
        self._pause_s = FIRST_RETRY_S
        self._away: str | None = ""
        """Why Redis cannot be used, as it was told; empty: nothing was told yet; None: it can."""
        self._running: Deferred[None] = succeed(None)

    def open(self) -> None:
        """Begin; harmless once closed."""
        self._running = Deferred.fromCoroutine(self._stay_connected())

    @property
    def useful(self) -> bool:
        """Redis does what it is asked."""
        return self._away is None

    def served(self) -> None:
        """Redis did what it was asked. One that accepts connections and then refuses is away like any other."""
        if self._away is not None and self.connection is not None:
            self._away = None
            self._pause_s = FIRST_RETRY_S
            self.log.info("connected to the registry {address}", address=str(self._address))

    def drop(self, why: str) -> None:
        """The connection is of no use: end it, and try another."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self._tell_away(why)
            connection.close()

    def close(self) -> "Deferred[None]":
        """End; fires when neither connection nor timer is left."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()
        if self._dialled is not None:
            self._dialled.close()
        return self._running

    async def _stay_connected(self) -> None:
        while not self._closed:
            try:
                connection = self._dialled = await self._unless_closed(self._dial())
                await self._make_ready(connection)
            except Exception as error:  # whatever it is, another try may do better
                self._tell_away(str(error) or type(error).__name__)
                if self._dialled is not None:
                    self._dialled.close()
                    await self._dialled.lost
            else:
                self.connection = connection
                self._ready()
                await connection.lost
                self._tell_away("the connection ended")
            self._dialled = self.connection = None
            if not self._closed:
                # Gateways that lost the same Redis do not come back to it in step.
                pause = deferLater(self._reactor, self._pause_s * self._rng.uniform(0.5, 1.0), lambda: None)
                try:
                    await self._unless_closed(pause)
                except CancelledError:
                    break
                self._pause_s = min(MOST_RETRY_S, 2 * self._pause_s)

    async def _make_ready(self, connection: RedisConnection) -> None:
        address = self._address
        if address.password:
            who = (address.user, address.password) if address.user else (address.password,)
            await self._in_time(connection.ask("AUTH", *who))
        if address.database:
            await self._in_time(connection.ask("SELECT", address.database))
        await self._in_time(connection.ask("SCRIPT", "LOAD", SCRIPT))

    def _in_time(self, answer: "Deferred[object]") -> "Deferred[object]":
        return answer.addTimeout(
            self._timeout_s,
            self._reactor,
            lambda *_: _raise(ConnectError(string="no answer in time")),
        )

    async def _unless_closed(self, waiting: "Deferred[T]") -> T:
        self._waiting = waiting
        try:
            return await waiting
        finally:
            self._waiting = None

    def _dial(self) -> "Deferred[RedisConnection]":
        dialling: Deferred[Any] = self._endpoint().connect(_ConnectionFactory(self._reactor))
        return dialling

    def _endpoint(self) -> IStreamClientEndpoint:
        address, reactor, timeout_s = self._address, self._reactor, self._timeout_s
        if address.path:
            return UNIXClientEndpoint(reactor, address.path, timeout_s)
        endpoint: IStreamClientEndpoint
        if isIPAddress(address.host):
            endpoint = TCP4ClientEndpoint(reactor, address.host, address.port, timeout_s)
        elif isIPv6Address(address.host):
            endpoint = TCP6ClientEndpoint(reactor, address.host, address.port, timeout_s)
        else:
            endpoint = HostnameEndpoint(reactor, address.host, address.port, timeout_s)
        if address.secure:
            from twisted.internet.ssl import optionsForClientTLS

            endpoint = wrapClientTLS(optionsForClientTLS(address.host), endpoint)
        return endpoint

    def _tell_away(self, why: str) -> None:
        if self._away or self._closed:
            return
        first, self._away = self._away is not None, why
        said = "cannot be reached" if first else "is away; the last known backends stay"
        self.log.warn("the registry {address} {said}: {why}", address=str(self._address), said=said, why=why)


class _ConnectionFactory(Factory[RedisConnection]):
    noisy = False

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def buildProtocol(self, addr: object) -> RedisConnection:
        return RedisConnection(self._reactor)


def _raise(error: Exception) -> None:
    raise error
