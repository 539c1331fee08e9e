"""What may be set on a registry is said where something else is set."""

import pytest
from pydantic import Field, SecretStr
from twisted.internet.task import Clock

from openprequal.errors import ConfigurationError
from openprequal.interfaces import RegistryContext
from openprequal.registry.catalogue import PARAMETERS, REGISTRIES
from openprequal.registry.parameters import RegistryParameters, read_parameters


class Some(RegistryParameters):
    """Parameters of every kind."""

    url: str
    """Needed."""
    password: SecretStr = SecretStr("")
    """Never shown."""
    count: int = Field(1, ge=1)
    """A number."""
    size: str = Field("s", pattern="^[sml]$", json_schema_extra={"allowed": "s, m or l"})
    """Said in words."""
    services: dict[str, tuple[str, ...]] = Field({})
    """A table of lists."""


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "registry_parameters.url: is missing: some needs it"),
        (
            {"url": "x", "cuont": 2},
            "registry_parameters.cuont: some has no such parameter; allowed: url, password, count, size, services;"
            " did you mean count?",
        ),
        ({"url": 3}, "registry_parameters.url: 3 cannot be used: must be a valid string"),
        (
            {"url": "x", "count": 0},
            "registry_parameters.count: 0 cannot be used: must be greater than or equal to 1",
        ),
        ({"url": "x", "size": "xl"}, "registry_parameters.size: 'xl' cannot be used: must be s, m or l"),
        ({"url": "x", "password": 7}, "registry_parameters.password: must be a valid string"),
        (
            {"url": "x", "services": {"a": [1]}},
            "registry_parameters.services.a[0]: 1 cannot be used: must be a valid string",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_name_and_what_is_allowed(given: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_parameters(Some, given, "some")
    assert str(refused.value) == told


def test_what_can_be_used_is_taken() -> None:
    read = read_parameters(Some, {"url": " x ", "count": 3, "services": {"a": ["b"]}}, "some")
    assert (read.url, read.count, read.services) == ("x", 3, {"a": ("b",)})


def test_every_registry_of_the_catalogue_has_parameters_declared() -> None:
    assert PARAMETERS.keys() == REGISTRIES.keys()


@pytest.mark.parametrize("name", sorted(REGISTRIES))
def test_every_registry_refuses_what_it_does_not_know(name: str) -> None:
    with pytest.raises(ConfigurationError, match="registry_parameters"):
        REGISTRIES[name](RegistryContext(Clock(), 1, parameters={"no_such": 1}))
