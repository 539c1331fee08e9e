"""How is a process held to a share of a core, so that a small machine shows what a large one would?"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PERIOD_S: Final = 0.02
"""Short, so that a request does not wait long for the next one."""

_V1: Final = Path("/sys/fs/cgroup/cpu")
_V2: Final = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def held_to(share: float, pids: list[int]) -> Iterator[str]:
    """Each of *pids* gets *share* of a core by itself until the ``with`` ends; with how, for people."""
    with contextlib.ExitStack() as stack:
        try:
            for pid in pids:
                stack.enter_context(_group(share, pid))
            yield "by a group of the kernel's (cgroup) each"
            return
        except OSError:
            stack.close()
        ended = threading.Event()
        stopping = threading.Thread(target=_stop_and_go, args=(share, pids, ended))
        stopping.start()
        stack.callback(stopping.join)
        stack.callback(ended.set)
        yield "by SIGSTOP and SIGCONT"


@contextlib.contextmanager
def _group(share: float, pid: int) -> Iterator[None]:
    """A control group of the processor for *pid* alone.

    :raises OSError: there are none, or we may not.
    """
    period_us = int(PERIOD_S * 1e6)
    quota_us = int(share * period_us)
    first = (_V1 / "cpu.cfs_quota_us").exists()
    parent = _V1 if first else _V2
    group = parent / f"openprequal-bench-{pid}"
    group.mkdir()
    try:
        if first:
            (group / "cpu.cfs_period_us").write_text(str(period_us))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))
        else:
            (group / "cpu.max").write_text(f"{quota_us} {period_us}")
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        with contextlib.suppress(OSError):  # it has ended
            (parent / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def _stop_and_go(share: float, pids: list[int], ended: threading.Event) -> None:
    """Let each run for its share of every period."""
    while not ended.is_set():
        for number, pause_s in ((signal.SIGCONT, share * PERIOD_S), (signal.SIGSTOP, (1 - share) * PERIOD_S)):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            time.sleep(pause_s)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
