"""What may a user set on a registry, and is what they set usable?"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from openprequal.errors import ConfigurationError, suggestion


class RegistryParameters(BaseModel):
    """The parameters of one kind of registry: fields with what they are right under them, for the documentation.

    A field may say what it takes in words: ``Field(json_schema_extra={"allowed": "…"})``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, str_strip_whitespace=True
    )


Parameters = TypeVar("Parameters", bound=RegistryParameters)


def read_parameters(cls: type[Parameters], given: Mapping[str, object], registry: str) -> Parameters:
    """An instance of *cls* made from *given*, the table ``registry_parameters``.

    :param registry: the kind, for people.
    :raises ConfigurationError: a name is unknown, missing, or a value cannot be used; the message tells what is
        allowed. The first mistake is told; without what it is about, the next shows.
    """
    try:
        return cls.model_validate(dict(given))
    except ValidationError as error:
        raise _told(cls, error.errors(include_url=False)[0], registry) from None


def _told(cls: type[RegistryParameters], error: ErrorDetails, registry: str) -> ConfigurationError:
    path = tuple(part for part in error["loc"] if part != "[key]")
    about = ("registry_parameters", *path)
    if error["type"] == "extra_forbidden" and len(path) == 1:
        allowed = ", ".join(cls.model_fields) or "none"
        reason = f"{registry} has no such parameter; allowed: {allowed}{suggestion(str(path[0]), cls.model_fields)}"
        return ConfigurationError(reason, about=about)
    if error["type"] == "extra_forbidden":
        return ConfigurationError("there is no such key", about=about)
    if error["type"] == "missing":
        return ConfigurationError(f"is missing: {registry} needs it", about=about)
    reason = error["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("should ")
    reason = reason.replace("valid dictionary", "table").replace("valid list", "list").replace("valid tuple", "list")
    field = cls.model_fields.get(str(path[0])) if path else None
    extra: Any = None if field is None else field.json_schema_extra
    # A validator of one's own, and a choice of words, say it better.
    worded = error["type"] in ("value_error", "literal_error")
    if isinstance(extra, dict) and extra.get("allowed") and not worded:
        reason = f"must be {extra['allowed']}"
    elif reason.startswith("be "):
        reason = f"must {reason}"
    secret = field is not None and "SecretStr" in str(field.annotation)
    if secret or not path or isinstance(error["input"], dict | BaseModel | SecretStr):
        return ConfigurationError(reason, about=about)
    return ConfigurationError(f"{str(ascii(error['input']))[:80]} cannot be used: {reason}", about=about)
