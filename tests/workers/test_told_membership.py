"""Workers are told of all backends, or, where a service has many, each of a subset that covers them evenly."""

from collections import Counter

import pytest
from crews import CELLS, Case
from hypothesis import given
from hypothesis import strategies as st

from openprequal.values import Backend
from openprequal.workers.counts import Cells
from openprequal.workers.subsets import FEW, keepers, keepers_each
from openprequal.workers.told_membership import ToldMembership


def backend(number: int, service: str = "default", weight: float = 1.0) -> Backend:
    return Backend(f"http://203.0.113.{number % 256}:{8000 + number}", service, weight)


class Membership(Case):
    """A crew that is told of backends."""

    def __init__(self, count: int = 2, whole: bool = False) -> None:
        super().__init__(count)
        self.judgements: dict[str, dict[str, object]] = {}
        self.told = ToldMembership(
            count, lambda: self.crew.live, Cells(self.counts), self.judgements, lambda service: whole
        )
        self.crew.introduce = self.told.introduce

    def known(self) -> list[set[str]]:
        """Whom each live worker knows."""
        return [worker.told for worker in self.crew.live]


def test_everybody_is_told_of_who_joins_changes_and_leaves() -> None:
    case = Membership()
    case.begin()
    one, heavier = backend(1), backend(1, weight=2.0)
    case.told.joined(one)
    case.told.changed(one, heavier)
    case.told.left(heavier, "unregistered")
    for worker in case.workers:
        first, second, last = worker.heard
        assert Backend(**first.head["backend"]) == one
        assert Backend(**second.head["backend"]) == heavier
        assert first.head["cell"] == second.head["cell"]
        assert (last.head["kind"], last.head["id"], last.head["n"]) == ("left", one.id, 3)


def test_one_that_comes_later_is_told_of_all_and_what_their_checks_say() -> None:
    case = Membership()
    case.told.joined(backend(1))
    case.judgements[backend(1).id] = {"up": True}
    case.begin()
    assert case.workers[0].kinds() == ["joined", "judged"]


def test_only_who_knows_a_backend_hears_what_its_checks_say() -> None:
    case = Membership()
    case.begin()
    case.told.joined(backend(1))
    case.told.judged(backend(1).id, {"up": True})
    case.told.judged(backend(2).id, {"up": True})
    assert case.workers[1].kinds() == ["joined", "judged"]


def test_where_there_are_more_cells_than_backends_ever_were_each_has_its_own() -> None:
    case = Membership()
    case.begin()
    for number in range(2 * CELLS):
        case.told.joined(backend(number))
        case.told.left(backend(number), "unregistered")
    cells = [message.head["cell"] for message in case.workers[0].heard if message.head["kind"] == "joined"]
    assert None not in cells


def test_a_service_of_many_is_split_between_the_workers_and_each_backend_has_its_keepers() -> None:
    case = Membership(count=4)
    case.begin()
    for number in range(400):
        case.told.joined(backend(number))
    kept = Counter(backend_id for known in case.known() for backend_id in known)
    assert len(kept) == 400
    assert set(kept.values()) == {keepers_each(400, 4)} == {2}
    assert all(150 < len(known) < 250 for known in case.known())


def test_when_a_service_shrinks_all_keep_all_again() -> None:
    case = Membership()
    case.begin()
    many = [backend(number) for number in range(2 * FEW)]
    for each in many:
        case.told.joined(each)
    assert keepers_each(len(many), 2) == 1
    for each in many[FEW:]:
        case.told.left(each, "unregistered")
    assert case.known() == [{each.id for each in many[:FEW]}] * 2


def test_where_all_must_be_known_to_all_nothing_is_split() -> None:
    case = Membership(whole=True)
    case.begin()
    for number in range(3 * FEW):
        case.told.joined(backend(number))
    assert [len(known) for known in case.known()] == [3 * FEW] * 2


def test_services_are_split_by_themselves() -> None:
    case = Membership()
    case.begin()
    for number in range(2 * FEW):
        case.told.joined(backend(number, "large"))
    case.told.joined(backend(9000, "small"))
    assert all(backend(9000, "small").id in known for known in case.known())


@given(st.integers(0, 5000), st.integers(1, 64))
def test_each_worker_keeps_enough_or_all(backends: int, workers: int) -> None:
    each = keepers_each(backends, workers)
    assert 1 <= each <= workers
    assert backends * each >= min(backends, FEW) * workers


@given(st.text(min_size=1), st.integers(1, 16), st.data())
def test_keepers_are_always_the_same_and_so_many(backend_id: str, workers: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, workers))
    kept = keepers(backend_id, workers, count)
    assert kept == keepers(backend_id, workers, count)
    assert len(kept) == count
    assert kept <= set(range(workers))


@pytest.mark.parametrize("workers", [2, 5])
def test_subsets_are_about_even(workers: int) -> None:
    sizes = Counter(worker for number in range(2000) for worker in keepers(backend(number).id, workers, 1))
    assert max(sizes.values()) < 1.2 * min(sizes.values())
