"""Every registry of the catalogue keeps the contract."""

import pytest

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.catalogue import REGISTRIES
from openprequal.testing.registry_contract import RegistryContract

HAVE_A_SOURCE = {"kubernetes"}
"""Those whose backends are told by something else than registrations, with tests of their own."""


class TestEveryCataloguedRegistry(RegistryContract):
    @pytest.fixture(autouse=True, params=sorted(REGISTRIES.keys() - HAVE_A_SOURCE))
    def provider(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param

    def make(self, context: RegistryContext) -> IRegistry:
        return REGISTRIES[self.name](context)


def test_the_registry_in_memory_is_catalogued() -> None:
    assert "memory" in REGISTRIES
