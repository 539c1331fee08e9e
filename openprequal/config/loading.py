"""From everything that was said, by precedence, to settings; or to a line for each mistake."""

from collections.abc import Mapping
from pathlib import Path
from typing import Generic, TypeVar

from attrs import frozen
from pydantic import ValidationError

from openprequal.config.agent import AgentSettings
from openprequal.config.consequences import concerns, follows, leave_out, tables_copied
from openprequal.config.gateway import GatewaySettings
from openprequal.config.mistakes import mistakes_in, place
from openprequal.config.schema import Settings, settings_of
from openprequal.config.sources import (
    CONFIG_VARIABLE,
    Given,
    Mistake,
    from_environment,
    from_file,
    from_flags,
)
from openprequal.config.substitution import Substitution
from openprequal.config.tokens import lines_of
from openprequal.config.toml_file import TomlFile
from openprequal.errors import ConfigurationError, suggestion

S = TypeVar("S", bound=Settings)

COMMANDS: tuple[type[Settings], ...] = (GatewaySettings, AgentSettings)
"""All that may share one environment; each knows the others' variables are no mistakes."""

_ROUNDS = 5
"""Of leaving out what cannot be used, after which no settings are left to be looked at."""


@frozen
class Reading(Generic[S]):
    """What was said, as far as it can be used."""

    settings: S | None
    """Without what is wrong; None: nothing can be made of the rest."""
    mistakes: list[Mistake]
    given: Mapping[str, Given]
    substitution: Substitution

    def mistake(self, error: ConfigurationError) -> Mistake | None:
        """*error*, which showed when something was made from the settings, where it was said.

        None: it follows from another mistake.
        """
        reason = self.substitution.masked(error.reason)
        if not error.about:
            return Mistake(reason)
        if any(concerns(error.about, mistake, meant=False) for mistake in self.mistakes):
            return None
        where, line = place(self.given, error.about)
        return Mistake(f"{where}: {reason}", error.about, line)


def load(model: type[S], flags: Mapping[str, list[str]], environ: Mapping[str, str], config: str | None = None) -> S:
    """The settings: flags before environment before the file *config* (or ``OPENPREQUAL_CONFIG``) before defaults.

    :param flags: the texts given on the command line, by the setting's name.
    :raises ConfigurationError: a line for each mistake, that names the setting, the value and what is allowed.
    """
    return _usable(read(model, flags, environ, config))


def read(
    model: type[S], flags: Mapping[str, list[str]], environ: Mapping[str, str], config: str | None = None
) -> Reading[S]:
    """The same, and what is wrong."""
    name = config or environ.get(CONFIG_VARIABLE)
    mistakes: list[Mistake] = []
    substitution = Substitution(environ)
    given: dict[str, Given] = {}
    whole = True
    if name:
        try:
            file = TomlFile(name)
        except ConfigurationError as error:
            mistakes.append(Mistake(error.reason))
        else:
            whole = file.whole
            given = from_file(model, file, substitution, mistakes)
    given |= from_environment(model, environ, mistakes, _variables())
    given |= from_flags(model, flags)
    return _read(model, given, substitution, mistakes, whole=whole)


def from_program(model: type[S], arguments: Mapping[str, object], environ: Mapping[str, str]) -> S:
    """The settings of what a program calls: keyword arguments before environment before defaults; no file.

    :raises ConfigurationError: a line for each mistake, that names the setting, the value and what is allowed.
    """
    settings = settings_of(model)
    mistakes = [
        Mistake(f"{name}=: no such setting{suggestion(name, settings)}") for name in arguments if name not in settings
    ]
    given = from_environment(model, environ, mistakes, _variables())
    given |= {name: Given(value, f"{name}=", value) for name, value in arguments.items() if name in settings}
    return _usable(_read(model, given, Substitution(environ), mistakes))


def one_line_each(mistakes: list[Mistake]) -> str:
    """*mistakes* for people: those of the file in the order of its lines, then the others."""
    return "\n".join(
        dict.fromkeys(mistake.text for mistake in sorted(mistakes, key=lambda one: one.line or float("inf")))
    )


def _usable(reading: Reading[S]) -> S:
    if reading.mistakes or reading.settings is None:
        raise ConfigurationError(one_line_each(reading.mistakes))
    return reading.settings


def _variables() -> set[str]:
    return {setting.env for command in COMMANDS for setting in settings_of(command).values() if setting.env}


def _read(
    model: type[S],
    given: dict[str, Given],
    substitution: Substitution,
    mistakes: list[Mistake],
    *,
    whole: bool = True,
) -> Reading[S]:
    """The settings; where some cannot be used they are left out, so that what is wrong with the others shows too.

    :param whole: nothing else was said that could not be read.
    """
    for secret in ("token", "sticky_keys"):
        _read_secret(given, secret, mistakes)
    values = {name: tables_copied(each.value) for name, each in given.items()}
    for mistake in mistakes:
        leave_out(values, mistake.about)
    settings = None
    for number in range(_ROUNDS):
        try:
            settings = model.model_validate(values)
            break
        except ValidationError as error:
            details = error.errors(include_url=False)
        # After the first round all but conflicts follows from what is left out.
        wrong = [each for each in details if number == 0 or "conflicts" in each.get("ctx", {})]
        if not whole:
            wrong = [each for each in wrong if each["type"] not in ("missing", "conflict")]
        found = mistakes_in(model, given, wrong, substitution)
        mistakes += [one for one in found if not follows(one, mistakes)]
        for mistake in mistakes_in(model, given, details, substitution):
            leave_out(values, mistake.about)
    return Reading(settings, mistakes, given, substitution)


def _read_secret(given: dict[str, Given], name: str, mistakes: list[Mistake]) -> None:
    """Put the secrets beside the file that holds them, so that nobody else needs to know there are two ways."""
    file = given.get(f"{name}_file")
    if file is None or not isinstance(file.value, str) or file.value.strip().lower() == "none":
        return
    if name in given:
        text = f"{given[name].place()} and {file.place()} are both set: only one can be"
        mistakes.append(Mistake(text, (name,), file.line()))
        return
    try:
        secrets = lines_of(Path(file.value).read_text("utf-8"))
    except OSError as error:
        text = f"{file.place()}: {file.written!r} cannot be read: {error.strerror}"
        mistakes.append(Mistake(text, (f"{name}_file",), file.line()))
        return
    except UnicodeDecodeError:
        secrets = []
    given[name] = Given(secrets, f"{file.place()}: content of {file.written}", "")
