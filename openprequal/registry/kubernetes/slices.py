"""Which backends do the EndpointSlices of a Service mean? (discovery.k8s.io/v1)"""

from collections.abc import Callable, Iterable, Mapping
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from openprequal.registry.kubernetes.parameters import Source
from openprequal.values import Backend

MAX_ZONE: Final = 63
"""Characters of a zone's name, as of one in a registration."""
_ADDRESSES: Final[Mapping[str, Callable[[str], IPv4Address | IPv6Address]]] = {"IPv4": IPv4Address, "IPv6": IPv6Address}


class Malformed(ValueError):
    """Not what the API server would say."""


class Use(IntEnum):
    """What an endpoint may be used for; where two slices differ about one, the greater counts."""

    DRAINING = 0
    """It ends, and still answers: it gets nothing new."""
    UP = 1


@frozen
class Endpoint:
    """A pod, most likely, that can be reached."""

    address: str
    """As in a URL."""
    use: Use
    zone: str | None


@frozen
class Slice:
    """What one EndpointSlice says, so far as it concerns us."""

    name: str
    address_type: str
    endpoints: tuple[Endpoint, ...]
    ports: tuple[tuple[str, int | None], ...]
    """(name, number) of those that are TCP; a number of None: any port."""
    omitted: int = 0
    """Endpoints that made no sense."""


def read_slice(item: object) -> Slice:
    """The EndpointSlice *item*, a JSON value. What makes no sense inside it is left out, and counted.

    :raises Malformed: it is no EndpointSlice.
    """
    metadata, address_type = _member(item, "metadata", dict), _member(item, "addressType", str)
    name = _member(metadata, "name", str)
    address = _ADDRESSES.get(address_type)
    if address is None:
        # FQDN, or of a later day: nothing of it is read.
        return Slice(name, address_type, (), ())
    told = _member(item, "endpoints", list, [])
    endpoints = []
    omitted = 0
    for one in told:
        try:
            endpoint = _endpoint(one, address)
        except ValueError:
            omitted += 1
            continue
        if endpoint is not None:
            endpoints.append(endpoint)
    ports = tuple(_port(one) for one in _member(item, "ports", list, []) if _is_tcp(one))
    return Slice(name, address_type, tuple(endpoints), ports, omitted)


def _endpoint(told: object, address: Callable[[str], IPv4Address | IPv6Address]) -> Endpoint | None:
    conditions = _member(told, "conditions", dict, {})
    # Absent means ready; "serving" is "ready" but for endpoints that end (KEP-1672).
    ready = _member(conditions, "ready", bool, True)
    serving = _member(conditions, "serving", bool, ready)
    terminating = _member(conditions, "terminating", bool, False)
    if not (serving if terminating else ready):
        return None
    addresses = _member(told, "addresses", list)
    if not addresses or not isinstance(addresses[0], str):
        raise Malformed("an endpoint without an address")
    # Those after the first have no meaning (the API's reference).
    parsed = address(addresses[0])
    zone = _member(told, "zone", str, None) or None
    return Endpoint(
        f"[{parsed}]" if isinstance(parsed, IPv6Address) else str(parsed),
        Use.DRAINING if terminating else Use.UP,
        zone[:MAX_ZONE] if zone else None,
    )


def _is_tcp(port: object) -> bool:
    return bool(_member(port, "protocol", str, "TCP") == "TCP")


def _port(told: object) -> tuple[str, int | None]:
    number = _member(told, "port", int, None)
    if number is not None and not 1 <= number <= 65535:
        raise Malformed("no port has that number")
    return _member(told, "name", str, ""), number


_REQUIRED: Final = object()


def _member(value: object, name: str, kind: type, default: Any = _REQUIRED) -> Any:
    """Member *name* of a JSON object; null counts as absent."""
    if not isinstance(value, dict):
        raise Malformed("not an object")
    member = value.get(name)
    if member is None and default is not _REQUIRED:
        return default
    if not isinstance(member, kind) or (kind is int and isinstance(member, bool)):
        raise Malformed(f"{name} is not what it should be")
    return member


def port_of(source: Source, one: Slice) -> int | None:
    """Which port of the endpoints in *one* is meant; None: no port that *source* names is there."""
    wanted = source.port
    if wanted is None:
        return one.ports[0][1] if len(one.ports) == 1 else None
    if isinstance(wanted, str):
        return next((number for name, number in one.ports if name == wanted), None)
    # A slice without ports restricts none, nor does a port without a number.
    allowed = not one.ports or any(number in (wanted, None) for _, number in one.ports)
    return wanted if allowed else None


def backends_of(
    source: Source, slices: Iterable[Slice], known: Mapping[str, Backend] = MappingProxyType({})
) -> dict[str, Backend]:
    """The backends that all of a Service's *slices* mean together, by id.

    An endpoint on its way from one slice to another is in both for a while, and is one backend. A Service of two
    address families tells of each pod twice, once in each: only IPv4 counts then, which the control plane announces by
    a slice even while nobody is there.

    :param known: those there were, by id: to make a backend takes far longer than to see that it is the same.
    """
    in_order = sorted(slices, key=lambda one: one.name)
    families = {one.address_type for one in in_order}
    family = "IPv4" if "IPv4" in families else "IPv6"
    seen: dict[str, Endpoint] = {}
    for one in in_order:
        port = port_of(source, one)
        if one.address_type != family or port is None:
            continue
        for endpoint in one.endpoints:
            url = f"{source.scheme}://{endpoint.address}:{port}"
            other = seen.get(url)
            if other is None or endpoint.use > other.use:
                seen[url] = endpoint
    backends = {}
    for url, endpoint in seen.items():
        draining = endpoint.use is Use.DRAINING
        backend = known.get(f"{source.service}/{url}")
        if backend is None or (backend.zone, backend.draining) != (endpoint.zone, draining):
            backend = Backend(url, source.service, zone=endpoint.zone, draining=draining)
        backends[backend.id] = backend
    return backends


def shortcoming_of(source: Source, slices: Mapping[str, Slice]) -> str | None:
    """Why slices that are there give no backends for a reason that lasts, for people; None: they do."""
    usable = [one for one in slices.values() if one.address_type in ("IPv4", "IPv6")]
    if slices and not usable:
        types = ", ".join(sorted({one.address_type for one in slices.values()}))
        return f"its slices hold {types}: only IPv4 and IPv6 addresses can be used"
    holding = [one for one in usable if one.endpoints]
    if holding and not any(port_of(source, one) for one in holding):
        known = ", ".join(f"{name or 'unnamed'} ({number})" for name, number in holding[0].ports) or "none"
        asked = "a port must be named" if source.port is None else f"there is no port {source.port}"
        return f"{asked}: its TCP ports are {known}"
    if any(one.omitted for one in usable):
        return f"{sum(one.omitted for one in usable)} endpoints make no sense and are left out"
    return None
