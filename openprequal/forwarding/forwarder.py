"""What all exchanges share: the router, the header rules, the time-outs and the clock."""

from collections.abc import Callable

from attrs import field, frozen

from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.retry import RetryRules
from openprequal.http1.request import RequestHead
from openprequal.routing.service import Service


@frozen
class Timeouts:
    """How long an exchange waits, in seconds; None: for ever."""

    response_s: float = 60.0
    """From the last byte sent to the response head (504)."""
    stall_s: float = 60.0
    """Without a byte of either body moving."""
    queue_s: float = 1.0
    """For a backend with room (503)."""
    connect_s: float = 2.0
    """For all connects in a row together, twice this (502, 504)."""
    total_s: float | None = None
    """From the request's head to the response's end."""


@frozen
class Forwarder:
    """Everything an exchange needs that is not its own."""

    now: Callable[[], float]
    """Monotonic seconds."""
    route: Callable[[RequestHead], Service]
    """The service a request belongs to."""
    request_rules: RequestRules
    response_rules: ResponseRules
    timeouts: Timeouts = Timeouts()
    retries: RetryRules = field(factory=RetryRules)
