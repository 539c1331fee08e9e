"""Every registry of the catalogue keeps one of the contracts."""

from collections.abc import Mapping

import pytest

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.catalogue import REGISTRIES
from openprequal.testing.registry_contract import RegistryContract

TAKING_REGISTRATIONS: Mapping[str, Mapping[str, object]] = {"memory": {}}
"""Those who may be told of backends, and their parameters; others follow a source (``RegistrySourceContract``)."""
FOLLOWING_A_SOURCE = {"file", "dns", "kubernetes"}
SHARED = {"redis"}
"""They are told too, and need a server for it (``test_redis_contract``)."""


class TestEveryRegistryThatIsTold(RegistryContract):
    @pytest.fixture(autouse=True, params=sorted(TAKING_REGISTRATIONS))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: RegistryContext) -> IRegistry:
        return REGISTRIES[self.name](context)


def test_every_catalogued_registry_keeps_a_contract() -> None:
    assert REGISTRIES.keys() == TAKING_REGISTRATIONS.keys() | FOLLOWING_A_SOURCE | SHARED
