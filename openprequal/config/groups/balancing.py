"""Who chooses a backend, and whose code is called on the way?"""

from typing import Any

from openprequal.config.routes import RouteSettings
from openprequal.config.schema import ServiceName, Settings, setting
from openprequal.config.services import ServiceSettings

GROUP = "Balancing and hooks"


class BalancingSettings(Settings):
    """Settings under "Balancing and hooks"."""

    load_balancer_class: str = setting(
        "Prequal",
        "Balancer: Prequal, RoundRobin, another of docs/balancers.md, or a dotted path.",
        group=GROUP,
        env="LOAD_BALANCER_CLASS",
    )
    balancer_parameters: dict[str, Any] = setting({}, "Parameters of the balancer: a table.", group=GROUP, text=False)
    services: dict[ServiceName, ServiceSettings] = setting(
        {}, "Named sets of backends: a table for each.", group=GROUP, text=False
    )
    routes: tuple[RouteSettings, ...] = setting(
        (), "Which requests go where (docs/routes.md): a table for each, `[[routes]]`.", group=GROUP, text=False
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
