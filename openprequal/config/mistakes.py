"""How is a value that cannot be used told? Where it was said, the value, and what is allowed, in one line."""

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from openprequal.config.schema import Conflict, Settings, allowed_words
from openprequal.config.sources import Given, Mistake
from openprequal.config.substitution import Substitution
from openprequal.config.toml_file import followed
from openprequal.errors import KeyPath, dotted, nearest, suggestion

_SHOWN_CHARACTERS = 80


def mistakes_in(
    model: type[Settings], given: Mapping[str, Given], errors: list[ErrorDetails], substitution: Substitution
) -> Iterator[Mistake]:
    """What pydantic says of *model* made from *given*, in the words of those who wrote it.

    Of several errors of one value, the members of a union for instance, the first is told.
    """
    told: set[KeyPath] = set()
    for error in errors:
        conflicts = error.get("ctx", {}).get("conflicts")
        if conflicts:
            yield from (_conflict(given, error["loc"], conflict, substitution) for conflict in conflicts)
            continue
        mistake = _told(model, given, error, substitution)
        # A list is too short, too, if none of its items can be used.
        if not any(path[: len(mistake.about)] == mistake.about for path in told):
            told.add(mistake.about)
            yield mistake


def place(given: Mapping[str, Given], path: KeyPath) -> tuple[str, int]:
    """Where *path* was said, and in which line of a file; what a service leaves out is said of the gateway."""
    if path[:1] == ("services",) and len(path) > 2:
        services = given.get("services")
        if services is None or len(followed(services.value, path[1:])) < 2:
            path = path[2:]
    source = given.get(str(path[0]))
    return (dotted(path), 0) if source is None else (source.place(path[1:]), source.line(path[1:]))


def _told(
    model: type[Settings], given: Mapping[str, Given], error: ErrorDetails, substitution: Substitution
) -> Mistake:
    path = tuple(part for part in error["loc"] if part != "[key]")
    reason = substitution.masked(_reason(error))
    if not path:
        return Mistake(reason)
    name = str(path[-1])
    source = given.get(str(path[0]))
    inner = () if source is None or source.file is None else followed(source.value, path[1:])
    where, line = place(given, (path[0], *inner))
    field, siblings = _declared(model, path)
    if error["type"] == "extra_forbidden":
        unknown = f"{where}: no such setting{suggestion(name, siblings)}"
        return Mistake(unknown, path, line, meant=nearest(name, siblings))
    if error["type"] == "missing":
        return Mistake(f"{where}: {name} is missing", path, line)
    if error["type"] == "value_error" and isinstance(error["input"], Mapping | BaseModel):
        return Mistake(f"{where}: {reason}", path, line)
    allowed = (field is not None and "[key]" not in error["loc"] and allowed_words(field)) or reason
    allowed = f"must {allowed.removeprefix('should ')}" if allowed.startswith("should ") else f"must be {allowed}"
    if field is not None and _is_secret(field):
        return Mistake(f"{where}: {allowed}", path, line)
    shown = _shown(source, inner, error["input"], substitution)
    return Mistake(f"{where}: {shown} cannot be used: {allowed}", path, line)


def _conflict(given: Mapping[str, Given], at: KeyPath, conflict: Conflict, substitution: Substitution) -> Mistake:
    """Told beside the first of its settings that the file says."""
    about = tuple((*at, *each) for each in conflict.about)
    where, line = "", 0
    for path in about:
        source = given.get(str(path[0]))
        if source is not None and source.file is not None and (line := place(given, path)[1]):
            where = f"{source.file.name}:{line}: "
            break
    return Mistake(f"{where}{substitution.masked(conflict.reason)}", about[0], line, beside=about[1:])


def _reason(error: ErrorDetails) -> str:
    reason = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ").removeprefix("Input ")
    return reason.replace("a valid dictionary", "a table").replace("a valid list", "a list")


def _shown(source: Given | None, inner: KeyPath, value: object, substitution: Substitution) -> str:
    """The value as it was written, if it is that of the whole place, and else the part that is wrong."""
    if source is not None:
        real, written = source.value, source.written
        for key in inner:
            real, written = real[key], written[key]  # type: ignore[index]
        if real == value:
            value = written if source.file is not None or not isinstance(written, list) else ",".join(written)
    shown = substitution.masked(repr(value))
    return shown if len(shown) <= _SHOWN_CHARACTERS else shown[:_SHOWN_CHARACTERS] + "…"


def _declared(model: type[BaseModel], path: KeyPath) -> tuple[FieldInfo | None, Mapping[str, Any]]:
    """The field that *path* leads to, if it ends at one, and those that stand beside it."""
    kinds: list[Any] = [model]
    field, siblings = None, model.model_fields
    for key in path:
        models = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        named = next((one for one in models if key in one.model_fields), None)
        if models:
            siblings = {name: each for one in models for name, each in one.model_fields.items()}
        if named is not None:
            field = named.model_fields[str(key)]
            kinds = _members(field.annotation)
        else:
            # An item of a table or a list, or the member of a union that pydantic tried.
            kinds = [inner for kind in kinds for inner in _items(kind)] or kinds
            if isinstance(key, str) or any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in kinds):
                field = None
    return field, siblings


def _members(kind: Any) -> list[Any]:
    """The members of a union, and of those in it."""
    if get_origin(kind) is Annotated:
        return _members(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return [inner for member in get_args(kind) for inner in _members(member)]
    return [kind]


def _items(kind: Any) -> list[Any]:
    if get_origin(kind) in (dict, list, tuple, Mapping):
        return [inner for argument in get_args(kind) for inner in _members(argument)]
    return []


def _is_secret(field: FieldInfo) -> bool:
    return any(SecretStr in (kind, *_items(kind)) for kind in _members(field.annotation))
