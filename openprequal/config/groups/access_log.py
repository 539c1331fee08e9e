"""Which requests are written down, and how?"""

from openprequal.config.schema import Settings, setting

GROUP = "Access log"


class AccessLogSettings(Settings):
    """Settings under "Access log"."""

    access_log: str | None = setting(
        None,
        "Where requests are written down (docs/access-log.md); none: nowhere.",
        group=GROUP,
        allowed="stdout, syslog:HOST, syslog:/dev/log, or a file",
        min_length=1,
    )
    access_log_format: str = setting(
        "json", "How.", group=GROUP, allowed="json, combined, or a text with fields like {status}"
    )
    access_log_sample: float = setting(
        1.0,
        "Share of the requests written down; those that failed (500 and above, or broken) or were slow all are.",
        group=GROUP,
        ge=0,
        le=1,
    )
    access_log_slow_seconds: float | None = setting(
        None, "Seconds from which a request is slow; none: none is.", group=GROUP, gt=0
    )
    access_log_query: bool = setting(
        True, "Write down the query of targets and Referer; it may hold secrets.", group=GROUP
    )
