"""The command line of a settings model: one flag for each setting that takes text, and a help that reads well."""

import os
import sys
import textwrap
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.python import usage

from openprequal import __version__
from openprequal.config.schema import Setting, Settings, settings_of

_INDENT = " " * 6


class SettingsOptions(usage.Options):
    """Collects what was given for the settings of :attr:`model`, unparsed; whoever loads the settings judges it.

    Subclasses name the model. Every flag is also there in the twistd way (``optFlags``, ``opt_…``) for what is no
    setting.
    """

    model: ClassVar[type[Settings]]
    examples: ClassVar[tuple[str, ...]] = ()
    longdesc = ""
    synopsis = "[options]"

    optParameters: ClassVar[list[list[object]]] = [
        ["config", "c", None, "TOML file with settings; OPENPREQUAL_CONFIG."]
    ]
    optFlags: ClassVar[list[list[object]]] = [["check", None, "Check the settings and all they name, and exit."]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for setting in settings_of(cls.model).values() if "model" in vars(cls) else ():
            if setting.secret:
                setattr(cls, f"opt_{setting.name}", _refuser(setting))
            elif setting.flag:
                setattr(cls, f"opt_{setting.name}", _recorder(setting))

    def __init__(self) -> None:
        self.given: dict[str, list[str]] = {}
        """The texts given for each setting, by its name, in order."""
        super().__init__()  # type: ignore[no-untyped-call]

    def opt_version(self) -> None:
        """Show the version and exit."""
        sys.stdout.write(f"openprequal {__version__}\n")
        sys.exit(0)

    def getUsage(self, width: int | None = None) -> str:
        """The help under the synopsis: what it is, examples, every flag under its group's heading."""
        width = width or int(os.environ.get("COLUMNS", "80"))
        lines = ["", *textwrap.wrap(self.longdesc, width), "", *(f"  {example}" for example in self.examples)]
        groups: dict[str, list[Setting]] = {}
        for setting in settings_of(self.model).values():
            if setting.group:
                groups.setdefault(setting.group, []).append(setting)
        lines += ["", "Each setting is a flag, an environment variable and a key of the TOML file, in that precedence."]
        for heading, settings in groups.items():
            lines += ["", f"{heading}:"]
            for setting in settings:
                lines += _help(setting, width)
        lines += ["", "Else:"]
        for name, doc in (("config=FILE", self.docs["config"]), ("check", self.docs["check"])):
            lines += [f"  --{name}", *_wrapped(str(doc), width)]
        lines += ["  --help, --version", *_wrapped("Show this help, or the version, and exit.", width)]
        return "\n".join(lines) + "\n"


def _recorder(setting: Setting) -> Callable[[SettingsOptions, str], None]:
    def record(self: SettingsOptions, text: str) -> None:
        self.given.setdefault(setting.name, []).append(text)

    record.__doc__ = setting.description
    return record


def _refuser(setting: Setting) -> Callable[[SettingsOptions, str], None]:
    """A flag that exists only to be refused: else getopt would take ``--token`` as short for ``--token-file``."""

    def refuse(self: SettingsOptions, text: str) -> None:
        name = setting.name
        raise usage.UsageError(f"--{name}: flags show in ps: set {setting.env} or --{name}-file")

    return refuse


def _help(setting: Setting, width: int) -> list[str]:
    """The lines of *setting*: its names, then what it is and its default."""
    key = f"{setting.name} ({'tables' if isinstance(setting.default, tuple) else 'table'} of the file)"
    names = [name for name in (setting.flag and f"{setting.flag}=", setting.env) if name]
    repeat = " May be repeated." if setting.repeatable else ""
    default = "" if setting.secret or setting.default == {} else f" Default: {shown(setting.default)}."
    return [f"  {'  '.join(names or [key])}", *_wrapped(f"{setting.description}{repeat}{default}", width)]


def shown(default: object) -> str:
    """*default* as somebody would write it on a command line."""
    if isinstance(default, bool):
        return "yes" if default else "no"
    if isinstance(default, tuple):
        return ", ".join(map(str, default)) or "none"
    return "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent=_INDENT, subsequent_indent=_INDENT)
