"""What each source says of the settings: command line, environment, TOML file; and where a value was said."""

import re
from collections.abc import Collection, Mapping

from attrs import frozen

from openprequal.config.schema import ENVIRONMENT_PREFIX, Settings, settings_of
from openprequal.config.substitution import Substitution, refers
from openprequal.config.toml_file import TomlFile
from openprequal.errors import KeyPath, dotted, nearest, suggestion

CONFIG_VARIABLE = ENVIRONMENT_PREFIX + "CONFIG"
"""Names the file where no ``--config`` does."""
GATEWAY_VARIABLE = ENVIRONMENT_PREFIX + "GATEWAY"
"""Tells the command ``openprequal`` where the gateway is; no setting."""

_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$")
# Other commands' tables, not mistakes.
_OTHER_TABLES = frozenset({"backend"})


@frozen
class Given:
    """A value that somebody set, and where, in the words they would recognise."""

    value: object
    where: str
    written: object
    """As it stands there, references and all."""
    file: TomlFile | None = None
    path: KeyPath = ()
    """Where in the file it is."""

    def place(self, inner: KeyPath = ()) -> str:
        """Where *inner* of the value was said."""
        return dotted((self.where, *inner)) if self.file is None else self.file.place((*self.path, *inner))

    def line(self, inner: KeyPath = ()) -> int:
        """In which line of the file; 0: there is no file."""
        return 0 if self.file is None else self.file.line_of((*self.path, *inner)) or 0


@frozen
class Mistake:
    """Something wrong, told in one line."""

    text: str
    about: KeyPath = ()
    """The setting; empty: none in particular."""
    line: int = 0
    """Of the file; 0: it is elsewhere."""
    beside: tuple[KeyPath, ...] = ()
    """The settings it does not fit together with."""
    meant: str | None = None
    """The setting that was meant, perhaps, by a name that is none."""


def from_flags(model: type[Settings], flags: Mapping[str, list[str]]) -> dict[str, Given]:
    """What the command line said: the texts given for each setting, in order. The last decides, unless it is a list."""
    settings = settings_of(model)
    given = {}
    for name, texts in flags.items():
        value = texts if settings[name].repeatable else texts[-1]
        given[name] = Given(value, f"{settings[name].flag}", value)
    return given


def from_environment(
    model: type[Settings], environ: Mapping[str, str], mistakes: list[Mistake], known: Collection[str] = ()
) -> dict[str, Given]:
    """What the environment says. An empty variable is not set, as Compose files and charts write it.

    :param mistakes: gets the variables ``OPENPREQUAL_…`` that nobody knows.
    :param known: variables of other commands, which are no mistakes here.
    """
    environ = {name: value for name, value in environ.items() if value and not _service_link(name, value)}
    settings = [setting for setting in settings_of(model).values() if setting.env]
    names = {CONFIG_VARIABLE, GATEWAY_VARIABLE, *known, *(setting.env for setting in settings if setting.env)}
    for name in environ:
        if name.startswith(ENVIRONMENT_PREFIX) and name not in names:
            mistakes.append(Mistake(f"{name}: no such setting{suggestion(name, names)}"))
    return {
        setting.name: Given(environ[setting.env], setting.env, environ[setting.env])
        for setting in settings
        if setting.env and setting.env in environ
    }


def from_file(
    model: type[Settings], file: TomlFile, substitution: Substitution, mistakes: list[Mistake]
) -> dict[str, Given]:
    """What *file* says of *model*'s settings.

    :param mistakes: gets what is no TOML, unknown keys, secrets, and references to what is not there.
    """
    mistakes += [Mistake(text, line=line) for line, text in file.mistakes]
    prefix: KeyPath = (model.file_table,) if model.file_table else ()
    table = file.document.get(model.file_table, {}) if model.file_table else file.document
    if not isinstance(table, dict):
        mistakes.append(Mistake(f"{file.place(prefix)}: must be a table", line=file.line_of(prefix) or 0))
        return {}
    settings = settings_of(model)
    given = {}
    for name, written in table.items():
        if not prefix and name in _OTHER_TABLES:
            continue
        here = Given(written, name, written, file, (*prefix, name))
        if name not in settings:
            reason = f"no such setting{suggestion(name, settings)}"
            mistakes.append(Mistake(f"{here.place()}: {reason}", (name,), here.line(), meant=nearest(name, settings)))
        elif settings[name].secret and not refers(written):
            reason = f"a secret: write ${{NAME}}, or set {settings[name].env} or {name}_file instead"
            mistakes.append(Mistake(f"{here.place()}: {reason}", (name,), here.line()))
        else:
            value = substitution.replaced(written, (name,))
            given[name] = Given(value, name, written, file, here.path)
    for error in substitution.mistakes:
        where = (*prefix, *error.about)
        mistakes.append(Mistake(f"{file.place(where)}: {error.reason}", error.about, file.line_of(where) or 0))
    return given


def _service_link(name: str, value: str) -> bool:
    """Kubernetes tells every pod of a Service named openprequal (or backend) by such variables; they are not for us."""
    return bool(_SERVICE_LINK.search(name) or (name.endswith("_PORT") and _ADDRESS.match(value)))
