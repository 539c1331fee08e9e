"""What may be said of one check, ``[checks.NAME]`` in the file: whom does it let through?"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)

from openprequal.config.schema import FieldName, ServiceName, SplitTexts, Texts

CheckName = ServiceName
Seconds = Annotated[float, Field(ge=0)]
PositiveSeconds = Annotated[float, Field(gt=0)]
Realm = Annotated[str, Field(pattern=r"^[ -~]{0,100}$")]


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # A name and password in it would be shown wherever it is.
    if not usable or "@" in parts.netloc or not re.fullmatch(r"[!-\"$-~]+", text):
        raise ValueError("a URL like https://host/path, without a user and #")
    return text


Url = Annotated[str, AfterValidator(_url)]
FieldNames = Annotated[tuple[FieldName, ...], SplitTexts]
ClaimValue = str | int | bool
ClaimValues = Annotated[
    tuple[ClaimValue, ...],
    BeforeValidator(
        lambda value: value if isinstance(value, list | tuple) else (value,),
        json_schema_input_type=ClaimValue | tuple[ClaimValue, ...],
    ),
]
SYMMETRIC = ("HS256", "HS384", "HS512")
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"
]

# What says how a message is framed, where it goes and how it came there is the gateway's alone.
_NOT_TO_BE_SET = frozenset(
    (
        *("connection", "content-length", "expect", "keep-alive", "max-forwards", "proxy-connection", "te", "trailer"),
        *("transfer-encoding", "upgrade", "via", "host", "forwarded"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
    )
)
_NOT_TO_BE_SENT = _NOT_TO_BE_SET | {"x-forwarded-method", "x-forwarded-uri"}


def _not_of(names: frozenset[str], fields: tuple[str, ...]) -> None:
    for name in fields:
        if name.lower() in names:
            raise ValueError(f"fields other than {name}, which the gateway writes itself")


class _Check(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    timeout_seconds: PositiveSeconds = 5.0
    """Seconds until a request that has not been judged is refused with 503."""


class BasicCheckSettings(_Check):
    """Users and passwords (RFC 7617)."""

    kind: Literal["basic"]
    users_file: str
    """File of `user:hash` lines, as `htpasswd -B` writes it; read again when it changes."""
    realm: Realm = "openprequal"
    """What the password is for, as the client shows it."""
    user_header: FieldName | None = None
    """Field that tells the backend the user's name."""
    keep_authorization: bool = False
    """The backend gets the password too."""
    remember_seconds: Seconds = 60.0
    """Seconds in which a right password is not verified again; 0: it always is."""
    verifications_max: Annotated[int, Field(ge=1, le=8)] = 2
    """Passwords verified at a time; each keeps a processor busy."""

    @field_validator("user_header")
    @classmethod
    def _may_be_set(cls, name: str | None) -> str | None:
        _not_of(_NOT_TO_BE_SET, (name,) if name else ())
        return name


class JwtCheckSettings(_Check):
    """JSON Web Tokens (RFC 7519) brought as bearer tokens (RFC 6750)."""

    kind: Literal["jwt"]
    jwks_url: Url | None = None
    """Where the issuer publishes its keys (RFC 7517)."""
    jwks_file: str | None = None
    """Or a file of them; read again when it changes."""
    secret_file: str | None = None
    """Or a file with the one secret that the issuer signs with."""
    secret_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Or the environment variable that holds it."""
    ca_file: str | None = None
    """PEM file of the authorities that `jwks_url` is trusted by; none: the system's."""
    algorithms: Annotated[tuple[Algorithm, ...], SplitTexts] = ()
    """Signatures that are believed; none: RS256, ES256 and EdDSA, with a secret HS256."""
    issuer: Texts = ()
    """Who may have made the token, one of these; none: whoever has the key."""
    audience: Texts = ()
    """Whom it must be for, one of these; none: not looked at."""
    leeway_seconds: Annotated[float, Field(ge=0, le=600)] = 30.0
    """Seconds by which clocks may differ."""
    must_expire: bool = True
    """Tokens without `exp` are refused."""
    scopes: Texts = ()
    """Scopes that it must have, all of them."""
    claims: dict[str, ClaimValues] = {}
    """Claims that it must have, each with one of the values; dots lead into claims within claims."""
    claim_headers: dict[str, FieldName] = {}
    """Fields that tell the backend what the token says, by claim."""
    realm: Realm = "openprequal"
    """What the token is for, as the client is told."""
    keep_authorization: bool = False
    """The backend gets the token too."""

    @field_validator("claim_headers")
    @classmethod
    def _may_be_set(cls, names: dict[str, str]) -> dict[str, str]:
        _not_of(_NOT_TO_BE_SET, tuple(names.values()))
        return names

    @model_validator(mode="after")
    def _has_keys_that_fit(self) -> Self:
        ways = ("jwks_url", "jwks_file", "secret_file", "secret_variable")
        given = [name for name in ways if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'no keys'}: must be one of {', '.join(ways)}")
        for name in self.algorithms:
            # A public key taken for a secret would let everybody in (RFC 8725 section 3.1).
            if (name in SYMMETRIC) != self.has_secret:
                raise ValueError(f"algorithms: {name} does not fit {given[0]}")
        return self

    @property
    def has_secret(self) -> bool:
        """The issuer's key is a secret that we share."""
        return bool(self.secret_file or self.secret_variable)

    @property
    def effective_algorithms(self) -> tuple[str, ...]:
        """Those that are believed."""
        return self.algorithms or (("HS256",) if self.has_secret else ("RS256", "ES256", "EdDSA"))


class ForwardCheckSettings(_Check):
    """The word of another server, as with Traefik's `forwardAuth` and nginx's `auth_request`."""

    kind: Literal["forward"]
    url: Url
    """Asked by GET; 2xx lets the request through, all else is the client's answer."""
    ca_file: str | None = None
    """PEM file of the authorities that it is trusted by; none: the system's."""
    request_headers: FieldNames = ("Accept", "Authorization", "Cookie", "User-Agent", "X-Requested-With")
    """Fields of the request that it gets, beside `X-Forwarded-*`."""
    response_headers: FieldNames = ()
    """Fields of its 2xx that the backend gets."""
    refusal_headers: FieldNames = ("Location", "Set-Cookie", "WWW-Authenticate", "Cache-Control")
    """Fields of another answer that the client gets, beside `Content-Type`."""
    remember_seconds: Seconds = 0.0
    """Seconds in which a 2xx holds for the same request; 0: it is asked each time."""
    remember_by: FieldNames = ()
    """With `remember_seconds`: fields of the request on which alone its word depends, and on the host."""

    @field_validator("request_headers", "remember_by")
    @classmethod
    def _may_be_sent(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _not_of(_NOT_TO_BE_SENT, names)
        return names

    @field_validator("response_headers")
    @classmethod
    def _may_be_set(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _not_of(_NOT_TO_BE_SET, names)
        return names

    @field_validator("refusal_headers")
    @classmethod
    def _may_be_passed(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _not_of(_NOT_TO_BE_SET, names)
        return names


AnyCheck = BasicCheckSettings | JwtCheckSettings | ForwardCheckSettings
KINDS: Mapping[str, type[AnyCheck]] = {
    "basic": BasicCheckSettings,
    "jwt": JwtCheckSettings,
    "forward": ForwardCheckSettings,
}


def _of_its_kind(value: object) -> AnyCheck:
    """One model, chosen here: pydantic would name its kind in every error as if it were a key."""
    if isinstance(value, BasicCheckSettings | JwtCheckSettings | ForwardCheckSettings):
        return value
    if not isinstance(value, Mapping):
        raise ValueError("a table")
    kind = value.get("kind")
    model = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise ValueError(f"kind: must be {' or '.join(KINDS)}")
    return model.model_validate(value)


CheckSettings = Annotated[AnyCheck, PlainValidator(_of_its_kind, json_schema_input_type=AnyCheck)]
"""The settings of one check, of whichever kind."""
