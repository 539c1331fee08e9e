"""From a name in the configuration to the class or function it means: a short name of a catalogue, or a dotted path."""

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from zope.interface.interface import InterfaceClass

from openprequal.errors import ConfigurationError, suggestion

FORMER_NAMES: Mapping[str, str] = {
    "algorithms.prequal_load_balancer.PrequalLoadBalancer": "prequal",
    "core.backend_registry.BackendRegistry": "memory",
}
"""What the earlier program's configurations say, and the short name that means it here."""


def resolve(
    name: str, setting: str, catalogue: Mapping[str, Any] | None = None, interface: InterfaceClass | None = None
) -> Any:
    """The callable that *name* means.

    :param name: a key of *catalogue* (case, ``_`` and ``-`` do not matter), ``package.module.attribute``, or
        ``package.module:attribute.attribute``.
    :param setting: who asks, by its key, for the error.
    :param interface: what it must make, if it is a class; a function may return anything.
    :raises ConfigurationError: unknown, cannot be imported, not callable, or of the wrong kind.
    """
    catalogue = catalogue or {}
    short = {_folded(key): key for key in catalogue}
    key = short.get(_folded(FORMER_NAMES.get(name, name)))
    if key is not None:
        return catalogue[key]
    if "." not in name and ":" not in name:
        allowed = f"{', '.join(catalogue)} or a dotted path" if catalogue else "a dotted path like module.function"
        close = suggestion(name.lower(), catalogue)
        raise ConfigurationError(f"{name!r} is not known: must be {allowed}{close}", about=(setting,))
    found = _import(name, setting)
    if not callable(found):
        raise ConfigurationError(f"{name} is a {type(found).__name__}: must be a class or function", about=(setting,))
    if interface is not None and isinstance(found, type) and not interface.implementedBy(found):
        raise ConfigurationError(f"{name} must be a class with @implementer({interface.__name__})", about=(setting,))
    return found


def resolve_loaded(name: str, setting: str, catalogue: Mapping[str, Any], interface: InterfaceClass) -> Any:
    """The same for a *name* that came from afar: a class, and of a module that is loaded already.

    Whoever may choose among what there is may not have other code of this host run, as an import does.

    :raises ConfigurationError: as above, or there is no such class yet.
    """
    module_name, _, _ = _split(name)
    if module_name and name not in FORMER_NAMES and module_name not in sys.modules:
        reason = f"module {module_name!r} is not loaded, and only the settings can have it loaded"
        raise ConfigurationError(reason, about=(setting,))
    found = resolve(name, setting, catalogue, interface)
    if not isinstance(found, type):
        raise ConfigurationError(f"{name} must be a class with @implementer({interface.__name__})", about=(setting,))
    return found


def _split(name: str) -> tuple[str, str, str]:
    return name.partition(":") if ":" in name else name.rpartition(".")


def _folded(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def _import(name: str, setting: str) -> object:
    module_name, _, attributes = _split(name)
    try:
        found: object = import_module(module_name)
    except Exception as error:
        # A user's module: whatever it raises while it runs is the cause they look for.
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        reason = f"module {module_name!r} cannot be imported: {cause}"
        raise ConfigurationError(reason, about=(setting,)) from error
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            close = suggestion(attribute, [each for each in dir(found) if not each.startswith("_")])
            reason = f"{name}: there is no {attribute!r} in {module_name}{close}"
            raise ConfigurationError(reason, about=(setting,))
        found = getattr(found, attribute)
    return found
