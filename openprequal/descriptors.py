"""How many descriptors may this process have, and how many clients does that allow?

A gateway that gives its last descriptor to a client reaches no backend any more, and takes them all for dead. So
clients get three eighths of them, backends as many, and the rest is for listeners, checks, logs and those turned away.
"""

import contextlib
import resource

from twisted.logger import Logger

_log = Logger()


def raise_limit() -> None:
    """Let this process have as many as the system allows it, for its lifetime."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Refused where "no limit" is more than the kernel's own.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def clients_allowed(wanted: int) -> int:
    """How many client connections there may be: *wanted*, or fewer if there are not descriptors enough."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY or limit * 3 // 8 >= wanted:
        return wanted
    allowed = max(1, limit * 3 // 8)
    _log.warn(
        "{limit} open files are allowed (ulimit -n): at most {allowed} client connections, not {wanted}",
        limit=limit,
        allowed=allowed,
        wanted=wanted,
    )
    return allowed
