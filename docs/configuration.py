"""What does docs/configuration.md say? Every setting, from the fields that flags, environment and file come from.

``PYTHONPATH=. python docs/configuration.py`` writes the page and the file's JSON schema anew; tests fail where that was
forgotten.
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
from pydantic_core import PydanticUndefined

from openprequal.balancing.catalogue import PARAMETERS
from openprequal.balancing.parameters import allowed_values
from openprequal.config import json_schema
from openprequal.config.agent import AgentSettings
from openprequal.config.changes import needing_restart
from openprequal.config.checks import KINDS
from openprequal.config.compression import CompressionSettings
from openprequal.config.cors import CorsSettings
from openprequal.config.flags import shown
from openprequal.config.gateway import GatewaySettings
from openprequal.config.middleware import MiddlewareSettings
from openprequal.config.routes import RouteSettings
from openprequal.config.schema import Setting, Settings, allowed_words, settings_of
from openprequal.config.services import ServiceSettings
from openprequal.registry.catalogue import PARAMETERS as REGISTRY_PARAMETERS
from openprequal.registry.parameters import RegistryParameters

PAGE = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# Configuration

<!-- Written by docs/configuration.py: change the fields in openprequal/config/ and run it. -->

Every setting is a flag (`--name-with-dashes`), an environment variable and a key of a TOML file (the same name with
underscores), in that order of precedence. The file is named by `--config` or `OPENPREQUAL_CONFIG`. An empty environment
variable is not set; lists are written with commas, in the file as lists; where there may be none, the text `none` says
so. Names that nobody knows, and values that cannot be used, end the start with a line for each; `--check` does only
that ([The file](#the-file)). A token comes from the environment or a file of its own, never from a flag.

Names of classes and functions are dotted paths, `package.module.name`; modules in the working directory are found.
"""

FILE = """\
## The file

```toml
#:schema ./openprequal.schema.json
port = 8000
admin_port = 8100
trusted_proxies = ["10.0.0.0/8"]
token = "${GATEWAY_TOKEN}"

[balancer_parameters]
q_rif = 0.75

[services.reports]  # backends that registered "service": "reports"
load_balancer_class = "RoundRobin"
backend_health_path = "/up"
health_interval_seconds = 30
backend_max_in_flight = "${REPORTS_AT_ONCE:-2}"
queue_max = 1000

[services.legacy]
eject_after_failures = "none"
upstream_ca_file = "/etc/ssl/legacy.pem"

[backend]  # what twistd openprequal-backend reads of the same file
proxy_url = ["http://localhost:8000"]
```

**Services.** What `[services.NAME]` leaves out is as for the gateway, but for three things: parameters stay with
the balancer they are for, a probe path with its report format, and the name of the session cookie ends in that of the
service. The service `default` is there without a table;
`[services.default]` may tell it apart from what holds for all.

**Secrets and what differs from place to place.** In any text of the file `${NAME}` stands for an environment variable,
`${NAME:-default}` for the same with something instead where it is not set (or empty), `${file:/run/secrets/x}` for the
content of a file without the space around it, and `$$` for a dollar sign. They are put in after the file was read, so
that what stands in a variable is never more than a text, or the number, yes or no that it spells (in the parameters of
balancers always a text). A variable that is not set ends the start. What was put in is never shown: messages say
`${NAME}`. A secret may stand in the file in this way only. A reload reads such files anew; the environment of a running
process cannot change.

**Mistakes.** `twistd openprequal --check --config gateway.toml` names them all, in the order of the file, and those of
environment and flags after them; the start does the same before it gives up. Classes, hooks, parameters of balancers
and registries, and files that the settings name are looked at too.

```text
openprequal: gateway.toml:3: admin_port: 70000 cannot be used: must be a whole number from 1 to 65535
openprequal: gateway.toml:9: services.reports.queue_maxx: no such setting; did you mean queue_max?
openprequal: gateway.toml:10: services.reports.queue_max: is set twice
openprequal: gateway.toml:14: upstream_ca_file: '/etc/ssl/legacy.pem' cannot be read: No such file or directory
openprequal: 4 mistakes
```

What one mistake may be the cause of is not told beside it: parameters of a balancer that does not exist, or that
two settings do not fit together of which one cannot be used. All settings right, it says so in a line with services and
ports. The exit status is 0 then, and else 1.

**Completion in editors.** The package brings a JSON schema of the file, with what every key is, its default and what it
allows. Put it beside the file,

```sh
python -m openprequal.config.json_schema > openprequal.schema.json
```

and name it in the first line as above: editors with [Taplo](https://taplo.tamasfe.dev/) (Even Better TOML in VS Code)
complete keys, show what they are, and mark what is wrong while it is typed; `taplo lint` does so in CI.
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

CHECKS = """\
### Checks

Keys of `[checks.NAME]`; a list may also be one text with commas. What they do is told in [checks.md](checks.md).
"""

CHECK = """\
#### `kind = "{kind}"`

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
    names = [name for name in GatewaySettings.model_fields if name in ServiceSettings.model_fields]
    keys = ", ".join(f"`{name}`" for name in names)
    parts = [
        INTRODUCTION,
        "## The gateway: `twistd openprequal`\n",
        *_groups(GatewaySettings),
        f"A running gateway takes other values of all but {fixed} ([operations.md](operations.md)).\n",
        f"A service, `[services.NAME]`, may hold {keys}; what it leaves out is as for the gateway.\n",
        ROUTES,
        *_keys_of(RouteSettings),
        CHECKS,
        *_checks(),
        CORS,
        *_keys_of(CorsSettings),
        COMPRESSION,
        *_keys_of(CompressionSettings),
        "### Parameters of the balancers\n",
        "Keys of `balancer_parameters`, of the gateway or of a service. What the balancers are for is told in "
        "[balancers.md](balancers.md).\n",
        *_parameters(),
        "### Parameters of the registries\n",
        "Keys of `registry_parameters`. What the registries are for is told in [registries.md](registries.md).\n",
        *_registry_parameters(),
        "## The example backend: `twistd openprequal-backend`\n",
        *_groups(AgentSettings),
        MIDDLEWARES,
        *_rows(MiddlewareSettings),
        FILE,
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


def _checks() -> Iterator[str]:
    """A table for each kind of check."""
    for kind, model in KINDS.items():
        yield CHECK.format(kind=kind)
        yield from _keys_of(model, defaults=True)


def _keys_of(model: type[BaseModel], *, defaults: bool = False) -> Iterator[str]:
    """The rows of the table of the keys of a table in the file."""
    meanings = _docstrings(model, BaseModel)
    common = settings_of(GatewaySettings)
    for name, field in model.model_fields.items():
        # Keys that the gateway has too are told of there.
        meaning = meanings.get(name) or f"As the gateway's `{name}`."
        if name == "kind":
            continue
        if defaults and field.default not in (None, PydanticUndefined, (), {}):
            meaning += f" Default: {_listed(field.default)}."
        yield f"| `{name}` | {_kind(name, field, common)} | {meaning} |"
    yield ""


def _kind(name: str, field: FieldInfo, common: Mapping[str, Setting]) -> str:
    """What the key takes, in words."""
    if name in common and common[name].allowed:
        return common[name].allowed
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
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


def _registry_parameters() -> Iterator[str]:
    """A table for each registry."""
    for name, model in REGISTRY_PARAMETERS.items():
        yield f"#### `{name}`\n"
        if not model.model_fields:
            yield "None.\n"
            continue
        meanings = _docstrings(model, RegistryParameters)
        yield "| key | default | what it is | allowed |\n|---|---|---|---|"
        for key, field in model.model_fields.items():
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            default = "" if field.is_required() or default == {} else shown(default)
            yield f"| `{key}` | {default} | {meanings[key]} | {allowed_words(field) or _kind(key, field, {})} |"
        yield ""


def _default(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else f"`{value}`" if isinstance(value, str) else _default(value)


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
    json_schema.FILE.write_text(json_schema.text(), "utf-8")
