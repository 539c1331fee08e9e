"""What one health check says about a backend."""

from openprequal.upstream.fetch import Answer
from openprequal.values import Backend


def failure_of(backend: Backend, result: Answer | Exception) -> str | None:
    """Why the check failed, for people; None if it passed.

    A health path that the registration named must answer 2xx or 3xx. Where none was named, the backend may know nothing
    of the default one: then any answer below 500 shows that it serves.
    """
    if isinstance(result, Exception):
        return f"no answer: {result or type(result).__name__}"
    if result.status < 400 or (backend.health_path is None and result.status < 500):
        return None
    return f"answered {result.status}"
