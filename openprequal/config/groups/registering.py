"""Who may register a backend, and what happens when one does?"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any

from pydantic import StringConstraints

from openprequal.config.schema import NETWORKS_ALLOWED, Networks, Settings, SplitTexts, TokenTexts, setting

GROUP = "Registration"

EVERYWHERE = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
Directories = Annotated[tuple[Annotated[str, StringConstraints(pattern="^/")], ...], SplitTexts]


class RegistrationSettings(Settings):
    """Settings under "Registration"."""

    token: TokenTexts = setting(
        (),
        "What everyone but trusted loopback must send as Authorization: Bearer; several with commas, any of which will"
        " do.",
        group=GROUP,
        secret=True,
    )
    token_file: str | None = setting(
        None, "File that holds the token, or several, a line each; what it holds now counts.", group=GROUP
    )
    trust_loopback: bool = setting(
        True, "Clients of this host need no token; no behind a proxy on this host.", group=GROUP
    )
    admin_networks: Networks = setting(
        EVERYWHERE,
        "Network from which callers with a token may come.",
        group=GROUP,
        allowed=NETWORKS_ALLOWED,
    )
    backend_networks: Networks = setting(
        EVERYWHERE,
        "Network in which backends may be, by the address connected to. Link-local, metadata, multicast and reserved"
        " addresses only if a network within theirs is named, like 169.254.7.0/24.",
        group=GROUP,
        allowed=NETWORKS_ALLOWED,
    )
    backend_sockets: Directories = setting(
        (),
        "Directory whose Unix sockets may be backends (unix:///path); none: no Unix socket may.",
        group=GROUP,
        allowed="absolute paths",
    )
    max_backends: int = setting(10_000, "Backends that may be registered.", group=GROUP, ge=1)
    backend_heartbeat_timeout: float | None = setting(
        None,
        "Seconds of silence after which a backend with a heartbeat is removed; none: twice its interval.",
        group=GROUP,
        env="BACKEND_HEARTBEAT_TIMEOUT",
        gt=0,
    )
    registry_class: str = setting(
        "memory", "Registry: a short name or a dotted path.", group=GROUP, env="REGISTRY_CLASS"
    )
    registry_parameters: dict[str, Any] = setting({}, "Parameters of the registry: a table.", group=GROUP, text=False)
    custom_register_hook: str | None = setting(
        None, "Called before a backend is registered: a dotted path.", group=GROUP, env="CUSTOM_REGISTER_HOOK"
    )
    custom_unregister_hook: str | None = setting(
        None, "Called after one unregistered: a dotted path.", group=GROUP, env="CUSTOM_UNREGISTER_HOOK"
    )
