"""What must a balancer do that explains its picks? The contract of :class:`~openprequal.interfaces.IExplainsPicks`."""

from typing import Any

from zope.interface.verify import verifyObject

from openprequal.explanations import PickExplanation
from openprequal.interfaces import IExplainsPicks
from openprequal.testing.balancer_contract import ANSWERED, AnyRequest, BalancerContract, some_backends
from openprequal.values import LoadReport, PickReason


class ExplanationContract(BalancerContract):
    """Beside :class:`~openprequal.testing.balancer_contract.BalancerContract`, for one that explains its picks."""

    def explain(self, *exclude: str, client: str = "192.0.2.1") -> PickExplanation:
        """Why a pick for *client* would fall as it does."""
        balancer: Any = self.balancer
        explained: PickExplanation = balancer.explain(AnyRequest(client=client), exclude)
        return explained

    def test_it_provides_the_interface_of_explanations(self) -> None:
        verifyObject(IExplainsPicks, self.open())

    def test_without_backends_it_explains_that_there_is_none_to_pick(self) -> None:
        self.open()
        explained = self.explain()
        assert (explained.picked, explained.reason, explained.pool) == (None, None, ())
        assert explained.because

    def test_of_the_only_backend_it_explains_that(self) -> None:
        (only,) = some_backends(1)
        self.open([only])
        assert self.explain().picked == only.id

    def test_who_it_says_would_be_picked_is_among_those_considered_or_there_is_nothing_to_go_by(self) -> None:
        backends = some_backends(4)
        self.open(backends)
        for backend in backends:
            self.balancer.reported(backend, LoadReport(1.0, 0.01))
        explained = self.explain()
        assert explained.picked in {each.id for each in explained.pool}
        assert explained.reason in set(PickReason)
        assert explained.because

    def test_who_is_excluded_or_down_has_no_part_in_an_explanation(self) -> None:
        first, second, third, fourth = some_backends(4)
        self.open([first, second, third, fourth])
        self.balancer.down(third)
        for number in range(20):
            explained = self.explain(first.id, client=f"192.0.2.{number}")
            named = {explained.picked, *(each.id for each in explained.pool)}
            assert named <= {second.id, fourth.id}

    def test_picks_are_the_same_whether_somebody_asks_or_not(self) -> None:
        assert self._picks(ask=True) == self._picks(ask=False)

    def _picks(self, *, ask: bool) -> list[str]:
        backends = some_backends(6)
        self.open(backends, seed=7)
        picked = []
        for number in range(120):
            exclude = [backends[number % 6].id] if number % 3 == 0 else []
            if ask:
                self.explain(*exclude, client=f"192.0.2.{number}")
            backend = self.pick(exclude)
            assert backend is not None
            picked.append(backend.id)
            self.balancer.started(backend)
            if number % 5 == 0:
                self.balancer.reported(backend, LoadReport(number % 4, 0.01 * (1 + number % 3), utilization=0.5))
            if number % 4:
                self.balancer.finished(backend, ANSWERED)
            self.wait(0.003 if number % 40 else 1.5)
        return picked
