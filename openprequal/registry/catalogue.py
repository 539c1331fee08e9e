"""Which registries come with OpenPrequal, and what are they called in ``REGISTRY_CLASS``?"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.kubernetes.parameters import KubernetesParameters
from openprequal.registry.kubernetes.registry import KubernetesRegistry
from openprequal.registry.memory import MemoryRegistry
from openprequal.registry.parameters import NoParameters, RegistryParameters

REGISTRIES: Mapping[str, Callable[[RegistryContext], IRegistry]] = MappingProxyType(
    {"kubernetes": KubernetesRegistry, "memory": MemoryRegistry}
)
"""Short name to provider; the contract suite runs over every one that takes registrations."""

PARAMETERS: Mapping[str, type[RegistryParameters]] = MappingProxyType(
    {"kubernetes": KubernetesParameters, "memory": NoParameters}
)
"""What may be set on each."""
