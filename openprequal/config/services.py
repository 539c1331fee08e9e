"""What may be said of one service, and what follows from that and from what is said of all?"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from attrs import frozen
from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from openprequal.config.schema import FieldName, Path, matching
from openprequal.values import ReportFormat

FormatName = Literal[
    "auto",
    "none",
    "openprequal",
    "prequal-rs",
    "openprequal-fastapi",
    "libvmod-prequal",
    "json",
    "orca",
    "prometheus",
    "vllm",
    "sglang",
    "llamacpp",
]


STICKY_ALLOWED = "no, cookie, client or header:NAME"
PollSeconds = Annotated[float, Field(ge=0.02)]


def _max_in_flight(value: object) -> object:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value is None or value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError("auto or a whole number of at least 1")


# A validator of its own: pydantic would tell of each member of the union what is wrong with it.
MaxInFlight = Annotated[int | Literal["auto"] | None, PlainValidator(_max_in_flight)]


@frozen
class InferenceServer:
    """What is known of a server whose load is the requests it runs and those that wait for it."""

    running: str
    """Its metric of the former,"""
    waiting: str
    """and of the latter."""


INFERENCE_SERVERS: Mapping[str, InferenceServer] = {
    "vllm": InferenceServer("vllm:num_requests_running", "vllm:num_requests_waiting"),
    "sglang": InferenceServer("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    "llamacpp": InferenceServer("llamacpp:requests_processing", "llamacpp:requests_deferred"),
}
"""Presets: report formats that say more than how the report is written."""

INFERENCE_BALANCER = "least_rif"
"""Whose answer begins late says how long the queue was when it came, and of the others nothing: running and waiting
requests alone are what to go by (docs/benchmarks.md)."""

INFERENCE_POLL_S = 0.25
"""As often as such a server can make its page for several gateways without noticing."""


Sticky = Annotated[str, matching(r"no|cookie|client|header:[!#$%&'*+.^_`|~0-9A-Za-z-]+", STICKY_ALLOWED)]


class ServiceSettings(BaseModel):
    """One service, ``[services.NAME]`` in the file; what it leaves out is as for the gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_balancer_class: str | None = None
    balancer_parameters: dict[str, Any] | None = None
    backend_health_path: Path | None = None
    report_format: FormatName | None = None
    backend_probe_path: Path | None = None
    report_running_metric: str | None = None
    report_waiting_metric: str | None = None
    report_poll_seconds: PollSeconds | None = None
    service_max_in_flight: MaxInFlight = None
    sticky: Sticky | None = None
    sticky_cookie: FieldName | None = None


@frozen
class EffectiveService:
    """A service with everything filled in that its own settings leave out."""

    load_balancer_class: str
    balancer_parameters: Mapping[str, Any]
    backend_health_path: str
    report_format: ReportFormat
    backend_probe_path: str | None
    """None: the health path."""
    report_running_metric: str | None
    report_waiting_metric: str | None
    report_poll_seconds: float | None
    """Every backend is asked once in so long; None: as the balancer asks."""
    service_max_in_flight: int | Literal["auto"] | None
    sticky: str
    """How sessions are told apart: no, cookie, client or header:NAME."""
    sticky_cookie: str
    """Name of the cookie."""
