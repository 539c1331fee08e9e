"""What is done to responses on their way to clients?"""

from openprequal.config.compression import CompressionSettings
from openprequal.config.cors import CorsSettings
from openprequal.config.schema import ServiceName, Settings, setting

GROUP = "Responses"


class ResponseSettings(Settings):
    """Settings under "Responses"."""

    compress: bool = setting(
        False, "Compress responses on all routes that do not say otherwise (docs/responses.md).", group=GROUP
    )
    compression: CompressionSettings | None = setting(
        None, "How they are compressed.", group=GROUP, text=False, allowed="a table"
    )
    cors: dict[ServiceName, CorsSettings] = setting(
        {},
        "Who of other origins may use what: a table for each name that routes have for it; `default` counts for "
        "those that have none.",
        group=GROUP,
        text=False,
    )
