"""The settings of what runs at a backend: the agent, and the example backend around it."""

from collections.abc import Iterator
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator

from openprequal.config.endpoints import listening_endpoints
from openprequal.config.joining import (
    GROUP,
    ORIGIN_ALLOWED,
    JoiningSettings,
    http_origin,
    http_url,
    is_loopback,
    whether_to_register,
)
from openprequal.config.schema import Conflict, Path, Texts, setting
from openprequal.hints import RULE_ALLOWED, HintRule

_LISTENING = "Listening"
_SIDECAR = "Sidecar, with --upstream"
_LOAD = "What a request costs, without --upstream"

UPSTREAM_ALLOWED = f"{ORIGIN_ALLOWED}, or unix:///path"


def _upstream(text: str) -> str:
    """*text* as :attr:`openprequal.values.Backend.url`, if it says where one server is."""
    if text.startswith("unix:///"):
        return text
    try:
        parts = urlsplit(http_origin(http_url(text)))
    except ValueError:
        raise ValueError(UPSTREAM_ALLOWED) from None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _hint_rule(text: str) -> str:
    """*text*, if it is a rule for hints."""
    HintRule.parse(text)
    return text


HintRuleText = Annotated[str, AfterValidator(_hint_rule)]
Upstream = Annotated[str, AfterValidator(_upstream)]


class AgentSettings(JoiningSettings):
    """Everything ``twistd openprequal-backend`` can be told."""

    file_table: ClassVar[str | None] = "backend"

    register: bool = whether_to_register()
    port: int = setting(
        8001, "TCP port, on all interfaces, IPv6 too.", group=_LISTENING, env="BACKEND_PORT", ge=1, le=65535
    )
    listen: Texts = setting(
        (),
        "Twisted endpoint string to listen on instead, like tcp:8001:interface=127.0.0.1.",
        group=_LISTENING,
        # OPENPREQUAL_LISTEN is the gateway's, which may share the environment.
        env="BACKEND_LISTEN",
    )
    name: str | None = setting(None, "Name shown in answers; none: backend-PORT.", group=_LISTENING)
    exit_with_parent: int | None = setting(None, "Process id of the parent to end with.", group="", ge=1)

    upstream: Upstream | None = setting(
        None,
        "Service to stand before, like http://127.0.0.1:5000; none: answer like the example backend.",
        group=_SIDECAR,
        allowed=UPSTREAM_ALLOWED,
    )
    upstream_health_path: Path | None = setting(
        None,
        "Path of the service that answers 2xx or 3xx while it can serve; none: that it accepts connections is enough.",
        group=_SIDECAR,
    )
    upstream_check_seconds: float = setting(1.0, "Seconds between two looks at it.", group=_SIDECAR, gt=0)
    upstream_check_timeout_seconds: float = setting(2.0, "Seconds a look may take.", group=_SIDECAR, gt=0)

    backend_heartbeat_timeout: float | None = setting(
        None,
        "Seconds of silence after which the gateway gives it up; none: twice the interval.",
        group=GROUP,
        env="BACKEND_HEARTBEAT_TIMEOUT",
        gt=0,
    )
    shutdown_grace_seconds: float = setting(
        5.0,
        "Seconds that requests under way may take to end at shutdown.",
        group=_LISTENING,
        # OPENPREQUAL_SHUTDOWN_GRACE_SECONDS is the gateway's.
        env="BACKEND_SHUTDOWN_GRACE_SECONDS",
        ge=0,
    )
    latency_window_seconds: float = setting(
        300.0,
        "Seconds that the averages in /metrics look back.",
        group=GROUP,
        env="LATENCY_WINDOW_SECONDS",
        gt=0,
    )

    work_seconds: float = setting(0.0, "Seconds a request takes alone.", group=_LOAD, ge=0)
    cores: float = setting(
        1.0, "Cores that the requests under way share; 0: no limit, the work is a mere delay.", group=_LOAD, ge=0
    )
    response_bytes: int | None = setting(
        None, "Bytes of a response body; none: one line of who it is.", group=_LOAD, ge=0
    )

    hint: HintRuleText = setting(
        "none",
        "What of a request its hint is made of, as the gateway's balancer_parameters have it (docs/sync-mode.md).",
        group=_LOAD,
        env="BACKEND_HINT",
        allowed=RULE_ALLOWED,
    )
    warm_hints: int = setting(
        1000, "Hints of requests last served, for which it reports a tenth of its load.", group=_LOAD, ge=0
    )

    def conflicts(self) -> Iterator[Conflict]:
        """What does not fit together."""
        if self.heartbeat_timeout_s <= self.backend_heartbeat_seconds:
            yield Conflict(
                f"backend_heartbeat_timeout is {self.heartbeat_timeout_s:g}:"
                f" must be longer than backend_heartbeat_seconds, {self.backend_heartbeat_seconds:g}",
                (("backend_heartbeat_timeout",), ("backend_heartbeat_seconds",)),
            )
        upstream = urlsplit(self.upstream or "")
        if upstream.port == self.port and not self.listen and is_loopback(self.upstream or ""):
            reason = f"upstream: {self.upstream} is the port this process itself would listen on"
            yield Conflict(reason, (("upstream",), ("port",), ("listen",)))

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoint strings to listen on; at least one."""
        return listening_endpoints(self.listen, self.port)

    @property
    def summary(self) -> str:
        """The whole in a line."""
        gateways = f", to register with {', '.join(self.proxy_url)}" if self.register else ""
        return f"listening on {', '.join(self.listen) or f'port {self.port}'}{gateways}"

    @property
    def announced_url(self) -> str | None:
        """The URL to register; None: find out the address from which the (remote) gateway is reached."""
        return self.url_to_announce(self.port)

    @property
    def heartbeat_timeout_s(self) -> float:
        """Seconds of silence after which the gateway gives this backend up."""
        return self.backend_heartbeat_timeout or 2 * self.backend_heartbeat_seconds

    @property
    def shown_name(self) -> str:
        """The name to show in answers."""
        return self.name or f"backend-{self.port}"
