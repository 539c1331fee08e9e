"""Which requests are told to a collector of traces, and where is it?"""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, SecretStr

from openprequal.config.schema import FIELD_NAME, Matching, Settings, SplitTexts, setting

GROUP = "Tracing"

_HEADER: Final = re.compile(rf"({FIELD_NAME})=([!-~]+(?: +[!-~]+)*)")
_HEADERS_ALLOWED: Final = "NAME=VALUE, several with commas"


def _check_headers(headers: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not all(_HEADER.fullmatch(header.get_secret_value()) for header in headers):
        raise ValueError(_HEADERS_ALLOWED)
    return headers


Headers = Annotated[tuple[SecretStr, ...], SplitTexts, AfterValidator(_check_headers)]
CollectorUrl = Annotated[
    str,
    Matching(
        r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[!-\"$-~]*)?",
        "a URL like http://localhost:4318, without a user",
    ),
]


class TracingSettings(Settings):
    """Settings under "Tracing"."""

    tracing_endpoint: CollectorUrl | None = setting(
        None,
        "URL of a collector that takes OTLP over HTTP, like http://localhost:4318 (/v1/traces if there is no path); "
        "none: requests are not traced.",
        group=GROUP,
        allowed="a URL like http://localhost:4318, without a user",
    )
    tracing_sample: float = setting(
        1.0,
        "Share of requests that are recorded, if they do not bring a trace that is believed.",
        group=GROUP,
        ge=0,
        le=1,
    )
    tracing_parents: Literal["trusted", "all", "none"] = setting(
        "trusted",
        "Whose traceparent is believed: of trusted_proxies, all clients or none. Of others a trace begins here.",
        group=GROUP,
    )
    tracing_service_name: str = setting("openprequal", "What this gateway is called in traces.", group=GROUP)
    tracing_headers: Headers = setting(
        (),
        "Header fields, NAME=VALUE with commas, that are sent to the collector.",
        group=GROUP,
        secret=True,
        allowed=_HEADERS_ALLOWED,
    )

    @property
    def traces_url(self) -> str | None:
        """Where spans are posted; None: nowhere."""
        url = self.tracing_endpoint
        if url is None:
            return None
        scheme, _, rest = url.partition("://")
        authority, _, path = rest.partition("/")
        return url if path else f"{scheme}://{authority}/v1/traces"

    @property
    def tracing_fields(self) -> tuple[tuple[str, str], ...]:
        """The header fields that are sent to the collector."""
        pairs = [header.get_secret_value().partition("=") for header in self.tracing_headers]
        return tuple((name, value) for name, _, value in pairs)
