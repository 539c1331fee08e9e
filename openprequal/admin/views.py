"""What does the admin API answer, as JSON?"""

import json
import math

from openprequal.interfaces import IRegistry, IRegistrySource
from openprequal.values import Backend

CONTENT_TYPE = b"application/json"


def json_bytes(document: object) -> bytes:
    """*document* as JSON; what JSON has no number for (NaN, infinity) becomes null."""
    try:
        text = json.dumps(document, allow_nan=False)
    except ValueError:  # rare, so the search for the culprits is paid for only then
        text = json.dumps(_finite(document), allow_nan=False)
    return text.encode("ascii") + b"\n"


def registered(backend: Backend, lease_s: float | None) -> dict[str, object]:
    """The answer to a registration.

    :param lease_s: seconds of silence after which it is removed; None: never.
    """
    return {
        "registered": True,
        "id": backend.id,
        "url": backend.url,
        "service": backend.service,
        "weight": backend.weight,
        "lease_seconds": lease_s,
    }


def unregistered(backend: Backend) -> dict[str, object]:
    """The answer to the removal of a backend."""
    return {"unregistered": True, "id": backend.id, "url": backend.url, "service": backend.service}


def backends(rows: list[dict[str, object]]) -> dict[str, object]:
    """All backends, one row each, in the order they joined."""
    return {"backends": rows}


def ready(registry: IRegistry) -> dict[str, object]:
    """The answer where traffic may come; tells of the registry's source, if it has one elsewhere."""
    if not IRegistrySource.providedBy(registry):
        return {"status": "ready"}
    source: IRegistrySource = registry
    return {"status": "ready", "registry": {"connected": source.connected, "age_seconds": source.age_s()}}


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
