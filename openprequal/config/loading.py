"""From everything that was said, by precedence, to settings; or to one line about what is wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from openprequal.config.agent import AgentSettings
from openprequal.config.gateway import GatewaySettings
from openprequal.config.rate_limits import RateLimitSettings
from openprequal.config.schema import Settings, settings_of
from openprequal.config.services import ServiceSettings
from openprequal.config.sources import CONFIG_VARIABLE, Given, from_environment, from_file, from_flags, suggestion
from openprequal.errors import ConfigurationError

S = TypeVar("S", bound=Settings)

COMMANDS: tuple[type[Settings], ...] = (GatewaySettings, AgentSettings)
"""All that may share one environment; each knows the others' variables are no mistakes."""

_SHOWN_CHARACTERS = 80


def load(model: type[S], flags: Mapping[str, list[str]], environ: Mapping[str, str], config: str | None = None) -> S:
    """The settings: flags before environment before the file *config* (or ``OPENPREQUAL_CONFIG``) before defaults.

    :param flags: the texts given on the command line, by the setting's name.
    :raises ConfigurationError: one line that names the setting, the value and what is allowed.
    """
    file = config or environ.get(CONFIG_VARIABLE)
    given = {
        **(from_file(model, file) if file else {}),
        **from_environment(model, environ, _variables()),
        **from_flags(model, flags),
    }
    return _validated(model, given)


def from_program(model: type[S], arguments: Mapping[str, object], environ: Mapping[str, str]) -> S:
    """The settings of what a program calls: keyword arguments before environment before defaults; no file.

    :raises ConfigurationError: one line that names the setting, the value and what is allowed.
    """
    settings = settings_of(model)
    for name in arguments:
        if name not in settings:
            raise ConfigurationError(f"{name}=: no such setting{suggestion(name, settings)}")
    return _validated(
        model,
        {
            **from_environment(model, environ, _variables()),
            **{name: Given(value, f"{name}=") for name, value in arguments.items()},
        },
    )


def _variables() -> set[str]:
    return {setting.env for command in COMMANDS for setting in settings_of(command).values() if setting.env}


def _validated(model: type[S], given: dict[str, Given]) -> S:
    _read_token(given)
    try:
        return model.model_validate({name: each.value for name, each in given.items()})
    except ValidationError as error:
        raise ConfigurationError(_line(model, given, error.errors(include_url=False)[0])) from None


def _read_token(given: dict[str, Given]) -> None:
    """Replace the file that holds the token by the token, so that nobody else needs to know there are two ways."""
    file = given.get("token_file")
    if file is None or not isinstance(file.value, str):
        return
    if "token" in given:
        raise ConfigurationError(f"{given['token'].where} and {file.where} are both set: only one can be the token")
    try:
        token = Path(file.value).read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{file.where}: {file.value}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        token = ""
    given["token"] = Given(token, f"{file.where}: content of {file.value}")


def _line(model: type[Settings], given: Mapping[str, Given], error: ErrorDetails) -> str:
    """One of pydantic's errors in one line: where it was set, the value, what is allowed."""
    path = [str(part) for part in error["loc"]]
    reason = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    reason = reason.replace("a valid dictionary", "a table")
    if not path:
        return reason
    setting = settings_of(model)[path[0]]
    source = given[path[0]].where if path[0] in given else path[0]
    inner = [] if setting.repeatable else [part for part in path[1:] if part != "[key]"]
    where = ".".join([source, *inner])
    if error["type"] == "extra_forbidden":
        table = RateLimitSettings if path[0] == "rate_limits" else ServiceSettings
        return f"{where}: no such setting{suggestion(path[-1], table.model_fields)}"
    allowed = setting.allowed if setting.allowed and not inner else reason
    if setting.secret:
        return f"{where}: must be {allowed}"
    shown = repr(error["input"])
    if len(shown) > _SHOWN_CHARACTERS:
        shown = shown[:_SHOWN_CHARACTERS] + "…"
    verb = "" if allowed.startswith("should ") else "must be "
    return f"{where}: {shown} cannot be used: {verb}{allowed}"
