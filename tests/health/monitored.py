"""A service whose backends a monitor watches, put together as the gateway does it."""

from collections.abc import Callable
from random import Random

from twisted.internet.task import Clock

from openprequal.balancing.round_robin import RoundRobin
from openprequal.health.monitor import HealthMonitor, HealthRules
from openprequal.interfaces import BalancerContext
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend


def monitored(
    clock: Clock, member: Callable[[Backend], Member], rules: HealthRules, zone: str | None = None
) -> tuple[Service, HealthMonitor]:
    """The service, under round robin, and its monitor."""
    service = Service("default", RoundRobin(BalancerContext(clock, Random(1), ScriptedProbes(clock), {})))
    monitor = HealthMonitor(clock, Random(1), {"default": service}, member, rules={"default": rules}, zone=zone)
    service.failed = monitor.failed
    service.state_told = monitor.told_state
    return service, monitor
