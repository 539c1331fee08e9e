"""A parent keeps its workers running, tells and asks them, waits for them no longer than it must, and ends them."""

import pytest
from crews import Case

from openprequal.values import Backend
from openprequal.workers.backoff import FIRST_S, MOST_S, WELL_S
from openprequal.workers.crew import APPLY_S
from openprequal.workers.worker import ASK_S

BACKEND = Backend("http://203.0.113.1:80")


@pytest.fixture
def case() -> Case:
    return Case()


def test_as_many_are_started_as_are_wanted(case: Case) -> None:
    case.begin()
    assert [worker.index for worker in case.workers] == [0, 1]
    assert case.crew.ready


def test_nobody_is_counted_before_it_says_hello(case: Case) -> None:
    case.crew.startService()
    assert case.crew.live == []
    assert not case.crew.ready
    assert case.crew.busy == 2


def test_a_worker_accepts_when_the_crew_does_however_late_it_comes(case: Case) -> None:
    case.crew.startService()
    case.workers[0].say("hello")
    case.crew.accept()
    case.workers[1].say("hello")
    assert [worker.kinds() for worker in case.workers] == [["accept"], ["accept"]]
    assert not case.crew.accepting
    case.workers[1].say("accepting")
    assert case.crew.accepting


def test_one_that_dies_after_a_while_is_replaced_at_once_and_its_row_is_cleared(case: Case) -> None:
    case.begin()
    case.counts.rows[0][3] = case.counts.rows[1][3] = 7
    case.clock.advance(WELL_S)
    case.workers[0].end("killed")
    case.clock.advance(0)
    assert [worker.index for worker in case.workers] == [0, 1, 0]
    assert [row[3] for row in case.counts.rows] == [0, 7]
    assert case.crew.restarts == 1


def test_one_that_dies_again_and_again_is_started_less_and_less_often(case: Case) -> None:
    case.crew.startService()
    pauses = []
    for _ in range(9):
        before = len(case.workers)
        case.workers[-1].end("settings")
        waited = 0.0
        while len(case.workers) == before:
            case.clock.advance(0.25)
            waited += 0.25
        pauses.append(waited)
    assert pauses == [min(MOST_S, FIRST_S * 2**number) for number in range(9)]


def test_one_that_cannot_be_started_is_tried_again(case: Case) -> None:
    case.fails = OSError("out of processes")
    case.crew.startService()
    assert case.workers == []
    case.fails = None
    case.clock.advance(FIRST_S)
    assert len(case.workers) == 2


def test_a_change_is_applied_once_all_have_taken_it_in(case: Case) -> None:
    case.begin()
    for worker in case.crew.live:
        worker.joined(BACKEND, 5, None)
    done = case.crew.applied()
    case.workers[0].apply()
    assert not done.called
    case.workers[1].apply()
    assert done.called


def test_nobody_waits_for_a_worker_that_is_gone(case: Case) -> None:
    case.begin()
    case.crew.live[0].joined(BACKEND, 5, None)
    done = case.crew.applied()
    case.workers[0].end()
    assert done.called


def test_a_worker_that_hangs_is_waited_for_only_so_long(case: Case) -> None:
    case.begin()
    case.crew.live[0].joined(BACKEND, 5, None)
    done = case.crew.applied()
    case.clock.advance(APPLY_S)
    assert done.called
    assert case.crew.unanswered == 1


def test_who_waits_may_lose_interest(case: Case) -> None:
    case.begin()
    case.crew.live[0].joined(BACKEND, 5, None)
    case.crew.applied().cancel()
    case.crew.ask("rows").cancel()
    case.workers[0].apply()
    assert not case.clock.getDelayedCalls()


def test_all_are_asked_and_one_that_hangs_is_left_out(case: Case) -> None:
    case.begin()
    answers: list[dict[int, list[bytes]]] = []
    case.crew.ask("rows").addCallback(
        lambda told: answers.append({worker.index: [part.payload for part in parts] for worker, parts in told})
    )
    (question,) = case.workers[1].heard
    case.workers[1].say("answer", b"a", ask=question.head["ask"])
    case.workers[1].say("answer", b"b", ask=question.head["ask"])
    case.workers[1].say("answer", ask=question.head["ask"], last=True)
    assert answers == []
    case.clock.advance(ASK_S)
    assert answers == [{1: [b"a", b"b"]}]
    assert case.crew.unanswered == 1
    # What comes too late is nobody's answer.
    case.workers[0].say("answer", b"late", ask=question.head["ask"], last=True)


def test_what_makes_no_sense_is_taken_by_nobody_and_harms_nothing(case: Case) -> None:
    case.begin()
    case.workers[0].say("applied")
    case.workers[0].say("applied", n="many")
    case.workers[0].say("answer", ask=99)
    assert len(case.crew.live) == 2


def test_at_the_end_all_are_told_to_stop_and_nobody_comes_again(case: Case) -> None:
    case.begin()
    case.crew.drain()
    assert [worker.kinds() for worker in case.workers] == [["stop"], ["stop"]]
    for worker in case.workers:
        worker.end()
    case.clock.advance(MOST_S)
    assert case.crew.busy == 0
    assert len(case.workers) == 2


def test_one_that_has_not_said_hello_by_then_is_ended_at_once(case: Case) -> None:
    case.crew.startService()
    case.crew.drain()
    assert all(worker.killed for worker in case.workers)


def test_whoever_has_not_ended_in_the_end_is_killed(case: Case) -> None:
    case.begin()
    case.crew.drain()
    case.workers[0].end()
    stopped = case.crew.stopService()
    assert [worker.killed for worker in case.workers] == [False, True]
    assert not stopped.called
    case.workers[1].end()
    assert stopped.called


def test_one_that_is_replaced_accepts_no_more_and_ends(case: Case) -> None:
    case.begin()
    case.crew.replace(case.crew.live[0])
    assert case.workers[0].kinds() == ["cease", "stop"]
    assert case.workers[1].kinds() == []
