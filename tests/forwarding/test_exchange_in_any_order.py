"""Whatever clients and backends do, in whatever order: nothing leaks, nothing raises, nobody gets another's answer."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from witnessing import Remembering

from openprequal.forwarding.journey import Witness
from openprequal.forwarding.retry import RetryRules, Unsafe
from openprequal.forwarding.route import Timeouts
from openprequal.frontend.limits import Limits
from openprequal.routing.lateness import Lateness
from openprequal.testing.memory_transport import RawConnection
from openprequal.testing.network import MemoryNetwork, RawBackend
from openprequal.values import Backend, Outcome

REQUESTS = [
    b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /x HTTP/1.0\r\n\r\n",
    b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
    b"GET /x HTTP/1.1\r\n\r\n",
    b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil close",
    b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy",
    b"HTTP/1.1 103 Early Hints\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"y" * 300_000,
    b"nonsense\r\n\r\n",
]
CUTS = st.lists(st.integers(0, 120), max_size=3)
WHO = st.integers(0, 2)


class AnyOrder(RuleBasedStateMachine):
    """Three clients, two backends with room for one request each, and a queue for one."""

    def __init__(self, witnesses: Sequence[Witness] = ()) -> None:
        super().__init__()
        self.network = MemoryNetwork(
            backends=2,
            witnesses=witnesses,
            max_in_flight=1,
            queue_max=1,
            limits=Limits(header_s=5.0, idle_s=20.0),
            timeouts=Timeouts(response_s=5.0, stall_s=5.0, queue_s=1.0, connect_s=1.0),
            retries=RetryRules(try_s=1.0, statuses=frozenset({503}), unsafe=Unsafe.YES),
        )
        self.clients = [self.network.client() for _ in range(3)]
        self.in_flight: dict[str, int] = {}
        balancer = self.network.service.balancer
        started, finished = balancer.started, balancer.finished

        def hear_started(backend: Backend) -> None:
            self.in_flight[backend.id] = self.in_flight.get(backend.id, 0) + 1
            started(backend)

        def hear_finished(backend: Backend, outcome: Outcome) -> None:
            self.in_flight[backend.id] -= 1
            finished(backend, outcome)

        balancer.started = hear_started  # type: ignore[method-assign]
        balancer.finished = hear_finished  # type: ignore[method-assign]

    def _client(self, number: int) -> RawConnection:
        if self.clients[number].ended is not None:
            self.clients[number] = self.network.client()
        return self.clients[number]

    def _open(self, number: int) -> list[RawConnection]:
        raw: RawBackend = self.network.backend(number % 2)
        return [connection for connection in raw.connections if connection.ended is None]

    @rule(who=WHO, request=st.sampled_from(REQUESTS), cuts=CUTS)
    def a_client_asks(self, who: int, request: bytes, cuts: list[int]) -> None:
        self._client(who).send(request, cuts=cuts)

    @rule(who=WHO, request=st.sampled_from(REQUESTS), end=st.integers(0, 90))
    def a_client_asks_in_part(self, who: int, request: bytes, end: int) -> None:
        self._client(who).send(request[:end])

    @rule(who=WHO, how=st.sampled_from(["close", "reset", "stop_reading", "read_on"]))
    def a_client_does(self, who: int, how: str) -> None:
        getattr(self._client(who), how)()

    @rule(who=WHO, which=WHO, answer=st.sampled_from(ANSWERS), cuts=CUTS)
    def a_backend_answers(self, who: int, which: int, answer: bytes, cuts: list[int]) -> None:
        for connection in self._open(who)[which : which + 1]:
            connection.send(answer, cuts=cuts)

    @rule(who=WHO, answer=st.sampled_from(ANSWERS), end=st.integers(1, 60))
    def a_backend_answers_in_part(self, who: int, answer: bytes, end: int) -> None:
        for connection in self._open(who)[:1]:
            connection.send(answer[:end])

    @rule(who=WHO, which=WHO, how=st.sampled_from(["close", "reset", "stop_reading", "read_on"]))
    def a_backend_does(self, who: int, which: int, how: str) -> None:
        for connection in self._open(who)[which : which + 1]:
            getattr(connection, how)()

    @rule(who=WHO, how=st.sampled_from(["accept", "refuse", "hang"]))
    def a_backend_takes_connections_so(self, who: int, how: str) -> None:
        getattr(self.network.backend(who % 2), how)()

    @rule(seconds=st.sampled_from([0.5, 1.5, 6.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.network.wait(seconds)

    @invariant()
    def the_counts_agree(self) -> None:
        for member in self.network.members:
            assert member.in_flight == self.in_flight.get(member.backend.id, 0)
            assert 0 <= member.in_flight <= 1
        assert self.network.service.queued <= 1

    def teardown(self) -> None:
        # Each pipelined request may take one time-out after the other.
        for _ in range(200):
            if not self.network.in_flight and not self.network.service.queued:
                break
            self.network.wait(5)
        assert self.network.in_flight == 0
        assert self.network.service.queued == 0
        self.network.site.shut_down()
        self.network.clock.advance(0)
        assert not self.network.site.connections


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=25)
TestAnyOrder = AnyOrder.TestCase


class AnyOrderHedged(AnyOrder):
    """The same, and every request that waits for a second is hedged."""

    def __init__(self, witnesses: Sequence[Witness] = ()) -> None:
        super().__init__(witnesses)
        self.network.service.lateness = self.lateness = Lateness(50.0, self.network.clock.seconds)
        self.lateness.delay_s = 1.0

    @rule()
    def some_are_late(self) -> None:
        self.network.wait(1)
        self.lateness.tick()


AnyOrderHedged.TestCase.settings = AnyOrder.TestCase.settings
TestAnyOrderHedged = AnyOrderHedged.TestCase


class AnyOrderWitnessed(AnyOrderHedged):
    """The same, and all of it is written down."""

    def __init__(self) -> None:
        self.witness = Remembering()
        super().__init__((self.witness,))

    def teardown(self) -> None:
        super().teardown()
        assert sorted(map(id, self.witness.begun)) == sorted(map(id, self.witness.over))
        for journey in self.witness.over:
            assert journey.attempt in (None, *journey.attempts)
            assert journey.hedge is None
            assert all(attempt.outcome is not None for attempt in journey.attempts)


AnyOrderWitnessed.TestCase.settings = AnyOrder.TestCase.settings
TestAnyOrderWitnessed = AnyOrderWitnessed.TestCase
