"""Which trials are there, and are their figures as they should be?"""

import asyncio
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from openprequal.bench.faults.emptied import emptied
from openprequal.bench.faults.failing import failing
from openprequal.bench.faults.figure import Figure
from openprequal.bench.faults.killed import killed
from openprequal.bench.faults.overloaded import overloaded
from openprequal.bench.faults.poisoned import poisoned

Trial = Callable[..., Coroutine[Any, Any, list[Figure]]]
TRIALS: dict[str, tuple[Trial, float]] = {
    "killed": (killed, 60.0),
    "failing": (failing, 10.0),
    "poisoned": (poisoned, 10.0),
    "overloaded": (overloaded, 10.0),
    "emptied": (emptied, 30.0),
}
"""By name, with its usual length in seconds."""


def report(names: list[str], scale: float, flags: list[str]) -> bool:
    """Run the trials and print a line for each figure; True if all are as they should be.

    :param scale: how much longer than usual each takes.
    :param flags: of the gateway.
    :raises StartFailed: a program does not start.
    """
    good = True
    for name in names:
        trial, seconds = TRIALS[name]
        sys.stdout.write(f"{name}: {(trial.__doc__ or '').splitlines()[0]}\n")
        with tempfile.TemporaryDirectory(prefix="openprequal-faults-") as folder:
            figures = asyncio.run(trial(Path(folder), seconds * scale, *flags))
        for figure in figures:
            sys.stdout.write(f"  {figure}\n")
            good = good and figure.good
        sys.stdout.flush()
    return good
