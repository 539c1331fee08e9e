"""Which parts is a gateway made of? Here those of a gateway that is one process; ``crew_assembly`` has the others."""

from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen
from twisted.web.server import Site

from openprequal.admin.operations import Balancers
from openprequal.control_plane import admin_site, configured_registry
from openprequal.health.monitor import HealthMonitor
from openprequal.interfaces import IRegistry
from openprequal.rebalancing import Rebalancing
from openprequal.routing.service import Service


def _itself(kind: type[Service]) -> Callable[..., Service]:
    return kind


@frozen
class Part:
    """What is otherwise in a worker, or in the parent of workers."""

    registry: Callable[..., IRegistry] = configured_registry
    """Who exists; as :func:`~openprequal.control_plane.configured_registry`."""
    health: Callable[..., HealthMonitor] = HealthMonitor
    """Who of them may be picked."""
    kind: Callable[[type[Service]], Callable[..., Service]] = _itself
    """What makes services of a kind."""
    admin: Callable[..., Site] = admin_site
    """What is asked of the gateway itself; as :func:`~openprequal.control_plane.admin_site`."""
    alone: bool = True
    """It hears signals, and listens for what is asked of the gateway itself."""
    balancers: Callable[[Rebalancing], Balancers] = lambda rebalancing: rebalancing
    """What operators change a service's balancer by."""
    pseudonym: bytes | None = None
    """What the gateway calls itself in Via; None: a name of this process's own."""
    about: Mapping[str, object] = field(factory=dict)
    """What the dashboard is told of this process."""
    extra: Callable[[dict[str, Service]], list[Any]] = lambda services: []
    """What else happens again and again."""


ALONE = Part()
