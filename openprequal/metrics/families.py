"""Families: which metrics exist, with which labels and meaning, at the gateway and at a backend?

All of them are made here when somebody scrapes, from numbers the other packages keep anyway. Nothing in this module
runs per request.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, GCCollector, Metric, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Exemplar, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from openprequal.clocks import Periodic
from openprequal.interfaces import IRegistrySource
from openprequal.metrics.exemplars import RecordedRequest
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import Durations, RequestTally


class ServiceSample(NamedTuple):
    """One service as it is at the moment of a scrape."""

    service: str
    tally: RequestTally
    pick_counts: Mapping[str, int]
    """Picks by reason, as :class:`~openprequal.interfaces.IBalancer` counts them."""
    probe_pool_size: int | None
    """Load reports in its probe pool; None: its balancer keeps none."""
    probe_results: Mapping[str, int]
    """Probes by result: ``answered``, ``late``, ``timeout``, ``failed``."""
    queue_length: int
    """Requests that wait for a backend to have room."""
    reports_ignored: int = 0
    """Load reports that could not be read, or claimed something absurd."""
    ejections: Mapping[str, int] = {}
    """Backends ejected so far, by cause."""
    panic: bool = False
    """More than half of its backends would be ejected, so that all are used."""
    retries: Mapping[str, int] = {}
    """Attempts beyond each request's first, by why they were made."""
    retries_refused: int = 0
    """Those that the retry budget did not allow."""
    limit: int | None = None
    """Requests that may be under way to all its backends together; None: no limit."""
    sessions: Mapping[str, int] = {}
    """Requests by what became of their session; empty: there are none."""
    shadow_same: Mapping[str, int] = {}
    """Picks by whether the shadow balancer would have made the same; empty: there is none."""
    exemplars: Sequence[RecordedRequest | None] = ()
    """The latest recorded request of each bucket of its durations; empty: there was none."""


class BackendSample(NamedTuple):
    """One backend as it is at the moment of a scrape."""

    service: str
    url: str
    up: bool
    """Whether it may be picked."""
    in_flight: int
    """Requests this gateway has outstanding at it."""
    rif: float | None
    """Requests in flight by its own last report; None: it never reported."""
    latency_s: float | None
    """Its own latency estimate, by the same report."""
    average_latency_s: float | None
    """Mean latency this gateway measured over ``LATENCY_WINDOW_SECONDS``."""
    condition: str = ""
    """What it is, in one word (``health/standing.py``)."""
    shadow_picks: int | None = None
    """How often the shadow balancer would have picked it; None: there is none."""


class EdgeSample(NamedTuple):
    """TLS and the PROXY protocol at the moment of a scrape."""

    certificate_expiry: Mapping[str, float]
    """Unix time at which the certificates of each file expire."""
    handshake_failures: Mapping[str, int]
    """TLS handshakes of clients that failed so far, by class of reason."""
    proxy_refused: Mapping[str, int]
    """Connections closed so far for the want of a PROXY header, by reason."""


class ClientCounts(NamedTuple):
    """What became of clients that asked or took too much, so far."""

    rate_limited: Mapping[str, int] = {}
    """Requests over a rate limit, by its name."""
    turned_away: Mapping[str, int] = {}
    """Connections that there was no room for, by the limit they met."""
    cut: Mapping[str, int] = {}
    """Connections ended for what they cost: ``slow_head``, ``slow_request``, ``slow_response``, ``room``."""


NO_CLIENTS = ClientCounts()


class AgentSample(NamedTuple):
    """A backend's own numbers at the moment of a scrape."""

    status_counts: Mapping[int, int]
    """Responses so far by status code."""
    rif: float
    latency_s: float | None
    average_latency_s: float | None
    heartbeat_counts: Mapping[str, int]
    """Heartbeats so far: ``accepted``, ``failed``."""


RouteStatuses = Mapping[tuple[str, str], Mapping[int, int]]
"""(route, service): requests so far by status."""


class GatewayMetrics(Collector):
    """Every family of the gateway, collected on *registry* from what the callables answer at scrape time.

    :param services: the configured services.
    :param backends: the known backends of all services.
    :param loop_lag: its measurements; the caller starts and stops it.
    :param client_connections: how many connections clients hold now.
    :param clients: counts that go on while the gateway runs.
    :param hook_failures: failures so far by hook name.
    :param check_refusals: requests refused so far, by the check's name and why.
    :param periodics: the recurring tasks whose failures are told.
    :param routes: how many requests of each route and service ended with which status.
    :param copies: requests by what became of their copies for another service.
    :param spans: of traced requests, by what became of them.
    :param access_log_lost: lines of the access log that were not written, by why.
    :param edge: what clients' TLS and PROXY headers came to.
    :param source: where the registry has its membership from; None: it has no source elsewhere.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        services: Callable[[], Iterable[ServiceSample]],
        backends: Callable[[], Iterable[BackendSample]],
        *,
        loop_lag: LoopLag,
        client_connections: Callable[[], int] = lambda: 0,
        clients: ClientCounts = NO_CLIENTS,
        hook_failures: Mapping[str, int] | None = None,
        check_refusals: Mapping[tuple[str, str], int] | None = None,
        periodics: Callable[[], Iterable[Periodic]] = tuple,
        routes: Callable[[], RouteStatuses] = dict,
        copies: Mapping[str, int] | None = None,
        spans: Mapping[str, int] | None = None,
        access_log_lost: Callable[[], Mapping[str, int]] = dict,
        edge: Callable[[], EdgeSample] = lambda: EdgeSample({}, {}, {}),
        source: IRegistrySource | None = None,
    ) -> None:
        self._services = services
        self._backends = backends
        self._loop_lag = loop_lag
        self._client_connections = client_connections
        self._clients = clients
        self._hook_failures = hook_failures if hook_failures is not None else {}
        self._check_refusals = check_refusals if check_refusals is not None else {}
        self._periodics = periodics
        self._routes = routes
        self._copies = copies if copies is not None else {}
        self._spans = spans if spans is not None else {}
        self._access_log_lost = access_log_lost
        self._edge = edge
        self._source = source
        registry.register(self)
        _register_runtime(registry)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called by the registry."""
        return map(_with_unit, self._families())

    def _families(self) -> Iterator[Metric]:
        yield from _service_families(list(self._services()))
        yield from _backend_families(iter(self._backends()))
        yield from _route_families(self._routes())
        yield _counter(
            "mirrored_requests", "Requests of mirrored routes, by what became of their copies.", "result", self._copies
        )
        yield _counter("trace_spans", "Spans of traced requests, by what became of them.", "result", self._spans)
        yield _counter(
            "access_log_lost_lines", "Lines of the access log that were not written.", "reason", self._access_log_lost()
        )
        yield _counter("hook_failures", "Hooks that raised or took too long.", "hook", self._hook_failures)
        refusals = CounterMetricFamily(
            "openprequal_check_refusals", "Requests that a check refused.", labels=("check", "reason")
        )
        for labels, count in self._check_refusals.items():
            refusals.add_metric(labels, count)
        yield refusals
        periodic_failures: dict[str, int] = {}
        for periodic in self._periodics():
            periodic_failures[periodic.name] = periodic_failures.get(periodic.name, 0) + periodic.failures
        yield _counter("periodic_failures", "Recurring tasks whose turn failed.", "name", periodic_failures)
        lag = HistogramMetricFamily("openprequal_loop_lag_seconds", "How late the event loop came to its timers.")
        _add_durations(lag, (), self._loop_lag.durations)
        yield lag
        yield _gauge("client_connections", "Connections clients hold now.", self._client_connections())
        yield from _edge_families(self._edge())
        clients = self._clients
        yield _counter("rate_limited", "Requests over a rate limit.", "rule", clients.rate_limited)
        yield _counter(
            "client_connections_turned_away",
            "Connections that there was no room for, by limit.",
            "limit",
            clients.turned_away,
        )
        yield _counter("client_connections_cut", "Connections ended because of what they cost.", "reason", clients.cut)
        if self._source is not None:
            connected = float(self._source.connected)
            yield _gauge("registry_connected", "1 if the registry's source can be asked.", connected)
            yield _gauge(
                "registry_age_seconds", "Since the membership was known to be all there is.", self._source.age_s()
            )
            yield CounterMetricFamily(
                "openprequal_registry_ignored",
                "What the registry's source told and made no sense.",
                self._source.ignored,
            )


class AgentMetrics(Collector):
    """Every family of a backend's agent, collected on *registry* from what *sample* answers at scrape time."""

    def __init__(self, registry: CollectorRegistry, sample: Callable[[], AgentSample]) -> None:
        self._sample = sample
        registry.register(self)
        _register_runtime(registry)

    def collect(self) -> Iterator[Metric]:
        """One family after the other; called by the registry."""
        return map(_with_unit, self._families())

    def _families(self) -> Iterator[Metric]:
        now = self._sample()
        codes = {str(code): count for code, count in now.status_counts.items()}
        yield _counter("agent_requests", "Requests answered, by status code.", "code", codes)
        yield _gauge("agent_rif", "Requests in flight at this backend.", now.rif)
        yield _gauge("agent_latency_seconds", "Estimated latency at the present requests in flight.", now.latency_s)
        yield _gauge(
            "agent_average_latency_seconds", "Mean latency over LATENCY_WINDOW_SECONDS.", now.average_latency_s
        )
        yield _counter("agent_heartbeats", "Heartbeats to the proxy, by result.", "result", now.heartbeat_counts)


def _service_families(samples: list[ServiceSample]) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "openprequal_requests", "Requests answered, by us or by a backend.", labels=("service", "method", "code")
    )
    durations = HistogramMetricFamily(
        "openprequal_request_duration_seconds", "From a request's head to its response's end.", labels=("service",)
    )
    probes = CounterMetricFamily("openprequal_probes", "Probes, by result.", labels=("service", "result"))
    pool = GaugeMetricFamily("openprequal_probe_pool_size", "Load reports in the probe pool.", labels=("service",))
    picks = CounterMetricFamily("openprequal_picks", "Choices of a backend, by reason.", labels=("service", "reason"))
    queue = GaugeMetricFamily("openprequal_queue_length", "Requests waiting for a backend.", labels=("service",))
    ignored = CounterMetricFamily(
        "openprequal_load_reports_ignored", "Load reports that were unreadable or absurd.", labels=("service",)
    )
    ejections = CounterMetricFamily("openprequal_ejections", "Backends ejected.", labels=("service", "cause"))
    panic = GaugeMetricFamily(
        "openprequal_panic", "1 if ejected backends are used, being more than half.", labels=("service",)
    )
    retries = CounterMetricFamily(
        "openprequal_retries", "Attempts beyond a request's first.", labels=("service", "why")
    )
    refused = CounterMetricFamily(
        "openprequal_retries_refused", "Attempts that the retry budget did not allow.", labels=("service",)
    )
    limit = GaugeMetricFamily(
        "openprequal_in_flight_limit", "Requests that may be under way to a service.", labels=("service",)
    )
    sessions = CounterMetricFamily(
        "openprequal_sticky_requests",
        "Requests, by whether their session kept its backend, moved to another or is new.",
        labels=("service", "session"),
    )
    shadow = CounterMetricFamily(
        "openprequal_shadow_picks",
        "Picks, by whether the shadow balancer would have made the same.",
        labels=("service", "same"),
    )
    for sample in samples:
        for same, count in sample.shadow_same.items():
            shadow.add_metric((sample.service, same), count)
        for what, count in sample.sessions.items():
            sessions.add_metric((sample.service, what), count)
        if sample.limit is not None:
            limit.add_metric((sample.service,), sample.limit)
        for why, count in sample.retries.items():
            retries.add_metric((sample.service, why), count)
        refused.add_metric((sample.service,), sample.retries_refused)
        for cause, count in sample.ejections.items():
            ejections.add_metric((sample.service, cause), count)
        panic.add_metric((sample.service,), float(sample.panic))
        for (method, code), count in sample.tally.counts().items():
            requests.add_metric((sample.service, method, code), count)
        _add_durations(durations, (sample.service,), sample.tally.durations, sample.exemplars)
        for result, count in sample.probe_results.items():
            probes.add_metric((sample.service, result), count)
        if sample.probe_pool_size is not None:
            pool.add_metric((sample.service,), sample.probe_pool_size)
        for reason, count in sample.pick_counts.items():
            picks.add_metric((sample.service, reason), count)
        queue.add_metric((sample.service,), sample.queue_length)
        ignored.add_metric((sample.service,), sample.reports_ignored)
    yield from (requests, durations, probes, pool, picks, queue, ignored, ejections, panic, retries, refused, limit)
    yield sessions
    yield shadow


_BACKEND_GAUGES: tuple[tuple[str, str, Callable[[BackendSample], float | None]], ...] = (
    ("up", "1 if the backend may be picked.", lambda sample: float(sample.up)),
    ("in_flight", "Requests this gateway has outstanding at the backend.", lambda sample: sample.in_flight),
    ("rif", "Requests in flight by the backend's own report.", lambda sample: sample.rif),
    ("latency_seconds", "Latency by the backend's own report.", lambda sample: sample.latency_s),
    ("average_latency_seconds", "Mean latency measured here.", lambda sample: sample.average_latency_s),
)


def _backend_families(backends: Iterator[BackendSample]) -> Iterator[Metric]:
    # With a thousand backends it takes tens of milliseconds to ask them all, and as long to make their samples.
    # Therefore both are done as somebody takes the samples, who stops for others in between (exposition.py).
    asked: list[BackendSample] = []

    def asking() -> Iterator[BackendSample]:
        for backend in backends:
            asked.append(backend)
            yield backend

    for name, meaning, value_of in _BACKEND_GAUGES:
        yield _made_when_taken(f"openprequal_backend_{name}", meaning, _values(name, value_of, asked or asking()))
        asked += backends
    condition = (
        Sample(
            "openprequal_backend_condition",
            {"service": each.service, "backend": each.url, "condition": each.condition},
            1.0,
        )
        for each in asked
    )
    yield _made_when_taken("openprequal_backend_condition", "1 for what the backend is now.", condition)
    # In pieces like the others: as many samples, where a service has a shadow.
    shadow = (
        Sample(
            "openprequal_shadow_backend_picks_total",
            {"service": each.service, "backend": each.url},
            float(each.shadow_picks),
        )
        for each in asked
        if each.shadow_picks is not None
    )
    meaning = "Picks that the shadow balancer would have made."
    yield _made_when_taken("openprequal_shadow_backend_picks", meaning, shadow, "counter")


def _values(
    name: str, value_of: Callable[[BackendSample], float | None], backends: Iterable[BackendSample]
) -> Iterator[Sample]:
    for backend in backends:
        value = value_of(backend)
        if value is not None:
            yield Sample(f"openprequal_backend_{name}", {"service": backend.service, "backend": backend.url}, value)


def _made_when_taken(name: str, meaning: str, samples: Iterator[Sample], kind: str = "gauge") -> Metric:
    family = Metric(name, meaning, kind)
    # Whoever writes them out iterates once.
    family.samples = samples  # type: ignore[assignment]
    return family


def _route_families(routes: RouteStatuses) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "openprequal_route_requests", "Requests by the route they took.", labels=("route", "service", "code")
    )
    for (route, service), statuses in routes.items():
        for status, count in statuses.items():
            requests.add_metric((route, service, str(status)), count)
    yield requests


def _edge_families(sample: EdgeSample) -> Iterator[Metric]:
    expiry = GaugeMetricFamily(
        "openprequal_tls_certificate_expiry_timestamp_seconds",
        "When the certificates in the file expire.",
        labels=("certificate",),
    )
    for file, expires_at in sample.certificate_expiry.items():
        expiry.add_metric((file,), expires_at)
    yield expiry
    failures = sample.handshake_failures
    yield _counter("tls_handshake_failures", "TLS handshakes of clients that failed, by reason.", "reason", failures)
    refused = sample.proxy_refused
    yield _counter("proxy_protocol_refused", "Connections without a good PROXY header, by reason.", "reason", refused)


def _with_unit(family: Metric) -> Metric:
    if family.name.endswith("_seconds"):
        family.unit = "seconds"
    return family


def _counter(name: str, meaning: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"openprequal_{name}", meaning, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


def _gauge(name: str, meaning: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(f"openprequal_{name}", meaning, labels=())
    if value is not None:
        family.add_metric((), value)
    return family


def _add_durations(
    family: HistogramMetricFamily,
    labels: tuple[str, ...],
    durations: Durations,
    exemplars: Sequence[RecordedRequest | None] = (),
) -> None:
    buckets = durations.buckets()
    shown = [
        (*bucket, _exemplar(recorded)) if recorded is not None else bucket
        for bucket, recorded in zip(buckets, exemplars or [None] * len(buckets), strict=True)
    ]
    family.add_metric(labels, buckets=shown, sum_value=durations.sum_s)


def _exemplar(recorded: RecordedRequest) -> Exemplar:
    ids = {"trace_id": f"{recorded.trace_id:032x}", "span_id": f"{recorded.span_id:016x}"}
    return Exemplar(ids, recorded.duration_s, recorded.at)


def _register_runtime(registry: CollectorRegistry) -> None:
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
