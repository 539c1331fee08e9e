"""How are backends checked, and how do they report their load?"""

from openprequal.config.report_presets import FormatName
from openprequal.config.schema import Path, Settings, setting
from openprequal.config.statuses import Statuses

GROUP = "Health and metrics"


class ServiceHealth(Settings):
    """What a service may have of its own under "Health and metrics"."""

    backend_health_path: Path = setting(
        "/healthz",
        "Path that health checks ask for.",
        group=GROUP,
        env="BACKEND_HEALTH_PATH",
    )
    health_interval_seconds: float = setting(5.0, "Seconds between two checks of a backend.", group=GROUP, gt=0)
    health_timeout_seconds: float = setting(2.0, "Seconds a check may take.", group=GROUP, gt=0)
    health_rise: int = setting(1, "Passed checks in a row that bring a backend up.", group=GROUP, ge=1)
    health_fall: int = setting(2, "Failed checks in a row that take it down.", group=GROUP, ge=1)
    health_jitter: float = setting(0.2, "Share of the interval by which intervals differ.", group=GROUP, ge=0, le=1)
    health_statuses: Statuses = setting(
        (),
        "Status that a check must be answered with; none: 2xx and 3xx, and 4xx where no health path was registered.",
        group=GROUP,
        allowed="status codes like 200, or ranges like 200-299",
    )
    report_format: FormatName = setting(
        "auto",
        "How backends report their load; auto: whatever is recognised, none: nothing is believed. With vllm, sglang and"
        " llamacpp their metrics are polled, and the balancer is least_rif unless you name one.",
        group=GROUP,
    )
    backend_probe_path: Path | None = setting(
        None,
        "Path that probes ask for where a registration names none; none: the report format's own, or the health path.",
        group=GROUP,
    )
    report_running_metric: str | None = setting(
        None, "Metric that tells how many requests a backend runs; none: those of known servers.", group=GROUP
    )
    report_waiting_metric: str | None = setting(
        None, "Metric that tells how many wait there, to be added; none: no such metric.", group=GROUP
    )
    report_poll_seconds: float | None = setting(
        None,
        "Seconds between two probes of a backend, whatever the balancer asks for; none: as it asks, and 0.25 with vllm,"
        " sglang and llamacpp.",
        group=GROUP,
        ge=0.02,
    )


class HealthSettings(ServiceHealth):
    """Settings under "Health and metrics"."""

    latency_window_seconds: float = setting(
        300.0,
        "Seconds that the averages in /metrics and /backends look back; never used to balance.",
        group=GROUP,
        env="LATENCY_WINDOW_SECONDS",
        gt=0,
    )
    response_report_strip: bool = setting(
        True, "Remove load reports from responses before clients see them.", group=GROUP
    )
