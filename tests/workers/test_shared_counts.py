"""Each worker counts in its own row, sees what the others count, and a dead one's row is cleared."""

import os

from openprequal.workers.counts import ACCEPTING, CONNECTIONS, Cells, CountsMap, OwnCounts, made

CELLS = 6


def test_what_one_process_counts_another_sees() -> None:
    descriptor = made(2, CELLS)
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        OwnCounts(CountsMap(descriptor, 2, CELLS), 1).own[3] += 41
        os.write(writing, b"x")
        os._exit(0)
    assert os.read(reading, 1) == b"x"
    os.waitpid(pid, 0)
    for each in (reading, writing):
        os.close(each)
    own = OwnCounts(CountsMap(descriptor, 2, CELLS), 0)
    own.own[3] = 1
    assert own.elsewhere(3) == 41
    os.close(descriptor)


def test_a_row_that_is_cleared_leaves_the_others_alone() -> None:
    counts = CountsMap(made(3, CELLS), 3, CELLS)
    for row in counts.rows:
        row[4] = 5
    counts.clear(1)
    assert counts.total(4) == 10


def test_only_those_who_accept_are_waited_for() -> None:
    counts = CountsMap(made(3, CELLS), 3, CELLS)
    counts.rows[1][CONNECTIONS] = 4
    counts.rows[1][ACCEPTING] = 1
    counts.rows[2][CONNECTIONS] = 9
    assert list(OwnCounts(counts, 0).accepting()) == [4]


def test_a_cell_is_given_again_only_when_nothing_is_counted_in_it() -> None:
    counts = CountsMap(made(2, CELLS), 2, CELLS)
    cells = Cells(counts)
    given = [cells.of(f"default/{number}") for number in range(CELLS - 2)]
    assert sorted(filter(None, given)) == list(range(2, CELLS))
    assert cells.of("one too many") is None
    cells.left("default/0")
    assert given[0] is not None
    counts.rows[1][given[0]] = 1
    assert cells.of("next") is None
    counts.rows[1][given[0]] = 0
    assert cells.of("next") == given[0]
    assert cells.of("next") == given[0]
