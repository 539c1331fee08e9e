"""Which settings differ from those a gateway runs with, and which of them can it not take while it runs?"""

from typing import Final

from openprequal.config.gateway import GatewaySettings

LIVE: Final = frozenset(
    (
        # Listening
        *("trusted_proxies", "proxy_protocol_from", "shutdown_grace_seconds"),
        # TLS
        *("tls_certificate", "tls_min_version", "tls_client_certificates", "tls_client_ca_file"),
        "tls_client_subject_header",
        # Registration
        *("token", "token_file", "trust_loopback", "custom_register_hook", "custom_unregister_hook"),
        *("admin_networks", "backend_networks", "backend_sockets"),
        # Balancing, checks and hooks
        *("load_balancer_class", "balancer_parameters", "slow_start_seconds", "services", "routes"),
        *("shadow_balancer", "shadow_balancer_parameters"),
        "explain_requests",
        *("checks", "default_checks"),
        *("hook_timeout_seconds", "custom_path_rewrite", "custom_request_hook", "custom_response_hook"),
        # Responses
        *("compress", "compression", "cors", "error_pages"),
        # Health and metrics
        *("backend_health_path", "health_interval_seconds", "health_timeout_seconds"),
        *("health_rise", "health_fall", "health_jitter", "health_statuses"),
        *("report_format", "backend_probe_path", "report_running_metric", "report_waiting_metric"),
        *("report_poll_seconds", "response_report_strip"),
        # Access log
        *("access_log", "access_log_format", "access_log_sample", "access_log_slow_seconds", "access_log_query"),
        # Limits on clients
        *("request_line_max_bytes", "header_max_bytes", "header_max_fields", "body_max_bytes"),
        *("header_timeout_seconds", "idle_timeout_seconds", "max_connections", "max_connections_per_client"),
        *("max_requests_per_second_per_client", "rate_limits"),
        *("client_min_rate_bytes", "client_rate_window_seconds"),
        # Connections to backends
        *("connect_timeout_seconds", "response_timeout_seconds", "stall_timeout_seconds", "total_timeout_seconds"),
        *("upstream_idle_timeout_seconds", "upstream_max_idle", "upstream_ca_file", "host_header", "forwarded"),
        *("upstream_certificate_file", "upstream_server_name"),
        *("backend_max_in_flight", "queue_max", "queue_timeout_seconds"),
        # Failures
        *("retry_attempts", "retry_statuses", "retry_unsafe", "retry_body_max_bytes", "try_timeout_seconds"),
        *("deadline_header", "retry_budget", "zone_healthy_share"),
        *("eject_after_failures", "eject_error_rate", "eject_seconds", "eject_max_seconds"),
        # Tracing
        *("tracing_endpoint", "tracing_sample", "tracing_parents", "tracing_service_name", "tracing_headers"),
    )
)
"""What a running gateway takes from one request to the next. All others, new ones too until they are listed here, need
a restart: what listens, and what was built for good."""


def changed(old: GatewaySettings, new: GatewaySettings) -> list[str]:
    """Names of the settings that differ, in the order of the documentation."""
    return [name for name in GatewaySettings.model_fields if getattr(old, name) != getattr(new, name)]


def needing_restart(names: list[str]) -> list[str]:
    """Those of *names* that a running gateway cannot take."""
    return [name for name in names if name not in LIVE]
