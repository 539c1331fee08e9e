"""Whatever happens in whatever order: nobody waits who could go, and nothing is counted that is not there."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sticky import Case, Waiting

from openprequal.values import Backend

CLIENTS = st.sampled_from(["a", "b", "c", "d"])
NUMBERS = st.integers(0, 1)


class Anything(RuleBasedStateMachine):
    """Requests come, wait, give up and end, while two backends go up and down, drain and leave."""

    def __init__(self) -> None:
        super().__init__()
        self.case = Case()
        self.waiting: list[Waiting] = []
        self.under_way: list[Backend] = []
        self.is_up = [True, True]

    @rule(client=CLIENTS)
    def request(self, client: str) -> None:
        service = self.case.service
        backend = self.case.begin(client)
        if backend is not None:
            self.under_way.append(backend)
        elif service.saturated:
            waiting = Waiting(self.case, client)
            if service.enqueue(waiting):
                self.waiting.append(waiting)
        self._served()

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 100))
    def end(self, which: int) -> None:
        self.case.end(self.under_way.pop(which % len(self.under_way)))
        self._served()

    @precondition(lambda self: self.waiting)
    @rule(which=st.integers(0, 100))
    def give_up(self, which: int) -> None:
        waiting = self.waiting.pop(which % len(self.waiting))
        self.case.service.dequeue(waiting)

    @rule(number=NUMBERS)
    def down(self, number: int) -> None:
        if self.is_up[number]:
            self.is_up[number] = False
            self.case.service.down(self.case.members[number].backend)
        self._served()

    @rule(number=NUMBERS)
    def drain(self, number: int) -> None:
        if self.is_up[number]:
            self.is_up[number] = False
            self.case.drain(self.case.members[number].backend)
        self._served()

    @rule(number=NUMBERS)
    def up(self, number: int) -> None:
        if not self.is_up[number]:
            self.is_up[number] = True
            self.case.members[number].report = None
            self.case.service.up(self.case.members[number].backend)
        self._served()

    def _served(self) -> None:
        for waiting in [each for each in self.waiting if each.turns]:
            self.waiting.remove(waiting)
            assert waiting.went is not None, "called for nothing"
            self.under_way.append(waiting.went)

    @invariant()
    def each_waits_once(self) -> None:
        assert self.case.service.queued == len(self.waiting)

    @invariant()
    def the_counts_are_those_of_what_is_under_way(self) -> None:
        for member in self.case.members:
            assert member.in_flight == self.under_way.count(member.backend)
            assert member.in_flight <= 2

    @invariant()
    def nobody_waits_who_could_go(self) -> None:
        for waiting in self.waiting:
            assert self.case.picked(waiting.request.client) is None


Anything.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestAnything = Anything.TestCase
