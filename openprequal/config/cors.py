"""What may be said of the pages of other origins, ``[cors.NAME]`` in the file?"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from openprequal.config.schema import FIELD_NAME, FieldName, Texts, each_matching

ANY: Final = "*"
NO_CORS: Final = "no"
"""What a route says instead of a name."""
DEFAULT_CORS: Final = "default"
"""The table that counts where a route names none."""
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<below>\*\.)?(?P<host>[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}


def _origin(text: str) -> str:
    """As browsers write it: in lower case, without the scheme's own port."""
    if text == ANY:
        return text
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        raise ValueError("*, https://host, https://host:port or https://*.host, without a path")
    port = match["port"]
    ending = f":{port}" if port and port != _DEFAULT_PORTS.get(match["scheme"]) else ""
    return f"{match['scheme']}://{match['below'] or ''}{match['host']}{ending}"


Origins = Annotated[Texts, AfterValidator(lambda texts: tuple(_origin(text) for text in texts))]
Methods = Annotated[Texts, each_matching(r"\*|[A-Z][A-Z0-9-]*", "*, or methods in capitals")]
Names = Annotated[Texts, each_matching(FIELD_NAME, "*, or field names (RFC 9110 section 5.1)")]


class CorsSettings(BaseModel):
    """Who of other origins may use what (Fetch standard, "CORS protocol")."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    allow_origins: Origins
    """`https://host`, `https://host:port`, `https://*.host` for all below it, or `*` for everybody."""
    allow_methods: Methods = ("GET", "HEAD", "POST")
    """`*`: any."""
    allow_headers: Names = ()
    """Request fields beyond those that need no permission; `*`: any."""
    expose_headers: tuple[FieldName, ...] = ()
    """Response fields that scripts may read beyond those that all may."""
    allow_credentials: bool = False
    """Requests may carry cookies and the like; not together with `*` as an origin."""
    max_age_seconds: Annotated[int, Field(ge=0)] | None = None
    """So long a browser need not ask again; none: 5 seconds, as browsers have it."""
    backend_headers: Literal["replace", "keep"] = "replace"
    """What backends say of it themselves is replaced; or kept, and nothing is added to it."""

    @model_validator(mode="after")
    def _keeps_credentials_to_those_it_names(self) -> Self:
        if self.allow_credentials and ANY in self.allow_origins:
            raise ValueError("allow_credentials: not with allow_origins *: name the origins")
        return self
