"""Has our parent just started processes that are about to take our place?

A server that reloads starts its new workers and tells the old ones to end, at once, while the new ones still import the
application. To an old one this looks as if all were to end; what tells the difference is who its parent's children are.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

YOUNG_S: Final = 5.0
"""Who started earlier than so many seconds ago is no replacement for somebody who is told to end now."""

_PROCESSES: Final = Path("/proc")
_PARENT, _STARTED = 1, 19
"""Places of these fields of ``/proc/PID/stat`` behind the name (proc_pid_stat(5))."""


def coming(joined: Collection[int], processes: Path = _PROCESSES) -> bool:
    """True if our parent has young children that have not *joined* (process ids). False where there is no /proc."""
    try:
        up_s = float((processes / "uptime").read_text().split()[0])
        parent = str(os.getppid())
        pids = [entry.name for entry in processes.iterdir() if entry.name.isdigit() and int(entry.name) not in joined]
    except OSError:
        return False
    return any(_is_young_child(processes / pid / "stat", parent, up_s) for pid in pids)


def _is_young_child(stat: Path, parent: str, up_s: float) -> bool:
    try:
        fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        started_s = int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):  # it is gone
        return False
    return fields[_PARENT] == parent and fields[0] != "Z" and up_s - started_s < YOUNG_S
