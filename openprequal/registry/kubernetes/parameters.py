"""Which Services of which namespaces are the backends of which of ours, and where is the API server?"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from openprequal.registry.parameters import RegistryParameters
from openprequal.values import DEFAULT_SERVICE

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""RFC 1123 section 2.1: what Services, namespaces and ports may be called."""
_SHORT: Final = re.compile(rf"(?:(?P<namespace>{_LABEL})/)?(?P<service>{_LABEL})(?::(?P<port>{_LABEL}))?")
_A_TABLE: Final = 'a table like {default = "web:http"}, or a list of tables'


def _label(value: str) -> str:
    if not re.fullmatch(_LABEL, value):
        raise ValueError("must be a name as Kubernetes has them: lower-case letters, digits and -")
    return value


Label = Annotated[str, AfterValidator(_label)]


def _port(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}", value):
        value = int(value)
    if isinstance(value, str) and re.fullmatch(_LABEL, value):
        return value
    if type(value) is not int or not 1 <= value <= 65535:
        raise ValueError("must be the name of a port, or a number from 1 to 65535")
    return value


class Source(BaseModel):
    """One Service of the cluster whose endpoints are backends."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    service: str = DEFAULT_SERVICE
    """Ours that they are backends of."""
    kubernetes_service: Label
    """The Service's name."""
    namespace: Label | None = None
    """Where the Service is; None: as for all."""
    port: Annotated[int | str | None, BeforeValidator(lambda port: port if port is None else _port(port))] = None
    """Name of the Service's port, or number of the port at the endpoints; None: the only one there is."""
    scheme: Literal["http", "https"] = "http"
    """What the endpoints speak."""


def _from_short_form(value: object) -> object:
    if not value or not isinstance(value, Mapping | list | tuple):
        raise ValueError(f"must be {_A_TABLE}")
    if not isinstance(value, Mapping):
        return value
    return [_source(service, text) for service, text in value.items()]


def _source(service: object, text: object) -> dict[str, Any]:
    match = _SHORT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{service} is {ascii(text)[:80]}: must be SERVICE, SERVICE:PORT or NAMESPACE/SERVICE:PORT")
    return {
        "service": service,
        "kubernetes_service": match["service"],
        "namespace": match["namespace"],
        "port": match["port"],
    }


def _server_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in url:
        raise ValueError("must be http:// or https://, a host, and perhaps a port and a path")
    # It raises ValueError where the port is none.
    assert parts.port is None or parts.port >= 0
    return url.rstrip("/")


class KubernetesParameters(RegistryParameters):
    """What may be set on the registry ``kubernetes``."""

    services: Annotated[tuple[Source, ...], BeforeValidator(_from_short_form)] = Field(
        json_schema_extra={"allowed": _A_TABLE}
    )
    """Which Services' endpoints are the backends of which of ours; see [registries.md](registries.md#kubernetes)."""
    namespace: Label | None = None
    """Where Services are that name none; none: where the gateway itself runs."""
    api_url: Annotated[str, AfterValidator(_server_url)] | None = None
    """Where the API server is; none: as the cluster tells every pod."""
    token_file: str | None = None
    """Holds the bearer token, and is read for every request; none: that of the pod's service account."""
    ca_file: str | None = None
    """Holds the authorities (PEM) that vouch for the API server; none: that of the pod's service account."""
