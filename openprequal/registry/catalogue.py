"""Which registries come with OpenPrequal, and what are they called in ``REGISTRY_CLASS``?"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.dns import DnsParameters, DnsRegistry
from openprequal.registry.kubernetes.parameters import KubernetesParameters
from openprequal.registry.kubernetes.registry import KubernetesRegistry
from openprequal.registry.memory import MemoryParameters, MemoryRegistry
from openprequal.registry.parameters import RegistryParameters
from openprequal.registry.static_file import StaticFileParameters, StaticFileRegistry

REGISTRIES: Mapping[str, Callable[[RegistryContext], IRegistry]] = MappingProxyType(
    {
        "memory": MemoryRegistry,
        "file": StaticFileRegistry,
        "dns": DnsRegistry,
        "kubernetes": KubernetesRegistry,
    }
)
"""Short name to provider; the contract suites run over every one of them."""

PARAMETERS: Mapping[str, type[RegistryParameters]] = MappingProxyType(
    {
        "memory": MemoryParameters,
        "file": StaticFileParameters,
        "dns": DnsParameters,
        "kubernetes": KubernetesParameters,
    }
)
"""What may be set on each."""
