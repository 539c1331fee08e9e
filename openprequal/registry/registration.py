"""Which backend does a registration describe, the body of a request or an entry of a file?"""

import re
from collections.abc import Collection
from typing import Annotated, Final, TypeVar

from attrs import fields, frozen
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from openprequal.errors import RegistrationRefused
from openprequal.registry.backend_url import canonical_url
from openprequal.values import DEFAULT_SERVICE, Backend, LoadReport, LoadState

_PATH: Final = re.compile(r"/[\x21-\x7e]{0,2047}")


def _path(value: str) -> str:
    if not _PATH.fullmatch(value) or "#" in value:
        raise PydanticCustomError("path", "must start with / and hold printable ASCII without spaces or #")
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
Path = Annotated[str, AfterValidator(_path)]
Weight = Annotated[float, Field(ge=0.001, le=1_000_000, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Priority = Annotated[int, Field(ge=0, le=1000)]
Zone = Annotated[str, Field(min_length=1, max_length=63)]
Load = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LoadBody(_Body):
    """``load``: the same three words as in the ``OpenPrequal-Load`` field."""

    rif: Load
    latency: Load | None = None
    """Seconds."""
    state: Annotated[LoadState, Field(strict=False)] = LoadState.READY


class NamingBody(_Body):
    """What names a service."""

    service: str = DEFAULT_SERVICE


class UnregistrationBody(NamingBody):
    """What names a backend."""

    url: str
    port: Port | None = None
    """May repeat the URL's port, or give it if the URL has none."""


class RegistrationBody(UnregistrationBody):
    """``POST /register``; a member that is null counts as absent where it may be absent."""

    weight: Weight = 1.0
    health_path: Path | None = None
    probe_path: Path | None = None
    probe_port: Port | None = None
    priority: Priority = 0
    zone: Zone | None = None
    heartbeat_seconds: Seconds | None = None
    load: LoadBody | None = None


MEMBERS: Final = tuple(field for field in fields(Backend) if field.init and field.name in RegistrationBody.model_fields)
"""What a registration tells of a :class:`~openprequal.values.Backend`: the fields of the same names."""

Body = TypeVar("Body", bound=_Body)


@frozen
class Registration:
    """A registration that can be taken."""

    backend: Backend
    load: LoadReport | None


def read_registration(body: object, services: Collection[str] | None) -> Registration:
    """The registration that *body*, a JSON value, asks for.

    :param services: the services there are; None: nobody knows here.
    :raises RegistrationRefused: (400) naming the first member at fault and what is wrong with it.
    """
    told = validated(RegistrationBody, body)
    backend = Backend(
        url=canonical_url(told.url, told.port),
        service=known_service(told.service, services),
        weight=told.weight,
        health_path=told.health_path,
        probe_path=told.probe_path,
        probe_port=told.probe_port,
        priority=told.priority,
        zone=told.zone,
        heartbeat_seconds=told.heartbeat_seconds,
    )
    load = None if told.load is None else LoadReport(told.load.rif, told.load.latency, told.load.state)
    return Registration(backend, load)


def read_unregistration(body: object, services: Collection[str]) -> Backend:
    """The backend, by its URL and service, that *body* asks to remove.

    :raises RegistrationRefused: as in :func:`read_registration`.
    """
    told = validated(UnregistrationBody, body)
    return Backend(url=canonical_url(told.url, told.port), service=known_service(told.service, services))


def validated(model: type[Body], body: object) -> Body:
    """*body*, a JSON value, as *model* has it.

    :raises RegistrationRefused: as in :func:`read_registration`.
    """
    if not isinstance(body, dict):
        raise RegistrationRefused("the body must be a JSON object")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False)[0]) from None


def _refusal(error: ErrorDetails) -> RegistrationRefused:
    name = ".".join(str(part) for part in error["loc"])[:80]
    if error["type"] == "missing":
        problem = "is required"
    elif error["type"] == "extra_forbidden":
        problem = "is unknown here"
    else:
        problem = f"{error['msg'].removeprefix('Input ')}, not {ascii(error['input'])[:80]}"
    return RegistrationRefused(f"{name}: {problem}", field=name)


def known_service(service: str, services: Collection[str] | None) -> str:
    """*service*, if it is one of *services*.

    :raises RegistrationRefused: it is none.
    """
    if services is not None and service not in services:
        names = ", ".join(sorted(services))
        raise RegistrationRefused(f"service: there is no {ascii(service)[:80]}, only {names}", field="service")
    return service
