"""Every error the gateway answers a client with, and the HTTP status each becomes.

The message of an error is for the log; only its ``status`` and ``title`` reach the client.
"""

from collections.abc import Collection
from difflib import get_close_matches

KeyPath = tuple[str | int, ...]
"""The way to a setting in a file: keys of tables, and places in lists from 0."""


class GatewayError(Exception):
    """Something that ends a request with a problem document (RFC 9457)."""

    status: int = 500
    title: str = "Internal error"
    request_id = b""
    """X-Request-Id that a backend saw, if the request brought none and came that far."""


class BadRequest(GatewayError):
    """The client's message is not HTTP, or two parsers could read it differently (RFC 9112)."""

    status = 400
    title = "Bad request"


class NoRoute(GatewayError):
    """There are routes, and none of them takes the request."""

    status = 404
    title = "Not found"


class NotAdmitted(GatewayError):
    """A check does not let the request through."""

    def __init__(self, status: int, title: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title


class RequestTimeout(GatewayError):
    """The client took too long to send its request (RFC 9110 section 15.5.9)."""

    status = 408
    title = "Request timed out"


class ContentTooLarge(GatewayError):
    """The request's body is over the limit (RFC 9110 section 15.5.14)."""

    status = 413
    title = "Content too large"


class TargetTooLong(GatewayError):
    """The request line is over the limit (RFC 9110 section 15.5.15)."""

    status = 414
    title = "URI too long"


class HeaderTooLarge(GatewayError):
    """The header section has too many fields or bytes (RFC 6585 section 5)."""

    status = 431
    title = "Request header fields too large"


class TooManyRequests(GatewayError):
    """A rate limit, or too many connections of one client (RFC 6585 section 4)."""

    status = 429
    title = "Too many requests"

    def __init__(self, reason: str, wait_s: float = 1.0) -> None:
        """:param wait_s: seconds until it may be tried again."""
        super().__init__(reason)
        self.wait_s = wait_s


class HookFailed(GatewayError):
    """A user's hook raised or took too long; the log has the cause."""

    status = 500
    title = "Internal error"


class NotImplementedHere(GatewayError):
    """A transfer coding or method this gateway does not take (RFC 9110 section 15.6.2)."""

    status = 501
    title = "Not implemented"


class BadGateway(GatewayError):
    """No backend accepted the request, or one broke before its response head (RFC 9110 section 15.6.3)."""

    status = 502
    title = "Bad gateway"


class NoBackend(GatewayError):
    """No backend of the service may be picked now."""

    status = 503
    title = "No backend available"


class ServiceBusy(GatewayError):
    """Every backend is at its limit, and the service's queue is full or was waited in too long."""

    status = 503
    title = "Service busy"


class BackendTimeout(GatewayError):
    """The backend took too long (RFC 9110 section 15.6.5)."""

    status = 504
    title = "Backend timed out"


class VersionNotSupported(GatewayError):
    """Not HTTP/1.0 or HTTP/1.1 (RFC 9110 section 15.6.6)."""

    status = 505
    title = "HTTP version not supported"


class LoopDetected(GatewayError):
    """The request has passed this gateway before: our own pseudonym is in Via (RFC 9110 section 7.6.3)."""

    status = 508
    title = "Loop detected"


class RegistrationRefused(Exception):
    """A registration that cannot be taken; carries the status, the offending field and a reason for the caller.

    Hooks raise it to refuse; its reason reaches the caller of ``/register``.
    """

    def __init__(self, reason: str, *, field: str | None = None, status: int = 400) -> None:
        """:raises ValueError: *status* is no error status, 400 to 599."""
        if status not in range(400, 600):
            raise ValueError(f"a refusal needs a status from 400 to 599, not {status!r}")
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.status = status


class ConfigurationError(Exception):
    """Settings that cannot be used: a line for each, naming the setting, the value and what is allowed.

    :ivar about: the way to the one setting it is about, by keys and indices; empty if there are several, or the reason
        names it.
    :ivar reason: what is wrong, without the setting.
    """

    def __init__(self, reason: str, *, about: KeyPath = ()) -> None:
        super().__init__(f"{dotted(about)}: {reason}" if about else reason)
        self.about = about
        self.reason = reason

    @property
    def lines(self) -> list[str]:
        """One for each mistake."""
        return str(self).splitlines()


class NeedsRestart(ConfigurationError):
    """Settings that a running gateway cannot take; named in one line."""


def dotted(path: KeyPath) -> str:
    """*path* for people, like ``services.api.queue_max`` or ``routes[2].match``; on one line whatever the keys are."""
    names = (f"[{key}]" if isinstance(key, int) else f".{key if key.isprintable() else repr(key)}" for key in path)
    return "".join(names).removeprefix(".")


def suggestion(name: str, known: Collection[str]) -> str:
    """``; did you mean x?`` if something in *known* is close to *name*, else nothing."""
    close = nearest(name, known)
    return f"; did you mean {close}?" if close else ""


def nearest(name: str, known: Collection[str]) -> str | None:
    """What in *known* is close to *name*; None if nothing is."""
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.6)), None)
