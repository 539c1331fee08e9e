"""Which registries come with OpenPrequal, and what are they called in ``REGISTRY_CLASS``?"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from openprequal.errors import ConfigurationError
from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.dns import DnsParameters, DnsRegistry
from openprequal.registry.kubernetes.parameters import KubernetesParameters
from openprequal.registry.kubernetes.registry import KubernetesRegistry
from openprequal.registry.memory import MemoryParameters, MemoryRegistry
from openprequal.registry.parameters import RegistryParameters
from openprequal.registry.redis.parameters import RedisParameters
from openprequal.registry.static_file import StaticFileParameters, StaticFileRegistry


def _redis(context: RegistryContext) -> IRegistry:
    try:
        from openprequal.registry.redis.registry import RedisRegistry
    except ModuleNotFoundError as error:
        reason = f"redis needs the package {error.name}: pip install 'openprequal[redis]'"
        raise ConfigurationError(reason, about=("registry_class",)) from None
    return RedisRegistry(context)


REGISTRIES: Mapping[str, Callable[[RegistryContext], IRegistry]] = MappingProxyType(
    {
        "memory": MemoryRegistry,
        "file": StaticFileRegistry,
        "dns": DnsRegistry,
        "redis": _redis,
        "kubernetes": KubernetesRegistry,
    }
)
"""Short name to provider; the contract suites run over every one of them."""

PARAMETERS: Mapping[str, type[RegistryParameters]] = MappingProxyType(
    {
        "memory": MemoryParameters,
        "file": StaticFileParameters,
        "dns": DnsParameters,
        "redis": RedisParameters,
        "kubernetes": KubernetesParameters,
    }
)
"""What may be set on each."""
