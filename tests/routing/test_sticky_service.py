"""A sticky service sends sessions to their backends, and everybody else where its balancer says."""

import pytest
from sticky import Case


@pytest.fixture
def case() -> Case:
    return Case()


def test_a_session_stays_however_loaded_its_backend_is(case: Case) -> None:
    case.bind("a", case.one)
    assert case.begin("a") == case.one
    assert case.picked("a") == case.one
    assert case.service.counts == {"kept": 2, "moved": 0, "new": 0}


def test_new_sessions_go_by_the_load_that_sessions_make_too(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    assert [case.begin("b"), case.picked("b")] == [case.other, case.other]
    assert case.service.counts == {"kept": 2, "moved": 0, "new": 1}


def test_one_whose_backend_is_down_moves_and_stays_where_it_went(case: Case) -> None:
    case.bind("a", case.one)
    case.service.down(case.one)
    assert case.picked("a") == case.other
    case.service.up(case.one)
    assert case.picked("a") == case.other
    assert case.service.counts["moved"] == 1


def test_one_whose_backend_has_gone_moves(case: Case) -> None:
    case.bind("a", case.one)
    case.service.remove(case.one)
    assert case.picked("a") == case.other


def test_a_retry_goes_elsewhere_and_the_session_stays_until_another_answers(case: Case) -> None:
    case.bind("a", case.one)
    assert case.picked("a", frozenset({case.one.id})) == case.other
    assert case.picked("a") == case.one


def test_a_backend_that_drains_keeps_its_sessions_and_gets_no_others(case: Case) -> None:
    case.bind("a", case.one)
    case.drain(case.one)
    assert case.picked("a") == case.one
    assert [case.begin("b"), case.begin("c")] == [case.other, case.other]
    case.service.remove(case.one)
    assert case.picked("a") is None


def test_until_its_checks_fail(case: Case) -> None:
    case.bind("a", case.one)
    case.drain(case.one)
    case.members[0].report = None
    assert case.picked("a") == case.other


def test_a_request_waits_for_its_own_backend_though_another_has_room(case: Case) -> None:
    case.bind("a", case.one)
    assert case.begin("a") == case.begin("a") == case.one
    waiting = case.wait("a")
    case.begin("b")
    case.end(case.other)
    assert waiting.turns == 0
    case.end(case.one)
    assert waiting.went == case.one


def test_whoever_can_go_elsewhere_does_not_wait_behind_one_who_cannot(case: Case) -> None:
    for client, backend in (("a", case.one), ("b", case.other)):
        case.bind(client, backend)
        case.begin(client)
        case.begin(client)
    first, second = case.wait("a"), case.wait("new")
    case.end(case.other)
    assert (first.turns, second.went) == (0, case.other)
    case.end(case.one)
    assert first.went == case.one


def test_those_who_wait_for_the_same_are_served_in_order(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = [case.wait("a") for _ in range(3)]
    case.end(case.one)
    assert [each.turns for each in waiting] == [1, 0, 0]


def test_who_waits_for_one_that_goes_down_goes_elsewhere(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = case.wait("a")
    case.service.down(case.one)
    assert waiting.went == case.other


def test_who_waits_for_one_that_leaves_goes_elsewhere(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = case.wait("a")
    case.service.remove(case.one)
    assert waiting.went == case.other


def test_one_that_drains_has_no_more_room_than_before(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    case.drain(case.one)
    waiting = case.wait("a")
    case.end(case.one)
    assert waiting.went == case.one


def test_who_gives_up_waiting_is_not_called(case: Case) -> None:
    case.bind("a", case.one)
    case.begin("a")
    case.begin("a")
    waiting = case.wait("a")
    case.service.dequeue(waiting)
    case.end(case.one)
    assert (waiting.turns, case.service.queued) == (0, 0)


def test_a_limit_on_the_service_counts_for_sessions_too() -> None:
    case = Case(limit=1)
    case.bind("a", case.one)
    assert case.begin("a") == case.one
    waiting = case.wait("a")
    case.end(case.one)
    assert waiting.went == case.one


def test_one_whose_session_was_placed_while_it_waited_keeps_its_place_and_wastes_nobodys() -> None:
    case = Case()
    for client, backend in (("a", case.one), ("b", case.other)):
        case.bind(client, backend)
        case.begin(client)
        case.begin(client)
    first, second = case.wait("new"), case.wait("another")
    case.bind("new", case.one)
    case.end(case.other)
    assert (first.turns, second.went) == (0, case.other)
    case.end(case.one)
    assert first.went == case.one
