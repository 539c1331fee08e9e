"""The clients: which request was answered when, counted from when it was to be sent? Runs as a process of its own.

Open loop: the whole schedule is known before the first request is sent, and nobody waits for anybody else's answer.
"""

import gc
import json
import signal
import sys
from array import array
from collections import deque
from itertools import accumulate
from pathlib import Path
from typing import Any

from attrs import asdict, define, field, frozen
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from openprequal.bench.tail.emulation import BODY
from openprequal.bench.tail.precedence import take_precedence
from openprequal.bench.tail.workloads import DEADLINE_S, WORKLOADS
from openprequal.http1.send import sender
from openprequal.reactor import PlainEPollReactor
from openprequal.simulation.arrivals import arrivals

BROKEN = 0
"""Stands for a status where the connection was refused or ended before an answer."""
TIMED_OUT = 1
"""Stands for a status where the deadline was over."""
FOREIGN = 2
"""Stands for a status where it was 200, and the answer none of a backend's."""
_SWEEP_S = 0.05
"""How often deadlines are looked at."""
_CONNECT_S = 5.0


@frozen
class Spec:
    """What to send; it is handed over as JSON."""

    workload: str
    warm_up_s: float
    counted_s: float
    seed: int
    ports: list[int]
    """Of the proxies."""
    begin_s: float
    """On the machine's monotonic clock."""


@frozen
class Scheduled:
    """A request that is to be sent."""

    at_s: float
    """Since the beginning."""
    proxy: int
    work_s: float


def schedule(spec: Spec) -> list[Scheduled]:
    """All requests, in order: those of the simulation with this seed."""
    coming = list(arrivals(WORKLOADS[spec.workload].lasting(spec.warm_up_s, spec.counted_s), spec.seed))
    times = accumulate(each.wait_s for each in coming)
    return [Scheduled(at_s, each.gateway, each.work_s) for at_s, each in zip(times, coming, strict=True)]


@define
class Seen:
    """What became of the requests of a run, by their number."""

    at_s: "array[float]" = field(factory=lambda: array("d"))
    """When each was to be sent, since the beginning."""
    latency_s: "array[float]" = field(factory=lambda: array("d"))
    """Until the whole answer was there, or it was given up."""
    late_s: "array[float]" = field(factory=lambda: array("d"))
    """How much later than that it was sent."""
    status: "array[int]" = field(factory=lambda: array("i"))

    def as_json(self) -> str:
        """As it is handed over."""
        return json.dumps({name: list(values) for name, values in asdict(self, recurse=False).items()})

    @classmethod
    def of_json(cls, text: str) -> "Seen":
        """The reverse of :meth:`as_json`."""
        told = json.loads(text)
        return cls(*(array("i" if name == "status" else "d", told[name]) for name in asdict(cls())))


class Generator:
    """Sends the schedule through pooled connections."""

    def __init__(self, reactor: Any, requests: list[Scheduled], ports: list[int], begin_s: float) -> None:
        self._reactor = reactor
        self._requests = requests
        self._begin_s = begin_s
        self._next = self._settled = 0
        self._proxies = [Proxy(reactor, self, port) for port in ports]
        self._under_way: deque[tuple[int, Exchange]] = deque()
        nothing = [0.0] * len(requests)
        self.seen = Seen(
            array("d", [each.at_s for each in requests]),
            array("d", nothing),
            array("d", nothing),
            array("i", [-1] * len(requests)),
        )

    def start(self) -> None:
        """Send the first when it is due, and stop the reactor when all are settled."""
        self._reactor.callLater(max(0.0, self._begin_s - self._reactor.seconds()), self._send_due)
        self._reactor.callLater(_SWEEP_S, self._sweep)

    def settled(self, number: int, status: int) -> None:
        """Request *number* is over; the first word counts."""
        seen = self.seen
        if seen.status[number] < 0:
            seen.status[number] = status
            seen.latency_s[number] = self._reactor.seconds() - self._begin_s - seen.at_s[number]
            self._settled += 1
            if self._settled == len(self._requests):
                self._reactor.stop()

    def _send_due(self) -> None:
        requests, seconds, begin_s = self._requests, self._reactor.seconds, self._begin_s
        while self._next < len(requests):
            number = self._next
            request = requests[number]
            late_s = seconds() - begin_s - request.at_s
            if late_s < 0.0:
                self._reactor.callLater(-late_s, self._send_due)
                return
            self._next += 1
            self.seen.late_s[number] = late_s
            head = b"GET /work/%.6f HTTP/1.1\r\nHost: localhost\r\n\r\n" % request.work_s
            self._under_way.append((number, self._proxies[request.proxy].send(number, head)))

    def _sweep(self) -> None:
        status, at_s = self.seen.status, self.seen.at_s
        over_s = self._reactor.seconds() - self._begin_s - DEADLINE_S
        waiting = self._under_way
        while waiting and (status[waiting[0][0]] >= 0 or at_s[waiting[0][0]] <= over_s):
            number, exchange = waiting.popleft()
            if status[number] < 0:
                self.settled(number, TIMED_OUT)
                exchange.give_up()
        self._reactor.callLater(_SWEEP_S, self._sweep)


class Proxy(ClientFactory):
    """One proxy and the connections to it."""

    noisy = False

    def __init__(self, reactor: Any, generator: Generator, port: int) -> None:
        self.generator = generator
        self.idle: list[Exchange] = []
        self._reactor = reactor
        self._port = port
        self._connecting: deque[Exchange] = deque()

    def send(self, number: int, head: bytes) -> "Exchange":
        """Send a request on the connection used last, else on a new one."""
        if self.idle:
            exchange = self.idle.pop()
            exchange.send(number, head)
        else:
            exchange = Exchange(self, number, head)
            self._connecting.append(exchange)
            self._reactor.connectTCP("127.0.0.1", self._port, self, _CONNECT_S)
        return exchange

    def buildProtocol(self, address: object) -> "Exchange":
        return self._connecting.popleft()

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        self._connecting.popleft().broken()


class Exchange(Protocol):
    """One connection, with the request on it."""

    def __init__(self, proxy: Proxy, number: int, head: bytes) -> None:
        self._proxy = proxy
        self._number = number
        self._head = head
        self._buffer = b""
        self._busy = True
        self._given_up = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        self._transmit = sender(transport)
        if self._given_up:
            transport.abortConnection()
        else:
            self._transmit(self._head)

    def send(self, number: int, head: bytes) -> None:
        self._number = number
        self._busy = True
        self._transmit(head)

    def dataReceived(self, data: bytes) -> None:
        self._buffer = data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = data[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        # An answer without a length ends with its connection.
        if at < 0 or len(data) < end + 4 + int(head[at + 17 :].split(b"\r", 1)[0]):
            return
        self._buffer = b""
        status = int(head[9:12])
        self._over(FOREIGN if status == 200 and not data.endswith(BODY) else status)
        if b"\r\nconnection: close" in head:
            transport: Any = self.transport
            transport.loseConnection()
        else:
            self._proxy.idle.append(self)

    def connectionLost(self, reason: object = None) -> None:
        if self._busy:
            head = self._buffer[:13]
            self._over(int(head[9:12]) if head[9:12].isdigit() else BROKEN)
        elif self in self._proxy.idle:
            self._proxy.idle.remove(self)

    def broken(self) -> None:
        self._over(BROKEN)

    def give_up(self) -> None:
        """Nobody waits any more."""
        self._given_up = True
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def _over(self, status: int) -> None:
        self._busy = False
        self._proxy.generator.settled(self._number, status)


def main(path: str, out: str) -> None:
    """Send what the file at *path* says; what was seen goes into the file at *out*."""
    spec = Spec(**json.loads(Path(path).read_text()))
    reactor = PlainEPollReactor()  # type: ignore[no-untyped-call]
    generator = Generator(reactor, schedule(spec), spec.ports, spec.begin_s)
    generator.start()
    signal.signal(signal.SIGTERM, lambda number, frame: reactor.callFromThread(reactor.stop))
    gc.freeze()
    take_precedence()
    reactor.run(installSignalHandlers=False)
    Path(out).write_text(generator.seen.as_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
