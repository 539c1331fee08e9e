"""How small can a failing case become and still fail the same way?"""

from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve

from tests.fuzz.case import Answer, Case, End


def minimise(case: Case, fails: Callable[[Case], bool], *, tries: int = 3000) -> Case:
    """The smallest case found from *case* on, of which *fails* still holds; *tries*: of how many at most."""
    while True:
        for smaller in _smaller(case):
            tries -= 1
            if tries < 0:
                return case
            if fails(smaller):
                case = smaller
                break
        else:
            return case


def _smaller(case: Case) -> Iterator[Case]:
    changes: tuple[dict[str, Any], ...] = (
        {"witness": False},
        {"schedule": 0},
        {"dial": "accept"},
        {"hooks": False},
        {"room": None},
        {"slow": ""},
        {"limits": {}},
        {"end": End.KEEP.value},
        {"cuts": ()},
        {"answers": case.answers[:-1]},
    )
    for change in changes:
        if (smaller := evolve(case, **change)) != case:
            yield smaller
    for data in _shorter(case.client):
        yield evolve(case, client=data)
    for cuts in _fewer(case.cuts):
        yield evolve(case, cuts=cuts)
    for number, answer in enumerate(case.answers):
        for simpler in _simpler(answer):
            yield evolve(case, answers=(*case.answers[:number], simpler, *case.answers[number + 1 :]))


def _simpler(answer: Answer) -> Iterator[Answer]:
    changes: tuple[dict[str, Any], ...] = ({"early": False}, {"end": End.KEEP.value}, {"late": b""}, {"cuts": ()})
    for change in changes:
        if (simpler := evolve(answer, **change)) != answer:
            yield simpler
    for data in _shorter(answer.data):
        yield evolve(answer, data=data)
    for cuts in _fewer(answer.cuts):
        yield evolve(answer, cuts=cuts)


def _shorter(data: bytes) -> Iterator[bytes]:
    """Without one of its lines, then without ever smaller pieces."""
    lines = data.splitlines(keepends=True)
    for number in range(len(lines)):
        yield b"".join(lines[:number] + lines[number + 1 :])
    size = len(data) // 2
    while size:
        for at in range(0, len(data), size):
            yield data[:at] + data[at + size :]
        size //= 2


def _fewer(cuts: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(cuts) > 1:
        yield cuts[: len(cuts) // 2]
        yield cuts[len(cuts) // 2 :]
        if len(cuts) <= 20:
            for number in range(len(cuts)):
                yield cuts[:number] + cuts[number + 1 :]
