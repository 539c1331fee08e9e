"""Which paths are the gateway's own? Exact bytes: anything else, however similar, is proxied."""

from typing import Final

OWN_PATHS: Final = frozenset((b"/register", b"/unregister", b"/metrics", b"/healthz", b"/backends", b"/readyz"))
OWN_PREFIX: Final = b"/_openprequal/"


def is_reserved(path: bytes) -> bool:
    """True if a request for *path* is answered by the admin resource."""
    return path in OWN_PATHS or path.startswith(OWN_PREFIX)
