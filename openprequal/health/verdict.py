"""What one health check says about a backend."""

from openprequal.upstream.fetch import Answer
from openprequal.values import Backend


def failure_of(backend: Backend, result: Answer | Exception, statuses: frozenset[int] | None = None) -> str | None:
    """Why the check failed, for people; None if it passed.

    A health path that the registration named must answer 2xx or 3xx. Where none was named, the backend may know nothing
    of the default one: then any answer below 500 shows that it serves.

    :param statuses: those that pass, and no other; None: as above.
    """
    if isinstance(result, Exception):
        return f"no answer: {result or type(result).__name__}"
    if statuses is not None:
        return None if result.status in statuses else f"answered {result.status}"
    if result.status < 400 or (backend.health_path is None and result.status < 500):
        return None
    return f"answered {result.status}"
