"""What has ended of a grid is kept run by run, and survives whatever ends the process."""

from pathlib import Path

import pytest
from attrs import evolve

from openprequal.simulation.results import from_line, to_line
from openprequal.simulation.unfinished import TakenOver, Unfinished

from .fleets import measured

ONE = evolve(measured("s", "prequal:q_rif=0,probe_rate=1", 0.1, 1), digest="1" * 16)
OTHER = evolve(measured("s", "random", 0.2, 2), digest="2" * 16)
THIRD = evolve(measured("t", "random", 0.3, 1), digest="3" * 16)
WANTED = {ONE.digest, OTHER.digest, THIRD.digest}


@pytest.fixture
def unfinished(tmp_path: Path) -> Unfinished:
    return Unfinished(tmp_path / "new" / "s.unfinished.csv")


def test_nothing_is_taken_over_where_nothing_was_begun(unfinished: Unfinished) -> None:
    assert unfinished.taken_over(WANTED) == TakenOver({}, 0)


def test_each_run_is_there_for_the_next_start_as_soon_as_it_has_ended(unfinished: Unfinished) -> None:
    unfinished.add(ONE)
    assert Unfinished(unfinished.path).taken_over(WANTED) == TakenOver({ONE.digest: ONE}, 0)
    unfinished.add(OTHER)
    assert Unfinished(unfinished.path).taken_over(WANTED) == TakenOver({ONE.digest: ONE, OTHER.digest: OTHER}, 0)


def test_runs_of_other_code_are_counted_and_not_taken(unfinished: Unfinished) -> None:
    for each in (ONE, OTHER, THIRD):
        unfinished.add(each)
    assert unfinished.taken_over({OTHER.digest}) == TakenOver({OTHER.digest: OTHER}, 2)


def test_a_write_that_was_cut_anywhere_costs_that_line_and_no_other(unfinished: Unfinished) -> None:
    unfinished.add(ONE)
    before = len(unfinished.path.read_bytes())
    unfinished.add(OTHER)
    content = unfinished.path.read_bytes()
    for length in range(len(content)):
        unfinished.path.write_bytes(content[:length])
        there = {ONE.digest: ONE} if length >= before else {}
        assert unfinished.taken_over(WANTED) == TakenOver(there, 0), length
        unfinished.add(THIRD)
        assert unfinished.taken_over(WANTED) == TakenOver({**there, THIRD.digest: THIRD}, 0), length


@pytest.mark.parametrize("garbage", [b"\n", b'"', b"\x00\x00", b"\xff\xfe", b"s,random,1", b"," * 40])
def test_lines_that_are_no_runs_are_passed_over(unfinished: Unfinished, garbage: bytes) -> None:
    unfinished.add(ONE)
    with unfinished.path.open("ab") as file:
        file.write(garbage + b"\n")
    unfinished.add(OTHER)
    assert unfinished.taken_over(WANTED) == TakenOver({ONE.digest: ONE, OTHER.digest: OTHER}, 0)


def test_what_is_forgotten_is_gone(unfinished: Unfinished) -> None:
    unfinished.add(ONE)
    unfinished.forget()
    unfinished.forget()
    assert not unfinished.path.exists()


def test_a_line_says_all_of_a_run() -> None:
    again = from_line(to_line(ONE))
    assert again == ONE
    assert again is not None
    assert (again.digest, again.wall_s) == (ONE.digest, ONE.wall_s)
