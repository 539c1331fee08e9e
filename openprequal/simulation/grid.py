"""How are many runs done, on several cores, so that what comes out is the same in whatever order they end?"""

import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from attrs import frozen

from openprequal.simulation.measured import Measured
from openprequal.simulation.run import Rule, run
from openprequal.simulation.scenario import Scenario


@frozen
class Cell:
    """One run to be done."""

    scenario: Scenario
    rule: Rule
    seed: int


def cells(scenarios: Iterable[Scenario], rules: Sequence[Rule], seeds: Sequence[int]) -> list[Cell]:
    """Every scenario with every rule and every seed."""
    return [Cell(scenario, rule, seed) for scenario in scenarios for rule in rules for seed in seeds]


def run_all(grid: Sequence[Cell], jobs: int, title: str = "") -> list[Measured]:
    """Run all of *grid*; the results are in its order, and do not depend on *jobs*.

    :param jobs: processes; 1: none but this one.
    :param title: of the progress bar, which is shown on a terminal.
    """
    with _progress(len(grid), title) as ended:
        if jobs <= 1:
            return [_followed(cell, ended) for cell in grid]
        with ProcessPoolExecutor(jobs, initializer=_interruptible) as pool:
            waiting: dict[Future[Measured], int] = {}
            try:
                # The longest first: the last to end then is a short one.
                for index in sorted(range(len(grid)), key=lambda index: -grid[index].scenario.requests):
                    cell = grid[index]
                    waiting[pool.submit(run, cell.scenario, cell.rule, cell.seed)] = index
                results: dict[int, Measured] = {}
                for future in as_completed(waiting):
                    results[waiting[future]] = future.result()
                    ended()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return [results[index] for index in range(len(grid))]


def _interruptible() -> None:
    # Ctrl-C reaches all processes of a terminal; one that tells of it is enough.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _followed(cell: Cell, ended: Callable[[], Any]) -> Measured:
    measured = run(cell.scenario, cell.rule, cell.seed)
    ended()
    return measured


def _progress(total: int, title: str) -> AbstractContextManager[Callable[[], Any]]:
    """Something to call at the end of each run, which shows how far we are if a person looks on."""
    if sys.stderr.isatty():
        try:
            from tqdm import tqdm
        except ImportError:
            pass
        else:
            return _Bar(tqdm(total=total, desc=title, unit="run", file=sys.stderr))
    return nullcontext(lambda: None)


class _Bar(AbstractContextManager[Callable[[], Any]]):
    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __enter__(self) -> Callable[[], Any]:
        return self._bar.update  # type: ignore[no-any-return]

    def __exit__(self, *raised: object) -> None:
        self._bar.close()
