"""What is a worker told when it is started, and how does it become one?"""

import json
import os
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final

from attrs import asdict, frozen

VARIABLE: Final = "_OPENPREQUAL_WORKER"
"""The environment variable that says it. It is taken out at once: children of the worker are none."""

CHANNEL: Final = 3
COUNTS: Final = 4
FIRST_LISTENING: Final = 5
"""Descriptors in a worker."""


@frozen
class Place:
    """Which worker a process is, and what it was handed."""

    index: int
    """From 0; its row in the map of counts."""
    workers: int
    cells: int
    """Of a row."""
    listening: Mapping[str, int]
    """Descriptors of listening sockets, by the endpoint string each was made from."""
    pseudonym: str
    """What the gateway calls itself in Via."""
    secret: str
    """What all workers may keep secret together: it makes session cookies, where the settings have no keys."""
    demo_token: str | None = None
    """Valid beside those of the settings; None: there is none."""

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def taken_from(cls, environ: MutableMapping[str, str]) -> "Place | None":
        """What the environment says, and says from now on no longer; None: this is no worker."""
        text = environ.pop(VARIABLE, None)
        return cls(**json.loads(text)) if text else None


def become_worker(twistd: MutableMapping[str, Any]) -> None:
    """Let a twistd of the parent's command line run as its child.

    It is no daemon, has no pidfile, keeps the rights it was started with, and logs where its parent reads.
    """
    twistd.update(nodaemon=True, pidfile="", uid=None, gid=None, chroot=None)
    twistd.update(syslog=False, logfile="-", logger="openprequal.workers.log.observer")
    # What a terminal sends to all of its processes (Ctrl-C) is the parent's to hear, which tells us.
    with suppress(OSError):
        os.setsid()
