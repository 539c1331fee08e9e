"""Who goes before all others on the machine? Those whose being late would be taken for a proxy's slowness."""

import os
from contextlib import suppress


def take_precedence() -> None:
    """Run this process at real-time priority, where it may have that (``CAP_SYS_NICE``)."""
    with suppress(AttributeError, OSError):  # of the former, a system that has no such priorities
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
