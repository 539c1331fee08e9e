"""What happens to requests when backends fail or are too many for them?"""

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from openprequal.config.schema import FieldName, Settings, setting
from openprequal.config.statuses import ErrorStatuses

GROUP = "Failures and overload"


def _max_in_flight(value: object) -> object:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value is None or value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError("auto or a whole number of at least 1")


# A validator of its own: pydantic would tell of each member of the union what is wrong with it.
MaxInFlight = Annotated[
    int | Literal["auto"] | None,
    PlainValidator(_max_in_flight, json_schema_input_type=Annotated[int, Field(ge=1)] | Literal["auto"] | None),
]


class ServiceFailures(Settings):
    """What a service may have of its own under "Failures and overload"."""

    zone_healthy_share: float = setting(
        0.5,
        "Share of a zone's backends, or of a priority's, that must be healthy, or the next is used too.",
        group=GROUP,
        gt=0,
        le=1,
    )
    eject_after_failures: int | None = setting(
        5,
        "Failures in a row, while its peers do not fail alike, after which a backend gets no requests for a while; "
        "none: nobody is ejected.",
        group=GROUP,
        ge=1,
    )
    eject_error_rate: float = setting(
        0.5, "The same by the share that fails, if above twice its peers'.", group=GROUP, gt=0, le=1
    )
    eject_seconds: float = setting(
        10.0, "Seconds of the first ejection; each that follows soon is twice as long.", group=GROUP, gt=0
    )
    eject_max_seconds: float = setting(300.0, "Seconds of the longest.", group=GROUP, gt=0)
    service_max_in_flight: MaxInFlight = setting(
        None,
        "Requests under way to all backends of a service; beyond it they wait in its queue or get 503. auto: found by "
        "the latency; none: no limit.",
        group=GROUP,
        allowed="auto or a whole number of at least 1",
    )
    retry_budget: float = setting(
        0.2,
        "Share of requests that may be sent again, refused connects included, with 3 a second at least; 0: none.",
        group=GROUP,
        ge=0,
        le=1,
    )
    hedge_percentile: float | None = setting(
        None,
        "Ask a second backend when a response takes longer than so many percent do, within retry_budget; none: never.",
        group=GROUP,
        ge=1,
        le=99.9,
    )


class FailureSettings(ServiceFailures):
    """Settings under "Failures and overload"."""

    error_pages: str | None = setting(
        None,
        "Directory of pages for errors, 503.html, 5xx.html or 503.json; none: problem documents (RFC 9457).",
        group=GROUP,
    )
    zone: str | None = setting(
        None, "Where this gateway is: backends that registered the same zone, or none, come first.", group=GROUP
    )
    deadline_header: FieldName | None = setting(
        None,
        "Field, like X-Deadline-Ms, that tells backends how many milliseconds are left for a request; none: none.",
        group=GROUP,
        allowed="a field name",
    )
    retry_attempts: int = setting(
        2,
        "Further backends tried when one breaks before its response, if the request may be repeated.",
        group=GROUP,
        ge=0,
    )
    retry_statuses: ErrorStatuses = setting(
        (),
        "Status of a response after which another backend is tried, like 502-504.",
        group=GROUP,
        allowed="status codes like 503, or ranges like 502-504, all from 500",
    )
    retry_unsafe: Literal["no", "keyed", "yes"] = setting(
        "no",
        "Repeat POST and PATCH too; keyed: those with an Idempotency-Key.",
        group=GROUP,
    )
    retry_body_max_bytes: int = setting(
        65_536, "Bytes of a request body that are kept to be sent again.", group=GROUP, ge=0
    )
    try_timeout_seconds: float | None = setting(
        None,
        "Seconds without a response head after which another backend is tried, if one may; none: never.",
        group=GROUP,
        gt=0,
    )
