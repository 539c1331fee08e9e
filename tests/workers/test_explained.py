"""Workers explain together what each of them knows."""

import json
from typing import Any

import pytest
from crews import Case
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from openprequal.admin.problems import Problem
from openprequal.workers.explained import explained, explained_by_all
from openprequal.workers.worker import ASK_S


class Asked:
    """A crew of two that is asked."""

    def __init__(self, query: bytes) -> None:
        self.case = Case()
        self.case.begin()
        self.query = query
        self.told: Deferred[dict[str, Any]] = explained_by_all(self.case.crew, query)

    def answer(self, number: int, document: dict[str, object] | Problem) -> None:
        """As the worker of that number would."""

        def explain(query: bytes) -> dict[str, object]:
            assert query == self.query
            if isinstance(document, Problem):
                raise document
            return document

        worker = self.case.workers[number]
        question = worker.heard[-1]
        assert question.head["about"] == "explain"
        for piece in explained(explain, question.payload):
            worker.say("answer", piece, ask=question.head["ask"])
        worker.say("answer", ask=question.head["ask"], last=True)

    @property
    def document(self) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        self.told.addCallback(results.append)
        (document,) = results
        return document

    @property
    def problem(self) -> Problem:
        failures: list[Failure] = []
        self.told.addErrback(failures.append)
        (failure,) = failures
        assert isinstance(failure.value, Problem)
        return failure.value


def test_a_pick_now_is_that_of_one_worker_which_is_named() -> None:
    asked = Asked(b"service=default")
    asked.answer(1, {"picks": ["of one"]})
    asked.answer(0, {"picks": ["of zero"]})
    assert asked.document == {"worker": 0, "picks": ["of zero"]}


def test_the_last_picks_are_those_of_all_the_latest_first() -> None:
    asked = Asked(b"last=2")
    asked.answer(0, {"remembered_for_seconds": 60.0, "last": [{"at": "12:03"}, {"at": "12:01"}]})
    asked.answer(1, {"remembered_for_seconds": 60.0, "last": [{"at": "12:02"}]})
    assert asked.document == {
        "remembered_for_seconds": 60.0,
        "last": [{"worker": 0, "at": "12:03"}, {"worker": 1, "at": "12:02"}],
    }


def test_a_request_that_one_of_them_remembers_is_found() -> None:
    asked = Asked(b"request_id=a")
    asked.answer(0, Problem(404, "no such request is remembered"))
    asked.answer(1, {"remembered_for_seconds": None, "last": [{"at": "12:02"}]})
    assert asked.document["last"] == [{"worker": 1, "at": "12:02"}]


def test_what_all_of_them_refuse_is_refused() -> None:
    asked = Asked(b"last=-1")
    for number in range(2):
        asked.answer(number, Problem(400, "must be a whole number", field="last"))
    problem = asked.problem
    assert (problem.status, problem.detail, problem.field) == (400, "must be a whole number", "last")


def test_nobody_who_answers_in_time_is_a_503() -> None:
    asked = Asked(b"last=1")
    asked.case.clock.advance(ASK_S)
    assert asked.problem.status == 503


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_what_json_has_no_number_for_is_told_as_null(bad: float) -> None:
    (piece,) = explained(lambda query: {"rif": bad}, b"")
    assert json.loads(piece, parse_constant=lambda name: name) == {"document": {"rif": None}}
