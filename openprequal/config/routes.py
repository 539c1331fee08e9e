"""What may be said of one route, ``[[routes]]`` in the file? What it leaves out is as for the gateway."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from openprequal.config.rate_limits import RateLimitSettings
from openprequal.config.schema import FieldName, ServiceName, Texts
from openprequal.config.statuses import ErrorStatuses

PositiveSeconds = Annotated[float, Field(gt=0)]
RouteName = ServiceName
Share = Annotated[float, Field(gt=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
_CONFIG = ConfigDict(
    frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, str_strip_whitespace=True
)


def _wanted(value: object) -> object:
    # Else pydantic would tell of each member of the union what is wrong with it.
    if not isinstance(value, str | bool):
        raise ValueError("a text, or true where any will do, or false where there must be none")
    return value


Wanted = Annotated[str | bool, BeforeValidator(_wanted)]
"""A value, or whether there must be one."""


class FieldChanges(BaseModel):
    """Header fields that are changed."""

    model_config = _CONFIG

    set: dict[FieldName, str] = {}
    """In place of all of that name."""
    add: dict[FieldName, str] = {}
    """Beside those of that name."""
    remove: tuple[FieldName, ...] = ()


class Redirect(BaseModel):
    """An answer that leads elsewhere."""

    model_config = _CONFIG

    to: str
    status: Literal[301, 302, 303, 307, 308] = 308


class Respond(BaseModel):
    """An answer that is always the same."""

    model_config = _CONFIG

    status: Annotated[int, Field(ge=200, le=599)] = 200
    body: str = ""
    content_type: str = "text/plain; charset=utf-8"

    @model_validator(mode="after")
    def _has_no_body_where_none_may_be(self) -> Self:
        if self.status in (204, 205, 304) and self.body:
            raise ValueError(f"body: a response with status {self.status} has none")
        return self


class Mirror(BaseModel):
    """Another service that gets copies of requests."""

    model_config = _CONFIG

    service: ServiceName
    share: Share = 1.0


class RouteSettings(BaseModel):
    """One route: which requests take it, and what becomes of them."""

    model_config = _CONFIG

    name: RouteName
    """Unique; in metrics and explanations."""
    hosts: Texts = ()
    """`a.example`, `*.a.example` for all names below it, an address; a port may follow. None: any host."""
    path: str | None = None
    """This path alone."""
    path_prefix: str | None = None
    """This path and all below it, by whole segments."""
    path_pattern: str | None = None
    """A path in which `{name}` is any segment and `{name...}` at the end anything."""
    methods: Texts = ()
    """None: any."""
    headers: dict[FieldName, Wanted] = {}
    """Values that header fields must have; `true`: any, `false`: the field must not be there."""
    query: dict[str, Wanted] = {}
    """The same of parameters of the query."""
    priority: int = 0
    """The higher goes before; among equals the more exact does."""

    service: ServiceName | None = None
    """Whose backends answer; none of this and the next three: `default`."""
    services: dict[ServiceName, Weight] = {}
    """Several, and how much of the route each gets, in proportion."""
    redirect: Redirect | None = None
    """`to` and `status`: the client is sent elsewhere."""
    respond: Respond | None = None
    """`status`, `body` and `content_type`: this is the answer."""
    mirror: Mirror | None = None
    """`service` and `share`: that service gets copies of so many requests; its answers are thrown away."""

    strip_prefix: bool = False
    """Backends are asked for what follows `path_prefix`."""
    rewrite: str | None = None
    """The path backends are asked for; may hold the pattern's `{name}`, `{rest}` after a prefix, and `{path}`."""
    host_header: Literal["keep", "backend"] | None = None
    request_headers: FieldChanges = FieldChanges()
    """`set`, `add` and `remove`: what backends see."""
    response_headers: FieldChanges = FieldChanges()
    """The same for what clients see."""
    cors: str | None = None
    """Name of a table `[cors.NAME]`, or `no`; none: `default`, if there is one."""
    compress: bool | None = None
    """Compress its responses (`[compression]`); none: as for the gateway."""
    request_hook: str | None = None
    """In place of `custom_request_hook`: a dotted path."""
    response_hook: str | None = None
    """In place of `custom_response_hook`: a dotted path."""

    checks: Texts | None = None
    """Names of checks that its requests must pass, in this order, in place of `default_checks`; `[]`: none."""

    rate_limits: tuple[RateLimitSettings, ...] = ()
    """How often requests of this route may come, beside what `rate_limits` says of all."""
    response_timeout_seconds: PositiveSeconds | None = None
    stall_timeout_seconds: PositiveSeconds | None = None
    total_timeout_seconds: PositiveSeconds | None = None
    queue_timeout_seconds: PositiveSeconds | None = None
    try_timeout_seconds: PositiveSeconds | None = None
    retry_attempts: Annotated[int, Field(ge=0)] | None = None
    retry_statuses: ErrorStatuses | None = None
    retry_unsafe: Literal["no", "keyed", "yes"] | None = None
    retry_body_max_bytes: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        _one_at_most(self, "path", "path_prefix", "path_pattern")
        _one_at_most(self, "service", "services", "redirect", "respond")
        _one_at_most(self, "strip_prefix", "rewrite")
        if self.strip_prefix and self.path_prefix is None:
            raise ValueError("strip_prefix: there is no path_prefix to strip")
        if self.services and not sum(self.services.values()):
            raise ValueError("services: the weights are all 0: one must be more")
        if self.redirect is not None or self.respond is not None:
            for name in ("mirror", "rewrite", "strip_prefix", "checks"):
                if getattr(self, name):
                    raise ValueError(f"{name}: no backend is asked on this route")
        return self

    @property
    def weights(self) -> dict[str, float]:
        """Every service it leads to and its weight; empty: it leads to none."""
        if self.redirect is not None or self.respond is not None:
            return {}
        return dict(self.services) or {self.service or "default": 1.0}


def _one_at_most(settings: BaseModel, *names: str) -> None:
    given = [name for name in names if getattr(settings, name)]
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)}: there can be only one of them")
