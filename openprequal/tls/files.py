"""Have files changed since they were read? Asked every few seconds, of their directory entries only."""

import os
from collections.abc import Iterable, Mapping

from openprequal.errors import ConfigurationError
from openprequal.tls.certificates import certificate_files

LOOK_S = 3.0

Stamps = Mapping[str, tuple[int, int, int] | None]
"""What is known of each file without reading it; None: it is not there."""


def stamps(paths: Iterable[str]) -> Stamps:
    """How the files that *paths* lead to (see ``certificates``) look from outside."""
    return {file: _stamp(file) for path in paths for file in _files(path)}


def _files(path: str) -> list[str]:
    try:
        return [file for pair in certificate_files(path, "") for file in pair]
    except (ConfigurationError, OSError):
        return [path]


def _stamp(file: str) -> tuple[int, int, int] | None:
    # What a link leads to is what counts: certbot and Kubernetes replace links.
    try:
        status = os.stat(file)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
