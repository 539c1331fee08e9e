"""What a setting is: its default, its help, what it allows, and its name as flag, environment variable and file key."""

import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Annotated, Any, ClassVar, Literal, Self, get_args, get_origin

from attrs import frozen
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    IPvAnyNetwork,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.config import JsonDict
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from openprequal.config.tokens import TOKEN_ALLOWED, is_token
from openprequal.errors import KeyPath

ENVIRONMENT_PREFIX = "OPENPREQUAL_"
LEAST_KEY = 32


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


@frozen
class Matching:
    """Takes texts that match ``pattern`` as a whole; ``allowed`` says it in words."""

    pattern: str
    allowed: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$"}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            raise ValueError(self.allowed)
        return value


def _check_tokens(tokens: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    # None at all would let nobody in, or everybody, as one reads it.
    if not tokens or not all(is_token(token.get_secret_value()) for token in tokens):
        raise ValueError(TOKEN_ALLOWED)
    return tokens


def each_matching(pattern: str, allowed: str) -> AfterValidator:
    """Takes several texts that each match *pattern* as a whole; *allowed* says it in words."""

    def check(values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(pattern, value) for value in values):
            raise ValueError(allowed)
        return values

    return AfterValidator(check)


def _check_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not keys or any(len(key.get_secret_value()) < LEAST_KEY for key in keys):
        raise ValueError(f"one or more keys of at least {LEAST_KEY} characters")
    return keys


class _SplitTexts(BeforeValidator):
    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "string"}]}


SplitTexts = _SplitTexts(_split)
Texts = Annotated[tuple[str, ...], SplitTexts]
"""Several texts: a list in the file, a repeated flag, or separated by commas."""
Networks = Annotated[tuple[IPvAnyNetwork, ...], SplitTexts]
NETWORKS_ALLOWED = "networks like 10.0.0.0/8 or fd00::/8"
ServiceName = Annotated[
    str, Matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "up to 63 letters, digits and ._-, the first no sign")
]
Path = Annotated[str, Matching(r"/[!-\"$-~]*", "a path that starts with /, without spaces and #")]
FIELD_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
FieldName = Annotated[str, Matching(FIELD_NAME, "a field name (RFC 9110 section 5.1)")]
LimitedBy = Annotated[str, Matching(rf"client|all|header:{FIELD_NAME}", "client, all, or header:NAME")]
ServerName = Annotated[str, Matching(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "a host name")]
TokenTexts = Annotated[tuple[SecretStr, ...], SplitTexts, AfterValidator(_check_tokens)]
"""Bearer tokens, separated by commas: any of them is valid, the first is the one to send."""

Keys = Annotated[tuple[SecretStr, ...], SplitTexts, AfterValidator(_check_keys)]
"""Secret keys, separated by commas: all of them are valid, the first makes what is new."""


@frozen
class Conflict:
    """Settings that can be used, but not together."""

    reason: str
    about: tuple[KeyPath, ...]
    """Those that it is between, the one to be blamed first."""


class Settings(BaseModel):
    """The settings of one command. Frozen; unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    file_table: ClassVar[str | None] = None
    """Table of the file that holds these settings; None: the top level."""

    def conflicts(self) -> Iterator[Conflict]:
        """What does not fit together."""
        return iter(())

    @field_validator("*", mode="before")
    @classmethod
    def _none_and_switches(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and field.annotation is not bool:
            raise ValueError("something else than true or false")
        if isinstance(value, str) and value.strip().lower() == "none" and is_optional(field):
            return None
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        conflicts = list(self.conflicts())
        if conflicts:
            reasons = "; ".join(conflict.reason for conflict in conflicts)
            raise PydanticCustomError("conflict", "{reasons}", {"reasons": reasons, "conflicts": conflicts})
        return self


def is_optional(field: FieldInfo) -> bool:
    """May there be none? The text ``none`` then says so."""
    return NoneType in get_args(field.annotation)


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
    allowed: str
    """What it takes, in words; empty if there is nothing short to say."""


def settings_of(model: type[Settings]) -> Mapping[str, Setting]:
    """Every setting of *model* by name, in the order of declaration."""
    return {name: _setting(name, field) for name, field in model.model_fields.items()}


def _setting(name: str, field: FieldInfo) -> Setting:
    extra = field.json_schema_extra
    assert isinstance(extra, dict), f"{name} is not declared with setting()"
    return Setting(
        name=name,
        group=str(extra["group"]),
        description=field.description or "",
        default=field.get_default(call_default_factory=True),
        flag="--" + name.replace("_", "-") if extra["text"] and not extra["secret"] else None,
        env=str(extra["env"] or ENVIRONMENT_PREFIX + name.upper()) if extra["text"] else None,
        secret=bool(extra["secret"]),
        repeatable=get_origin(field.annotation) is tuple and bool(extra["text"]),
        allowed=allowed_words(field),
    )


def allowed_words(field: FieldInfo) -> str:
    """What *field* takes, in words: as it was declared, or as its type and its bounds say; empty if they say little."""
    extra = field.json_schema_extra
    if isinstance(extra, dict) and extra.get("allowed"):
        return str(extra["allowed"])
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
