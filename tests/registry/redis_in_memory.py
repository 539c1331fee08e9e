"""A Redis in memory and in virtual time: the registry's real script and real bytes, without a socket."""

from types import SimpleNamespace
from typing import Any

import fakeredis
import hiredis
import pytest
import redis
from fakeredis.commands_mixins import server_mixin
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.python.failure import Failure

BEGAN = 1_750_000_000.0
"""What the clock of Redis says at 0 of the virtual time."""


class RedisInMemory:
    """A server that can be taken away and come back, as it was or empty.

    :ivar away: nobody is accepted.
    :ivar mute: what is asked is neither done nor answered.
    :ivar refusal: what the script is answered with, if anything.
    """

    def __init__(self, patch: pytest.MonkeyPatch, clock: Clock | None = None) -> None:
        self.away = False
        self.mute = False
        self.password = b""
        self.refusal = b""
        self.commands: list[bytes] = []
        self.connections: list[_Connection] = []
        self._clock = clock
        patch.setattr(server_mixin, "time", SimpleNamespace(time=self._now))
        self.empty()

    def run_on(self, clock: Clock) -> None:
        """Have *clock* for the time."""
        self._clock = clock

    def empty(self) -> None:
        """Forget everything."""
        self._redis = fakeredis.FakeStrictRedis(server=fakeredis.FakeServer())

    def copy(self) -> dict[bytes, Any]:
        """What is kept, for :meth:`set_back`."""
        return {key: self._redis.dump(key) for key in self._redis.scan_iter()}

    def set_back(self, copy: dict[bytes, Any]) -> None:
        """Be as it was then."""
        self.empty()
        for key, dumped in copy.items():
            self._redis.restore(key, 0, dumped)

    def stop(self) -> None:
        """End, with all connections."""
        self.away = True
        for connection in list(self.connections):
            connection.abortConnection()

    def do(self, *words: Any) -> Any:
        """What somebody else asks."""
        return self._redis.execute_command(*words)

    def answer(self, words: list[bytes]) -> bytes:
        self.commands.append(words[0].upper())
        if words[0].upper() == b"AUTH":
            return b"+OK\r\n" if words[-1] == self.password else b"-WRONGPASS invalid username-password pair\r\n"
        if self.refusal and words[0].upper() == b"EVALSHA":
            return b"-%s\r\n" % self.refusal
        try:
            return _encoded(self._redis.execute_command(*words))
        except redis.exceptions.NoScriptError:
            return b"-NOSCRIPT No matching script.\r\n"
        except redis.exceptions.ResponseError as error:
            return b"-ERR %s\r\n" % str(error).encode()

    def _now(self) -> float:
        return BEGAN + (0.0 if self._clock is None else self._clock.seconds())


class ClockWithRedis(Clock):
    """A clock that also connects to one server; bytes are under way until the clock's next turn."""

    def __init__(self, server: RedisInMemory) -> None:
        super().__init__()
        self._server = server
        self._cut = False
        self.connections: list[_Connection] = []

    def cut(self) -> None:
        """Nothing gets from here to the server."""
        self._cut = True
        for connection in list(self.connections):
            connection.abortConnection()

    def mend(self) -> None:
        """It does again."""
        self._cut = False

    def connectTCP(self, host: str, port: int, factory: Any, timeout: float = 30, bindAddress: Any = None) -> Any:
        connector = SimpleNamespace(stopConnecting=lambda: None)
        factory.doStart()
        if self._server.away or self._cut:
            self.callLater(0, factory.clientConnectionFailed, connector, Failure(ConnectionRefusedError()))
        else:
            self.callLater(0, _Connection(self._server, self, factory, connector).begin)
        return connector


class _Connection:
    """The transport of a client, with the server at the other end."""

    disconnecting = False

    def __init__(self, server: RedisInMemory, clock: ClockWithRedis, factory: Any, connector: Any) -> None:
        self._server, self._clock, self._factory, self._connector = server, clock, factory, connector
        self._of = (server.connections, clock.connections)
        self._reader = hiredis.Reader()
        self._open = True

    def begin(self) -> None:
        for connections in self._of:
            connections.append(self)
        self._protocol = self._factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 6379))
        self._protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        self._clock.callLater(0, self._arrived, data)

    def abortConnection(self) -> None:
        if self._open:
            self._open = False
            for connections in self._of:
                connections.remove(self)
            self._protocol.connectionLost(Failure(ConnectionDone()))

    loseConnection = abortConnection

    def _arrived(self, data: bytes) -> None:
        if self._open and not self._server.mute:
            self._reader.feed(data)
            while (words := self._reader.gets()) is not False:
                self._clock.callLater(0, self._answered, self._server.answer(words))

    def _answered(self, answer: bytes) -> None:
        if self._open:
            self._protocol.dataReceived(answer)

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 6379)

    getHost = getPeer


def _encoded(value: Any) -> bytes:
    match value:
        case None:
            return b"$-1\r\n"
        case bool():
            return b"+OK\r\n"
        case int():
            return b":%d\r\n" % value
        case str():
            return _encoded(value.encode())
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(value), value)
        case list():
            return b"*%d\r\n" % len(value) + b"".join(map(_encoded, value))
    raise TypeError(value)
