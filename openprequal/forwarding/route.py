"""What is the same for all requests of a route: its service, the rules for heads, the time-outs, the retries."""

from collections.abc import Callable

from attrs import field, frozen

from openprequal.forwarding.field_edits import FieldEdits
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.retry import RetryRules
from openprequal.http1.fields import Field
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
class Route:
    """Everything an exchange needs that is not its own. Which route a request takes is decided before there is one."""

    now: Callable[[], float]
    """Monotonic seconds."""
    service: Service
    """Whose backends answer; a retry stays among them."""
    request_rules: RequestRules
    response_rules: ResponseRules
    timeouts: Timeouts = Timeouts()
    retries: RetryRules = field(factory=RetryRules)
    target: Callable[[RequestHead], bytes] | None = None
    """The target to send, query included; None: the client's."""
    request_edits: FieldEdits | None = None
    """What becomes of the client's fields, before the rules; None: nothing."""
    response_edits: FieldEdits | None = None
    """What becomes of the final response's fields; None: what becomes of all (``forwarding/response_head.py``)."""
    counted: Callable[[int], None] | None = None
    """Counts the status a request of this route ended with; None: the service's count says it all."""

    def changed(self, request: RequestHead) -> tuple[bytes, list[Field]]:
        """Target and fields of *request* as this route would have them."""
        target = request.target if self.target is None else self.target(request)
        edits = self.request_edits
        return target, request.head_fields if edits is None else edits.of_fields(request.head_fields, request)
