"""Where are results kept, and which of them need not be run again?"""

import sys
from collections.abc import Sequence
from pathlib import Path

from openprequal.simulation.grid import Cell, run_all
from openprequal.simulation.results import Results, read, write
from openprequal.simulation.unfinished import Unfinished


def run_kept(grid: Sequence[Cell], jobs: int, title: str, csv: Path | None) -> Results:
    """Run all of *grid*, and keep what came of it.

    :param jobs: processes.
    :param title: of the grid, for whoever looks on.
    :param csv: where to; None: nowhere. Until all have ended, each that has is in a file beside it, from which the next
        start goes on.
    """
    if csv is None:
        return Results(run_all(grid, jobs, title))
    unfinished = Unfinished(csv.with_suffix(".unfinished.csv"))
    runs = run_all(grid, jobs, title, unfinished)
    write(csv, runs)
    unfinished.forget()
    return Results(runs)


def reused_from(csv: Path, title: str, grid: Sequence[Cell]) -> Results:
    """What *csv* has, whatever it came from; told where that is not what *grid* would be run with.

    :raises ConfigurationError: it holds something else than results.
    """
    runs = read(csv)
    digests = {cell.digest for cell in grid}
    others = sum(run.digest not in digests for run in runs)
    told = f"; {others} of them are not known to be of this code and these settings" if others else ""
    sys.stderr.write(f"{title}: {len(runs)} runs are taken over from {csv}{told}\n")
    return Results(runs)
