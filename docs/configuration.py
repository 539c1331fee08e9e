"""What does docs/configuration.md say? Every setting, from the fields that flags, environment and file come from.

``PYTHONPATH=. python docs/configuration.py`` writes the page anew; a test fails where that was forgotten.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import attrs
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from openprequal.balancing.catalogue import PARAMETERS
from openprequal.balancing.parameters import allowed_values
from openprequal.config.agent import AgentSettings
from openprequal.config.changes import needing_restart
from openprequal.config.compression import CompressionSettings
from openprequal.config.cors import CorsSettings
from openprequal.config.flags import shown
from openprequal.config.gateway import GatewaySettings
from openprequal.config.middleware import MiddlewareSettings
from openprequal.config.routes import RouteSettings
from openprequal.config.schema import Setting, Settings, settings_of
from openprequal.config.services import ServiceSettings

PAGE = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# Configuration

<!-- Written by docs/configuration.py: change the fields in openprequal/config/ and run it. -->

Every setting is a flag (`--name-with-dashes`), an environment variable and a key of a TOML file (the same name with
underscores), in that order of precedence. The file is named by `--config` or `OPENPREQUAL_CONFIG`. An empty environment
variable is not set; lists are written with commas, in the file as lists; where there may be none, the text `none` says
so. A name that nobody knows, or a value that cannot be used, ends the start with one line; `--check` does only that.
A token comes from the environment or a file of its own, never from a flag or the settings file.

Names of classes and functions are dotted paths, `package.module.name`; modules in the working directory are found.
"""

EXAMPLE = """\
## A file

```toml
port = 8000
admin_port = 8100
trusted_proxies = ["10.0.0.0/8"]

[balancer_parameters]
q_rif = 0.75

[services.reports]
load_balancer_class = "RoundRobin"
backend_health_path = "/up"

[backend]  # what twistd openprequal-backend reads of the same file
proxy_url = ["http://localhost:8000"]
```
"""


ROUTES = """\
### Routes

Keys of `[[routes]]`; a list may also be one text with commas. What they do is told in [routes.md](routes.md).

| key | allowed | what it is |
|---|---|---|"""


CORS = """\
### Other origins

Keys of `[cors.NAME]`; a list may also be one text with commas. What they do is told in [responses.md](responses.md).

| key | allowed | what it is |
|---|---|---|"""

COMPRESSION = """\
### Compression

Keys of `[compression]`, likewise.

| key | allowed | what it is |
|---|---|---|"""


MIDDLEWARES = """\
## Python applications: the middlewares

Each is a keyword argument of the one line by which an application joins ([backends.md](backends.md)), or an environment
variable; the keyword goes first. No file is read. A wrong value is logged, and the application serves without joining.

| keyword | environment | default | what it is | allowed |
|---|---|---|---|---|"""


def page() -> str:
    """The whole page, in Markdown."""
    fixed = ", ".join(f"`{name}`" for name in needing_restart(list(GatewaySettings.model_fields)))
    keys = ", ".join(f"`{name}`" for name in ServiceSettings.model_fields)
    parts = [
        INTRODUCTION,
        "## The gateway: `twistd openprequal`\n",
        *_groups(GatewaySettings),
        f"A running gateway takes other values of all but {fixed} ([operations.md](operations.md)).\n",
        f"A service, `[services.NAME]`, may hold {keys}; what it leaves out is as for the gateway.\n",
        ROUTES,
        *_keys_of(RouteSettings),
        CORS,
        *_keys_of(CorsSettings),
        COMPRESSION,
        *_keys_of(CompressionSettings),
        "### Parameters of the balancers\n",
        "Keys of `balancer_parameters`, of the gateway or of a service. What the balancers are for is told in "
        "[balancers.md](balancers.md).\n",
        *_parameters(),
        "## The example backend: `twistd openprequal-backend`\n",
        *_groups(AgentSettings),
        MIDDLEWARES,
        *_rows(MiddlewareSettings),
        EXAMPLE,
    ]
    return "\n".join(parts)


def _groups(model: type[Settings]) -> Iterator[str]:
    """A table for each heading of ``--help``."""
    settings = [setting for setting in settings_of(model).values() if setting.group]
    for group in dict.fromkeys(setting.group for setting in settings):
        yield f"### {group}\n"
        yield "| flag or key | environment | default | what it is | allowed |\n|---|---|---|---|---|"
        yield from (_row(setting) for setting in settings if setting.group == group)
        yield ""


def _rows(model: type[Settings]) -> Iterator[str]:
    """The rows of one table, of settings that a program gives."""
    yield from (_row(setting, f"`{setting.name}`") for setting in settings_of(model).values())
    yield ""


def _row(setting: Setting, name: str | None = None) -> str:
    if name is None:
        name = "" if setting.secret else f"`{setting.flag or setting.name}`"
    variable = f"`{setting.env}`" if setting.env else ""
    default = "" if setting.secret or setting.default == {} else shown(setting.default)
    return f"| {name} | {variable} | {default} | {setting.description} | {setting.allowed} |"


def _keys_of(model: type[BaseModel]) -> Iterator[str]:
    """The rows of the table of the keys of a table in the file."""
    meanings = _docstrings(model, BaseModel)
    common = settings_of(GatewaySettings)
    for name, field in model.model_fields.items():
        # Keys that the gateway has too are told of there.
        meaning = meanings.get(name) or f"As the gateway's `{name}`."
        yield f"| `{name}` | {_kind(name, field, common)} | {meaning} |"
    yield ""


def _kind(name: str, field: FieldInfo, common: Mapping[str, Setting]) -> str:
    """What the key takes, in words."""
    if name in common and common[name].allowed:
        return common[name].allowed
    words = {bool: "true or false", int: "a whole number", str: "a text"}
    (annotation, *_) = get_args(field.annotation) if NoneType in get_args(field.annotation) else (field.annotation,)
    kind = get_origin(annotation) or annotation
    if kind is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return "a table"
    return "a list" if kind is tuple else words.get(kind, "a text")


def _parameters() -> Iterator[str]:
    """A table for each set of parameters, and the balancers that take it."""
    for model in dict.fromkeys(PARAMETERS.values()):
        names = " and ".join(f"`{name}`" for name, taken in PARAMETERS.items() if taken is model)
        fields = attrs.fields(model)
        yield f"#### {names}\n"
        if not fields:
            yield "None.\n"
            continue
        meanings = _docstrings(model)
        yield "| key | default | what it is | allowed |\n|---|---|---|---|"
        for field in fields:
            cells = f"`{field.name}`", _default(field.default), meanings[field.name], _allowed(field.metadata)
            yield f"| {' | '.join(cells)} |"
        yield ""


def _default(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _docstrings(model: type, above: type = object) -> Mapping[str, str]:
    """What stands under each field of *model*, its own and those it inherits, by its name."""
    found = {}
    for each in reversed(model.__mro__[: model.__mro__.index(above)]):
        body = ast.parse(inspect.getsource(each)).body[0].body  # type: ignore[attr-defined]
        for field, text in pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
                found[ast.unparse(field.target)] = " ".join(ast.literal_eval(text.value).split()).replace("``", "`")
    return found


def _allowed(limits: Mapping[Any, Any]) -> str:
    if limits.get("high") == float("inf"):
        kind = "a whole number" if limits["whole"] else "a number"
        return f"{kind} of at least {limits['low']:g}"
    return allowed_values(limits)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
