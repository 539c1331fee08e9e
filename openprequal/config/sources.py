"""What each source says of the settings: command line, environment, TOML file; and where a value was said."""

import re
import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from attrs import frozen

from openprequal.config.schema import ENVIRONMENT_PREFIX, Setting, Settings, settings_of
from openprequal.errors import ConfigurationError

CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"
"""Names the file where no ``--config`` does."""

_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$")
# Other commands' tables, not mistakes.
_OTHER_TABLES = frozenset({"backend"})


@frozen
class Given:
    """A value that somebody set, and where, in the words they would recognise."""

    value: object
    where: str


def suggestion(name: str, known: Collection[str]) -> str:
    """``; did you mean x?`` if something in *known* is close to *name*, else nothing."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def from_flags(model: type[Settings], flags: Mapping[str, list[str]]) -> dict[str, Given]:
    """What the command line said: the texts given for each setting, in order. The last decides, unless it is a list."""
    settings = settings_of(model)
    return {
        name: Given(texts if settings[name].repeatable else _text(settings[name], texts[-1]), f"{settings[name].flag}")
        for name, texts in flags.items()
    }


def from_environment(
    model: type[Settings], environ: Mapping[str, str], known: Collection[str] = ()
) -> dict[str, Given]:
    """What the environment says. An empty variable is not set, as Compose files and charts write it.

    :param known: variables of other commands, which are no mistakes here.
    :raises ConfigurationError: a variable ``OPENPREQUAL_…`` that nobody knows.
    """
    environ = {name: value for name, value in environ.items() if value and not _service_link(name, value)}
    settings = [setting for setting in settings_of(model).values() if setting.env]
    names = {CONFIG_VARIABLE, *known, *(setting.env for setting in settings if setting.env)}
    for name in environ:
        if name.startswith(ENVIRONMENT_PREFIX) and name not in names:
            raise ConfigurationError(f"{name}: no such setting{suggestion(name, names)}")
    return {
        setting.name: Given(_text(setting, environ[setting.env]), setting.env)
        for setting in settings
        if setting.env and setting.env in environ
    }


def from_file(model: type[Settings], file: str) -> dict[str, Given]:
    """What the TOML file says of *model*'s settings.

    :raises ConfigurationError: unreadable, not TOML (with the line), an unknown key, or a secret.
    """
    try:
        document = tomllib.loads(Path(file).read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file}: is not TOML: {error}") from None
    prefix = f"{model.file_table}." if model.file_table else ""
    table = document.get(model.file_table, {}) if model.file_table else document
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file}: {model.file_table}: must be a table")
    settings = settings_of(model)
    given = {}
    for name, value in table.items():
        if not prefix and name in _OTHER_TABLES:
            continue
        if name not in settings:
            raise ConfigurationError(f"{file}: {prefix}{name}: no such setting{suggestion(name, settings)}")
        if settings[name].secret:
            raise ConfigurationError(
                f"{file}: {prefix}{name}: a secret: set {settings[name].env} or {name}_file instead"
            )
        given[name] = Given(value, f"{file}: {prefix}{name}")
    return given


def _text(setting: Setting, text: str) -> object:
    return None if setting.optional and text.strip().lower() == "none" else text


def _service_link(name: str, value: str) -> bool:
    """Kubernetes tells every pod of a Service named openprequal (or backend) by such variables; they are not for us."""
    return bool(_SERVICE_LINK.search(name) or (name.endswith("_PORT") and _ADDRESS.match(value)))
