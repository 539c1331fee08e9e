"""Did a connection fail for want of something of ours? Then it says nothing about the backend."""

from errno import EADDRNOTAVAIL, EMFILE, ENFILE, ENOBUFS, ENOMEM
from typing import Final

from twisted.internet.error import ConnectBindError, ConnectError

_OURS: Final = frozenset((EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL))
"""No descriptor, memory or local port was left."""


def is_own_shortage(reason: object) -> bool:
    """Whether *reason*, why a connection could not be made, is that this machine had run out of something."""
    # Twisted says so if there was no socket to begin with.
    if isinstance(reason, ConnectBindError):
        return True
    number = reason.osError if isinstance(reason, ConnectError) else getattr(reason, "errno", None)
    return number in _OURS
