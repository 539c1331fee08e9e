"""Every registry of the catalogue keeps the contract."""

import pytest

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.catalogue import REGISTRIES
from openprequal.testing.registry_contract import RegistryContract


class TestEveryCataloguedRegistry(RegistryContract):
    @pytest.fixture(autouse=True, params=sorted(REGISTRIES))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: RegistryContext) -> IRegistry:
        return REGISTRIES[self.name](context)


def test_the_registry_in_memory_is_catalogued() -> None:
    assert "memory" in REGISTRIES
