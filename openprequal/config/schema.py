"""What a setting is: its default, its help, what it allows, and its name as flag, environment variable and file key."""

import re
from collections.abc import Mapping
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from attrs import frozen
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo

ENVIRONMENT_PREFIX = "OPENPREQUAL_"


def _split(value: object) -> object:
    """Text lists its items between commas, wherever it comes from; a list (a repeated flag) may hold such texts."""
    items = [value] if isinstance(value, str) else value
    # Numbers are refused here, because to some types they mean something: 7 is the network 0.0.0.7.
    if not isinstance(items, list | tuple) or any(isinstance(item, int | float) for item in items):
        raise ValueError("a list of texts")
    return tuple(
        part
        for item in items
        for part in ([text.strip() for text in item.split(",") if text.strip()] if isinstance(item, str) else [item])
    )


def _matching(pattern: str, allowed: str) -> AfterValidator:
    """Takes texts that match *pattern* as a whole; *allowed* says it in words."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(allowed)
        return value

    return AfterValidator(check)


def _check_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token.get_secret_value()):
        raise ValueError("one or more of letters, digits and ._~+/=- (RFC 6750 section 2.1)")
    return token


SplitTexts = BeforeValidator(_split)
Texts = Annotated[tuple[str, ...], SplitTexts]
"""Several texts: a list in the file, a repeated flag, or separated by commas."""
ServiceName = Annotated[
    str, _matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "up to 63 letters, digits and ._-, the first no sign")
]
Path = Annotated[str, _matching(r"/[!-\"$-~]*", "a path that starts with /, without spaces and #")]
_FIELD_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
FieldName = Annotated[str, _matching(_FIELD_NAME, "a field name (RFC 9110 section 5.1)")]
LimitedBy = Annotated[str, _matching(rf"client|all|header:{_FIELD_NAME}", "client, all, or header:NAME")]
Token = Annotated[SecretStr, AfterValidator(_check_token)]
"""A bearer token; an empty one would let everybody in."""


class Settings(BaseModel):
    """The settings of one command. Frozen; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    file_table: ClassVar[str | None] = None
    """Table of the file that holds these settings; None: the top level."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_is_a_number(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError("something else than true or false")
        return value


def setting(
    default: object,
    description: str,
    *,
    group: str,
    env: str | None = None,
    text: bool = True,
    secret: bool = False,
    allowed: str | None = None,
    **bounds: Any,
) -> Any:
    """Declare a setting of a :class:`Settings` model.

    :param group: heading of ``--help`` it stands under; empty: not shown.
    :param env: its environment variable, if not ``OPENPREQUAL_`` and its name in capitals.
    :param text: it can be given as text; tables cannot, and come from the file alone.
    :param secret: comes from the environment alone, and is never shown.
    :param allowed: what it takes, in words, where the type and the bounds do not say it.
    :param bounds: as for :func:`pydantic.Field`.
    """
    extra: JsonDict = {"group": group, "env": env, "text": text, "secret": secret, "allowed": allowed}
    default = {"default_factory": dict} if default == {} else {"default": default}
    return Field(**default, description=description, json_schema_extra=extra, **bounds)


@frozen
class Setting:
    """One setting, as the command line, the environment, the file and the help need to know it."""

    name: str
    """Field of the model and key of the file."""
    group: str
    description: str
    default: object
    flag: str | None
    """``--name-with-dashes``, or None if it is no flag."""
    env: str | None
    """Environment variable, or None if it has none."""
    secret: bool
    repeatable: bool
    optional: bool
    """The text ``none`` means None."""
    allowed: str
    """What it takes, in words; empty if there is nothing short to say."""


def settings_of(model: type[Settings]) -> Mapping[str, Setting]:
    """Every setting of *model* by name, in the order of declaration."""
    return {name: _setting(name, field) for name, field in model.model_fields.items()}


def _setting(name: str, field: FieldInfo) -> Setting:
    extra = field.json_schema_extra
    assert isinstance(extra, dict), f"{name} is not declared with setting()"
    kinds = get_args(field.annotation) or (field.annotation,)
    return Setting(
        name=name,
        group=str(extra["group"]),
        description=field.description or "",
        default=field.get_default(call_default_factory=True),
        flag="--" + name.replace("_", "-") if extra["text"] and not extra["secret"] else None,
        env=str(extra["env"] or ENVIRONMENT_PREFIX + name.upper()) if extra["text"] else None,
        secret=bool(extra["secret"]),
        repeatable=get_origin(field.annotation) is tuple and bool(extra["text"]),
        optional=NoneType in kinds,
        allowed=str(extra["allowed"] or _allowed(field)),
    )


def _allowed(field: FieldInfo) -> str:
    """What the type and the bounds of *field* allow, in words."""
    if get_origin(field.annotation) is Literal:
        return " or ".join(str(choice) for choice in get_args(field.annotation))
    if get_origin(field.annotation) is dict:
        return "a table"
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    words = {bool: "yes or no", int: "a whole number", float: "a number"}.get(kinds[0], "")
    if not words or kinds[0] is bool:
        return words
    bounds = {key: getattr(bound, key) for bound in field.metadata for key in ("ge", "gt", "le") if hasattr(bound, key)}
    if "ge" in bounds and "le" in bounds:
        return f"{words} from {bounds['ge']} to {bounds['le']}"
    phrases = {"ge": "of at least", "gt": "above", "le": "of at most"}
    return " ".join([words, *(f"{phrases[key]} {value}" for key, value in bounds.items())])
