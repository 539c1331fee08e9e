"""Where did a request come from, beyond what its bytes say?"""

from attrs import frozen
from twisted.internet.interfaces import IAddress


@frozen(eq=False)
class Origin:
    """The client's connection, as far as what goes on to the backend depends on it; one for all its requests."""

    secure: bool = False
    """It speaks TLS to us."""
    subject: bytes = b""
    """Of the client's certificate, which was checked; empty: it has none, or nobody is to be told."""
    source: IAddress | None = None
    """The client's end."""
    destination: IAddress | None = None
    """Our end, as the client sees it."""


UNKNOWN = Origin()
