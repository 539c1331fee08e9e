"""How are many runs done, on several cores, so that what comes out is the same in whatever order they end?"""

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from multiprocessing import parent_process
from threading import Thread
from typing import Any

from attrs import evolve, frozen

from openprequal.simulation.measured import Measured
from openprequal.simulation.origin import digest
from openprequal.simulation.run import Rule, run
from openprequal.simulation.scenario import Scenario
from openprequal.simulation.unfinished import Unfinished


@frozen
class Cell:
    """One run to be done."""

    scenario: Scenario
    rule: Rule
    seed: int

    @property
    def digest(self) -> str:
        """The same as long as what comes out is the same."""
        return digest(self.scenario, self.rule, self.seed)


def cells(scenarios: Iterable[Scenario], rules: Sequence[Rule], seeds: Sequence[int]) -> list[Cell]:
    """Every scenario with every rule and every seed."""
    return [Cell(scenario, rule, seed) for scenario in scenarios for rule in rules for seed in seeds]


def run_all(grid: Sequence[Cell], jobs: int, title: str = "", unfinished: Unfinished | None = None) -> list[Measured]:
    """Run all of *grid*; the results are in its order, and do not depend on *jobs*.

    :param jobs: processes; 1: none but this one.
    :param title: of the progress bar, which is shown on a terminal.
    :param unfinished: has what need not be run again, and is given each result when it is there.
    """
    digests = [cell.digest for cell in grid]
    results = {} if unfinished is None else _taken_over(digests, title, unfinished)
    # The longest first: the last to end then is a short one.
    todo = sorted(set(range(len(grid))) - results.keys(), key=lambda index: (-grid[index].scenario.requests, index))
    with _progress(len(grid), len(results), title) as ended:
        for index, measured in _ended([(index, grid[index]) for index in todo], jobs):
            results[index] = measured = evolve(measured, digest=digests[index])
            if unfinished is not None:
                unfinished.add(measured)
            ended()
    return [results[index] for index in range(len(grid))]


def _taken_over(digests: Sequence[str], title: str, unfinished: Unfinished) -> dict[int, Measured]:
    there = unfinished.taken_over(set(digests))
    if there.runs or there.others:
        others = f"; {there.others} there are of other code or settings" if there.others else ""
        runs = f"{len(there.runs)} of {len(digests)} runs"
        sys.stderr.write(f"{title}: {runs} are taken over from {unfinished.path}{others}\n")
    return {index: there.runs[each] for index, each in enumerate(digests) if each in there.runs}


def _ended(todo: Sequence[tuple[int, Cell]], jobs: int) -> Iterator[tuple[int, Measured]]:
    """The number and the result of each cell, when it has been run."""
    if jobs <= 1:
        for index, cell in todo:
            yield index, run(cell.scenario, cell.rule, cell.seed)
        return
    with ProcessPoolExecutor(jobs, initializer=_begin_worker) as pool:
        waiting: dict[Future[Measured], int] = {}
        try:
            for index, cell in todo:
                waiting[pool.submit(run, cell.scenario, cell.rule, cell.seed)] = index
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin_worker() -> None:
    # Ctrl-C reaches all processes of a terminal; one that tells of it is enough.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that is killed tells nobody: its workers would finish what they have, and then wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _progress(total: int, there: int, title: str) -> AbstractContextManager[Callable[[], Any]]:
    """Something to call at the end of each run, which shows how far we are if a person looks on."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            told = f"{title} ({there} taken over)" if there else title
            return _Bar(tqdm(total=total, initial=there, desc=told, unit="run", file=sys.stderr))
    return nullcontext(lambda: None)


class _Bar(AbstractContextManager[Callable[[], Any]]):
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __enter__(self) -> Callable[[], Any]:
        return self._bar.update  # type: ignore[no-any-return]

    def __exit__(self, *raised: object) -> None:
        self._bar.close()
