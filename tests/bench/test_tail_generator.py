"""The generator sends what was scheduled, when it was, and counts from then."""

import pytest
from twisted.internet.protocol import Factory, Protocol

from openprequal.bench.tail.emulation import Emulation
from openprequal.bench.tail.emulation import Spec as BackendsSpec
from openprequal.bench.tail.generator import BROKEN, FOREIGN, TIMED_OUT, Generator, Scheduled, Seen, Spec, schedule
from openprequal.bench.tail.workloads import WORKLOADS
from tests.bench.sockets import MemorySockets


@pytest.fixture
def sockets() -> MemorySockets:
    made = MemorySockets()
    Emulation(made, BackendsSpec("uniform-4-1", 1.0, 9.0, 1, [1, 2, 3, 4], [0, 1, 2, 3])).listen()
    return made


def sent(sockets: MemorySockets, requests: list[Scheduled], ports: list[int], seconds: float = 8.0) -> Seen:
    """What became of *requests*."""
    generator = Generator(sockets, requests, ports, 0.0)
    generator.start()
    sockets.run_for(seconds)
    return generator.seen


def spec(seed: int, workload: str = "antagonists-0.9") -> Spec:
    return Spec(workload, 2.0, 8.0, seed, [], 0.0)


def test_the_schedule_is_the_seeds_alone() -> None:
    assert schedule(spec(1)) == schedule(spec(1)) != schedule(spec(2))


def test_the_schedule_has_the_rate_and_the_work_of_the_workload() -> None:
    scenario = WORKLOADS["antagonists-0.9"].lasting(2.0, 8.0)
    requests = schedule(spec(1))
    assert len(requests) == scenario.requests == 4000
    assert requests[-1].at_s == pytest.approx(10.0, rel=0.1)
    assert sum(each.work_s for each in requests) / len(requests) == pytest.approx(0.098, rel=0.1)
    assert {each.proxy for each in requests} == set(range(8))


def test_a_ramp_sends_more_and_more() -> None:
    at_s = [each.at_s for each in schedule(spec(1, "ramp"))]
    first, last = sum(each < 2.0 for each in at_s), sum(8.0 < each < 10.0 for each in at_s)
    assert last > 1.8 * first


def test_latency_counts_from_the_scheduled_moment(sockets: MemorySockets) -> None:
    generator = Generator(sockets, [Scheduled(0.1, 0, 0.2)], [1], 0.0)
    generator.start()
    sockets.advance(0.4)  # 0.3 s late
    sockets.run_for(1.0)
    assert generator.seen.late_s[0] == pytest.approx(0.3)
    assert generator.seen.latency_s[0] == pytest.approx(0.5, abs=0.002)


def test_requests_go_to_their_proxy_and_connections_are_used_again(sockets: MemorySockets) -> None:
    seen = sent(sockets, [Scheduled(0.1 * number, number % 2, 0.05) for number in range(6)], [1, 2])
    assert list(seen.status) == [200] * 6
    assert list(seen.latency_s) == pytest.approx([0.05] * 6, abs=0.002)
    assert sockets.stopped


def test_what_takes_longer_than_the_deadline_is_given_up_and_counts_as_timed_out(sockets: MemorySockets) -> None:
    seen = sent(sockets, [Scheduled(0.0, 0, 60.0), Scheduled(0.1, 0, 0.1)], [1])
    assert list(seen.status) == [TIMED_OUT, 200]
    assert seen.latency_s[0] == pytest.approx(5.0, abs=0.06)


def test_an_answer_that_is_no_backends_is_an_error(sockets: MemorySockets) -> None:
    class Friendly(Protocol):
        def dataReceived(self, data: bytes) -> None:
            assert self.transport is not None
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    sockets.listenTCP(5, Factory.forProtocol(Friendly))
    assert list(sent(sockets, [Scheduled(0.0, 0, 0.1)], [5]).status) == [FOREIGN]


def test_a_refused_connection_is_an_error(sockets: MemorySockets) -> None:
    assert list(sent(sockets, [Scheduled(0.0, 0, 0.1)], [99]).status) == [BROKEN]


def test_what_was_seen_is_handed_over_whole(sockets: MemorySockets) -> None:
    seen = sent(sockets, [Scheduled(0.0, 0, 0.1)], [1])
    assert Seen.of_json(seen.as_json()) == seen
