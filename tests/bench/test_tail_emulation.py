"""The emulated backends serve in real time as the simulation's do, and report."""

import pytest
from attrs import evolve

from openprequal.bench.tail.cpu_share import CpuShare
from openprequal.bench.tail.emulation import Emulation, Spec, load_fields
from openprequal.bench.tail.paced_clock import PacedClock
from openprequal.probing.report_formats.orca import report_in_fields
from openprequal.simulation.serving import Job
from openprequal.values import LoadReport
from tests.bench.sockets import MemorySockets, Wire


class Client:
    """Asks one backend, and keeps when answers came."""

    def __init__(self, sockets: MemorySockets, port: int) -> None:
        self.answers: list[tuple[float, bytes]] = []
        self.transport: Wire | None = None
        self._sockets = sockets
        sockets.connectTCP("127.0.0.1", port, self)
        sockets.advance(0)

    def buildProtocol(self, address: object) -> "Client":
        return self

    def makeConnection(self, transport: Wire) -> None:
        self.transport = transport

    def dataReceived(self, data: bytes) -> None:
        self.answers.append((self._sockets.seconds(), data))

    def connectionLost(self, reason: object) -> None:
        """Of no interest here."""

    def clientConnectionFailed(self, connector: object, reason: object) -> None:
        """It stays without a transport."""

    def ask(self, path: str) -> None:
        assert self.transport is not None
        self.transport.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


@pytest.fixture
def sockets() -> MemorySockets:
    return MemorySockets()


def emulation(sockets: MemorySockets, workload: str = "uniform-4-1") -> Emulation:
    made = Emulation(sockets, Spec(workload, 1.0, 9.0, 1, [1, 2, 3, 4], [0, 1, 2, 3]))
    made.listen()
    return made


def test_an_idle_backend_takes_as_long_as_the_work_says(sockets: MemorySockets) -> None:
    emulation(sockets)
    client = Client(sockets, 1)
    client.ask("/work/0.125000")
    sockets.run_for(1.0)
    assert [at_s for at_s, _ in client.answers] == pytest.approx([0.125], abs=0.002)


def test_more_requests_than_cores_share_them(sockets: MemorySockets) -> None:
    emulation(sockets)
    clients = [Client(sockets, 1) for _ in range(6)]
    for client in clients:
        client.ask("/work/0.200000")
    sockets.run_for(1.0)
    assert [at_s for client in clients for at_s, _ in client.answers] == pytest.approx([0.6] * 6, abs=0.002)


def test_a_late_turn_delays_an_answer_but_not_those_after_it(sockets: MemorySockets) -> None:
    made = emulation(sockets)
    clients = [Client(sockets, 1) for _ in range(3)]
    for client, work in zip(clients, ("0.1", "0.1", "0.3"), strict=True):
        client.ask(f"/work/{work}")
    sockets.advance(0)
    sockets.advance(0.25)  # the first two were due after 0.15 s; from then on the third has a core of its own
    assert max(made.lags_s) == pytest.approx(
        0.15
    )  # a look was due after 0.1 s, when the first would have been done alone
    sockets.run_for(1.0)
    assert clients[2].answers[0][0] == pytest.approx(0.15 + 0.2, abs=0.002)


def test_a_client_that_leaves_takes_its_work_away(sockets: MemorySockets) -> None:
    made = emulation(sockets)
    client = Client(sockets, 1)
    client.ask("/work/10")
    sockets.advance(0)
    assert client.transport is not None
    client.transport.loseConnection()
    sockets.advance(0)
    assert made.replicas[0].tracker.rif == made.replicas[0].serving.jobs == 0


def test_responses_and_probes_tell_the_load(sockets: MemorySockets) -> None:
    emulation(sockets)
    busy, client = Client(sockets, 1), Client(sockets, 1)
    busy.ask("/work/5")
    client.ask("/healthz")
    sockets.run_for(0.01)
    sockets.run_for(5.0)
    probed, served = client.answers[0][1], busy.answers[0][1]
    assert b"\r\nOpenPrequal-Load: rif=1" in probed
    assert b"\r\nOpenPrequal-Load: rif=0" in served, "the request itself does not count"


def test_envoy_and_we_read_the_same_utilisation(sockets: MemorySockets) -> None:
    told = load_fields(LoadReport(3, 0.1, utilization=0.75, rps=12.5, eps=0.5))
    line = next(line for line in told.split(b"\r\n") if line.startswith(b"endpoint-load-metrics: TEXT "))
    name, _, value = line.partition(b": ")
    read = report_in_fields({name: value})
    assert read is not None
    assert (read.utilization, read.rps, read.eps) == (0.75, 12.5, 0.5)


def test_before_the_first_rate_is_known_no_orca_report_is_sent() -> None:
    assert b"endpoint-load-metrics" not in load_fields(LoadReport(3, 0.1))


def test_a_head_may_come_in_pieces(sockets: MemorySockets) -> None:
    emulation(sockets)
    client = Client(sockets, 1)
    assert client.transport is not None
    for piece in (b"GET / HT", b"TP/1.1\r\nHost: a\r", b"\n\r\n"):
        client.transport.write(piece)
    sockets.advance(0)
    assert client.answers[0][1].startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_was_before_counting_began_is_not_told(sockets: MemorySockets) -> None:
    made = emulation(sockets)
    client = Client(sockets, 2)
    client.ask("/_bench/begin/0.5")
    client.ask("/work/0.1")
    client.ask("/healthz")
    sockets.run_for(1.4)
    assert made.requests == [0, 1, 0, 0]
    sockets.run_for(0.2)  # counting begins 1 s after the beginning
    assert (made.told()["requests"], made.told()["probes"]) == ([0, 0, 0, 0], 0)


def test_a_backend_that_fails_fast_answers_503(sockets: MemorySockets) -> None:
    made = emulation(sockets, "fast-failing")
    made.begin(0.0)
    sockets.run_for(3.5)  # from 0.3 to 0.8 of ten seconds
    client = Client(sockets, 1)
    client.ask("/work/0.1")
    sockets.run_for(0.01)
    assert client.answers[0][1].startswith(b"HTTP/1.1 503 ")


def test_a_backend_that_restarts_drains_is_away_and_comes_back(sockets: MemorySockets) -> None:
    made = Emulation(sockets, Spec("rolling-restart", 1.0, 21.0, 1, list(range(1, 11)), [0]))
    made.listen()
    made.begin(0.0)
    restarts_s = 1.0 + 21.0 * 0.5 / 11
    sockets.run_for(restarts_s + 0.1, 0.01)
    client = Client(sockets, 1)
    client.ask("/healthz")
    client.ask("/work/0.01")
    sockets.run_for(0.2, 0.01)
    checked, served = client.answers[0][1], client.answers[1][1]
    assert checked.startswith(b"HTTP/1.1 503 ")
    assert served.startswith(b"HTTP/1.1 200 ")
    assert b"state=draining" in served
    sockets.run_for(0.9, 0.01)
    late = Client(sockets, 1)
    assert late.transport is None, "nobody listens"
    sockets.run_for(0.5, 0.01)
    again = Client(sockets, 1)
    again.ask("/healthz")
    sockets.run_for(0.1, 0.01)
    assert again.answers[0][1].startswith(b"HTTP/1.1 200 ")
    assert b"draining" not in again.answers[0][1]


def test_a_backend_on_a_share_of_a_core_computes_no_more_than_that(sockets: MemorySockets) -> None:
    clock = PacedClock(sockets, lambda late_s: None)
    serving = CpuShare(clock, 0.1)
    done: list[float] = []
    serving.begin(Job(0.012, lambda: done.append(sockets.seconds())))
    clock.pace()
    sockets.run_for(0.09, 0.005)
    assert 0.0 < serving.worked_s() < 0.012
    assert done == []
    sockets.run_for(0.1, 0.005)
    assert len(done) == 1


def test_the_same_seed_has_the_same_antagonists(sockets: MemorySockets) -> None:
    def cores(seed: int) -> list[float]:
        spec = evolve(Spec("antagonists-0.9", 1.0, 9.0, seed, list(range(1, 21)), []))
        made = Emulation(sockets, spec)
        made.begin(sockets.seconds())
        sockets.run_for(2.0, 0.05)
        return [replica.serving.cores for replica in made.replicas]

    assert cores(1) == cores(1) != cores(2)
