"""What must every balancer do? Subclass the contract in a test module and pytest runs it on yours.

:class:`BalancerContract` is for balancers that pick at once, :class:`PendingBalancerContract` for those that let a pick
wait (as sync mode does); it contains the other.
"""

from collections import deque
from collections.abc import Collection, Sequence
from random import Random

import pytest
from attrs import frozen
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openprequal.errors import ConfigurationError
from openprequal.interfaces import BalancerContext, IBalancer, IPending, IRequest
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, LoadState, Outcome

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.02)
OUTCOMES = (
    ANSWERED,
    Outcome(Ending.RESPONSE, 503, 0.001),
    Outcome(Ending.RESPONSE, 200, 0.0),
    Outcome(Ending.CONNECT_FAILED, None, None),
    Outcome(Ending.BROKEN, None, None),
    Outcome(Ending.TIMEOUT, None, None),
    Outcome(Ending.CANCELLED, None, None),
)
REPORTS = (
    LoadReport(0.0, None),
    LoadReport(0.0, 0.0),
    LoadReport(7.0, 0.1),
    LoadReport(1e5, 3600.0),
    LoadReport(2.5, 0.01, LoadState.WARMING),
    LoadReport(1.0, 0.01, LoadState.DRAINING),
    LoadReport(None, None, utilization=0.0, rps=0.0, eps=0.0),
    LoadReport(3.0, 0.2, utilization=1.7, rps=1e6, eps=1e6),
    LoadReport(None, 0.1, utilization=0.5),
)


@implementer(IRequest)
@frozen
class AnyRequest:
    """A request without particulars."""

    method: bytes = b"GET"
    target: bytes = b"/?q"
    path: bytes = b"/"
    fields: Sequence[tuple[bytes, bytes]] = ()
    client: str = "192.0.2.1"

    def header(self, name: bytes) -> bytes | None:
        """See :class:`~openprequal.interfaces.IRequest`."""
        return next((value for key, value in self.fields if key.lower() == name), None)


def some_backends(count: int) -> list[Backend]:
    """*count* backends of equal weight."""
    return [Backend(url=f"http://b{number}.test:8001") for number in range(count)]


class BalancerContract:
    """The behaviour that :class:`~openprequal.interfaces.IBalancer` promises, one test each, in virtual time.

    Override :meth:`make`. :meth:`open` gives a balancer on ``self.clock`` that probes through ``self.probes``.
    """

    def make(self, context: BalancerContext) -> IBalancer:
        """A new balancer of the kind under test."""
        raise NotImplementedError

    def open(self, backends: Collection[Backend] = (), seed: int = 1) -> IBalancer:
        """A balancer for which *backends* are up."""
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.probes = ScriptedProbes(self.clock)
        self.balancer = self.make(BalancerContext(self.clock, Random(seed), self.probes))
        self.requests = 0
        for backend in backends:
            self.balancer.up(backend)
        return self.balancer

    def pick(self, exclude: Collection[str] = ()) -> Backend | None:
        """Pick for a client that was not here before; wait, for a second at most, if the balancer has to."""
        self.requests += 1
        client = f"192.0.{self.requests // 256}.{self.requests % 256}"
        picked = self.balancer.pick(AnyRequest(client=client), exclude)
        if not IPending.providedBy(picked):
            assert picked is None or isinstance(picked, Backend)
            return picked
        answers: list[Backend | None] = []
        picked.whenPicked(answers.append)
        assert not answers, "called back from inside the call"
        waited_s = 0.0
        while not answers and waited_s < 1.0:
            self.wait(0.001)
            waited_s += 0.001
        assert len(answers) == 1, "a pending pick calls back once"
        return answers[0]

    def wait(self, seconds: float) -> None:
        """Let time go by, with the balancer's ticks, if it has any."""
        end_s = self.clock.seconds() + seconds
        while (left_s := end_s - self.clock.seconds()) > 1e-9:
            self.clock.advance(min(left_s, 0.01))
            tick = getattr(self.balancer, "tick", None)
            if tick is not None:
                tick()

    def serve(self, requests: int, at_once: int = 8) -> dict[str, int]:
        """Requests by backend id, where those of weight w serve in turn, w * 50 a second, *at_once* being out."""
        counts: dict[str, int] = {}
        in_flight: dict[str, int] = {}
        out: deque[tuple[float, Backend, float]] = deque()
        for _ in range(requests):
            backend = self.pick()
            assert backend is not None
            self.balancer.started(backend)
            counts[backend.id] = counts.get(backend.id, 0) + 1
            in_flight[backend.id] = in_flight.get(backend.id, 0) + 1
            takes_s = in_flight[backend.id] * 0.02 / backend.weight
            out.append((self.clock.seconds() + takes_s, backend, takes_s))
            while len(out) >= at_once:
                first = min(out, key=lambda each: each[0])
                out.remove(first)
                due_s, backend, took_s = first
                self.clock.advance(max(0.0, due_s - self.clock.seconds()))
                in_flight[backend.id] -= 1
                rif = in_flight[backend.id]
                self.balancer.reported(backend, LoadReport(rif, (rif + 1) * 0.02 / backend.weight))
                self.balancer.finished(backend, Outcome(Ending.RESPONSE, 200, took_s))
        return counts

    def test_it_provides_the_interface(self) -> None:
        verifyObject(IBalancer, self.open())

    def test_a_parameter_it_does_not_know_is_refused_by_name(self) -> None:
        clock = Clock()
        context = BalancerContext(clock, Random(1), ScriptedProbes(clock), {"no_such_parameter": 1})
        with pytest.raises(ConfigurationError, match="no_such_parameter"):
            self.make(context)

    def test_without_backends_there_is_none_to_pick(self) -> None:
        self.open()
        assert self.pick() is None

    def test_the_only_backend_is_picked(self) -> None:
        (only,) = some_backends(1)
        self.open([only])
        assert [self.pick() for _ in range(3)] == [only] * 3

    @pytest.mark.parametrize("count", [2, 3, 16, 40])
    def test_an_excluded_backend_is_not_picked(self, count: int) -> None:
        backends = some_backends(count)
        self.open(backends)
        exclude = {backend.id for backend in backends[: count // 2]}
        picked = [self.pick(exclude) for _ in range(100)]
        assert all(backend is not None and backend.id not in exclude for backend in picked)

    @pytest.mark.parametrize("count", [1, 3, 40])
    def test_the_only_one_not_excluded_is_picked(self, count: int) -> None:
        backends = some_backends(count)
        self.open(backends)
        exclude = [backend.id for backend in backends[1:]]
        assert [self.pick(exclude) for _ in range(20)] == [backends[0]] * 20

    @pytest.mark.parametrize("count", [1, 3, 40])
    def test_with_all_excluded_there_is_none_to_pick(self, count: int) -> None:
        backends = some_backends(count)
        self.open(backends)
        assert self.pick([backend.id for backend in backends]) is None

    def test_a_backend_that_is_down_is_not_picked(self) -> None:
        first, second, third = some_backends(3)
        balancer = self.open([first, second, third])
        balancer.down(second)
        assert second not in [self.pick() for _ in range(100)]

    def test_a_backend_that_is_up_again_is_picked_again(self) -> None:
        (only,) = some_backends(1)
        balancer = self.open([only])
        balancer.down(only)
        assert self.pick() is None
        balancer.up(only)
        assert self.pick() == only

    def test_down_of_one_that_was_not_up_is_harmless(self) -> None:
        first, second = some_backends(2)
        balancer = self.open([first])
        balancer.down(second)
        balancer.down(second)
        assert self.pick() == first

    def test_requests_may_end_after_their_backend_went_down(self) -> None:
        first, second = some_backends(2)
        balancer = self.open([first, second])
        balancer.started(first)
        balancer.started(first)
        balancer.down(first)
        balancer.finished(first, ANSWERED)
        balancer.up(first)
        balancer.finished(first, ANSWERED)
        assert first in [self.pick([second.id])]

    def test_events_of_unknown_backends_are_harmless(self) -> None:
        known, unknown = some_backends(2)
        balancer = self.open([known])
        balancer.started(unknown)
        balancer.reported(unknown, LoadReport(0.0, 0.001))
        balancer.finished(unknown, ANSWERED)
        balancer.finished(unknown, ANSWERED)
        balancer.reweighted(unknown)
        assert [self.pick() for _ in range(10)] == [known] * 10

    def test_a_reweighted_backend_replaces_the_old_one(self) -> None:
        light = Backend(url="http://b.test:8001", weight=1.0)
        heavy = Backend(url="http://b.test:8001", weight=5.0)
        balancer = self.open([light])
        balancer.reweighted(heavy)
        picked = self.pick()
        assert picked is not None
        assert picked.weight == 5.0

    def test_equal_backends_all_get_requests(self) -> None:
        backends = some_backends(5)
        self.open(backends)
        assert set(self.serve(500)) == {backend.id for backend in backends}

    def test_a_heavier_backend_gets_more(self) -> None:
        light, heavy = Backend(url="http://l.test:1"), Backend(url="http://h.test:1", weight=3.0)
        self.open([light, heavy])
        counts = self.serve(800)
        assert counts[heavy.id] > 1.5 * counts[light.id]

    def test_the_heaviest_gets_most_at_the_extremes_of_weight(self) -> None:
        weights = (0.001, 1.0, 1_000_000.0)
        backends = [Backend(url=f"http://b{place}.test:1", weight=weight) for place, weight in enumerate(weights)]
        self.open(backends)
        counts = self.serve(400)
        assert all(counts[backends[2].id] > counts.get(backend.id, 0) for backend in backends[:2])

    def test_a_heaviest_backend_that_is_excluded_leaves_all_to_the_others(self) -> None:
        light, heavy = Backend(url="http://l.test:1", weight=0.001), Backend(url="http://h.test:1", weight=1_000_000.0)
        self.open([heavy, light])
        assert {self.pick([heavy.id]) for _ in range(100)} == {light}

    def test_picks_are_counted_by_reason(self) -> None:
        self.open(some_backends(3))
        self.serve(50)
        assert sum(self.balancer.pick_counts.values()) == 50

    @pytest.mark.parametrize("seed", range(5))
    def test_no_sequence_of_events_makes_it_pick_what_it_must_not(self, seed: int) -> None:
        rng = Random(seed)
        backends = some_backends(rng.choice((3, 17, 40)))
        balancer = self.open(seed=seed)
        up: dict[str, Backend] = {}
        started: list[Backend] = []
        for _ in range(1000):
            backend = rng.choice(backends)
            match rng.randrange(8):
                case 0 if backend.id not in up:
                    up[backend.id] = backend
                    balancer.up(backend)
                case 1 if rng.random() < 0.3:
                    up.pop(backend.id, None)
                    balancer.down(backend)
                case 2 if backend.id in up:
                    up[backend.id] = Backend(url=backend.url, weight=rng.choice((0.5, 1.0, 3.0)))
                    balancer.reweighted(up[backend.id])
                case 3:
                    balancer.reported(backend, rng.choice(REPORTS))
                case 4 if started:
                    balancer.finished(started.pop(rng.randrange(len(started))), rng.choice(OUTCOMES))
                case 5:
                    self.clock.advance(rng.choice((0.0, 0.003, 0.2, 5.0)))
                    tick = getattr(balancer, "tick", None)
                    if tick is not None:
                        tick()
                case _:
                    exclude = {each.id for each in backends if rng.random() < 0.2}
                    picked = self.pick(exclude)
                    allowed = up.keys() - exclude
                    assert (picked is None) == (not allowed)
                    if picked is not None:
                        assert picked.id in allowed
                        balancer.started(picked)
                        started.append(picked)


class PendingBalancerContract(BalancerContract):
    """The same for a balancer whose picks wait: and what an :class:`~openprequal.interfaces.IPending` promises.

    Its picks must wait where five backends are up that have not reported yet.
    """

    def pend(self, backends: Collection[Backend]) -> IPending:
        """A pick that waits."""
        picked = self.open(backends).pick(AnyRequest(), ())
        assert IPending.providedBy(picked), "its picks do not wait: BalancerContract is what it must keep"
        return picked

    @pytest.mark.parametrize("reports", [True, False])
    def test_a_pick_that_waits_calls_back_once(self, reports: bool) -> None:
        backends = some_backends(5)
        picked = self.pend(backends)
        for backend in backends if reports else ():
            self.probes.answer(backend, LoadReport(1.0, 0.01))
        answers: list[Backend | None] = []
        picked.whenPicked(answers.append)
        self.wait(1.0)
        assert len(answers) == 1
        assert answers[0] in backends
        picked.cancel()

    @pytest.mark.parametrize("after_s", [0.0, 0.0005, 0.02])
    def test_a_pick_that_is_cancelled_while_it_waits_never_calls_back(self, after_s: float) -> None:
        picked = self.pend(some_backends(5))
        answers: list[Backend | None] = []
        picked.whenPicked(answers.append)
        self.wait(after_s)
        assert not answers
        picked.cancel()
        picked.cancel()
        self.wait(1.0)
        assert not answers

    @pytest.mark.parametrize("reports", [True, False])
    def test_who_goes_down_while_a_pick_waits_is_not_picked(self, reports: bool) -> None:
        backends = some_backends(5)
        for gone in range(1, 6):
            picked = self.pend(backends)
            for backend in backends if reports else ():
                self.probes.answer(backend, LoadReport(1.0, 0.01))
            answers: list[Backend | None] = []
            picked.whenPicked(answers.append)
            for backend in backends[:gone]:
                self.balancer.down(backend)
            self.wait(1.0)
            assert (answers[0] is None) if gone == 5 else (answers[0] in backends[gone:])
