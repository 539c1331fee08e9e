"""Who chooses a backend, and whose code is called on the way?"""

from typing import Any

from openprequal.config.schema import Settings, setting

GROUP = "Balancing and hooks"


class ServiceBalancing(Settings):
    """What a service may have of its own under "Balancing and hooks"."""

    load_balancer_class: str = setting(
        "Prequal",
        "Balancer: Prequal, RoundRobin, another of docs/balancers.md, or a dotted path.",
        group=GROUP,
        env="LOAD_BALANCER_CLASS",
    )
    balancer_parameters: dict[str, Any] = setting({}, "Parameters of the balancer: a table.", group=GROUP, text=False)
    slow_start_seconds: float = setting(
        10.0,
        "For so long one that joins others gets less, at first a fifth, if the balancer does not probe; 0: never.",
        group=GROUP,
        ge=0,
    )
    shadow_balancer: str | None = setting(
        None,
        "Another balancer, which is asked beside the first and not followed, to compare (docs/balancers.md).",
        group=GROUP,
    )
    shadow_balancer_parameters: dict[str, Any] = setting(
        {}, "Parameters of the shadow balancer: a table.", group=GROUP, text=False
    )


class BalancingSettings(ServiceBalancing):
    """Settings under "Balancing and hooks"."""

    explain_requests: int = setting(
        0,
        "So many of the last requests are remembered for GET /_openprequal/explain; 0: only for a minute after "
        "somebody asked there (docs/explain.md).",
        group=GROUP,
        ge=0,
        le=10_000,
    )

    custom_path_rewrite: str | None = setting(
        None,
        "Maps the path a client asked for to the backend's: a dotted path.",
        group=GROUP,
        env="CUSTOM_PATH_REWRITE",
    )
    custom_request_hook: str | None = setting(
        None, "Called for each request: a dotted path.", group=GROUP, env="CUSTOM_REQUEST_HOOK"
    )
    custom_response_hook: str | None = setting(
        None, "Called for each response head: a dotted path.", group=GROUP, env="CUSTOM_RESPONSE_HOOK"
    )
    hook_timeout_seconds: float = setting(1.0, "Seconds a hook may take.", group=GROUP, gt=0)
