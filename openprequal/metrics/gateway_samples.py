"""What the gateway's metrics are made of at the moment of a scrape."""

from collections.abc import Iterator, Mapping

from openprequal.balancing.shadow import Shadowed
from openprequal.health.ejection import Ejections
from openprequal.health.standing import Standing
from openprequal.metrics.exemplars import Exemplars
from openprequal.metrics.families import BackendSample, ServiceSample
from openprequal.metrics.tally import RequestTally
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.service import Service
from openprequal.routing.sticky_service import StickyService


def service_samples(
    services: Mapping[str, Service], refused: RequestTally, ejections: Mapping[str, Ejections], exemplars: Exemplars
) -> Iterator[ServiceSample]:
    """One sample a service, and one for requests that were refused before they had a service."""
    for service in services.values():
        balancer, ejecting = service.balancer, ejections.get(service.name)
        yield ServiceSample(
            service.name,
            service.tally,
            balancer.pick_counts,
            getattr(balancer, "probe_pool_size", None),
            getattr(balancer, "probe_results", {}),
            service.queued,
            reports_ignored=service.reports.ignored,
            ejections=ejecting.counts if ejecting is not None else {},
            panic=ejecting is not None and ejecting.panic,
            retries=service.retry_budget.counts,
            retries_refused=service.retry_budget.refused,
            limit=service.most if isinstance(service, LimitedService) else None,
            sessions=service.counts if isinstance(service, StickyService) else {},
            shadow_same=balancer.same if isinstance(balancer, Shadowed) else {},
            exemplars=exemplars.of(service.name),
        )
    yield ServiceSample(refused.service, refused, {}, None, {}, 0)


def backend_samples(
    services: Mapping[str, Service], standings: Mapping[str, Standing], now: float
) -> Iterator[BackendSample]:
    """One sample a backend, taken when it is asked for: some may have left by then."""
    for service, member in [(each, member) for each in services.values() for member in each.members.values()]:
        backend, report = member.backend, member.report
        standing = standings.get(backend.id)
        yield BackendSample(
            backend.service,
            backend.url,
            standing is not None and standing.offered,
            member.in_flight,
            report.rif if report is not None else None,
            report.latency_s if report is not None else None,
            member.latency.average(now),
            standing.condition if standing is not None else "left",
            service.balancer.picks_of(backend.id)[1] if isinstance(service.balancer, Shadowed) else None,
        )
