from collections.abc import Callable, Iterator
from types import SimpleNamespace

from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from openprequal.clocks import Periodic
from openprequal.metrics.families import AgentMetrics, AgentSample, BackendSample, GatewayMetrics, ServiceSample
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import RequestTally


def service_sample(**changes: object) -> ServiceSample:
    sample = ServiceSample("default", RequestTally("default"), {"cold": 5}, 16, {"answered": 3, "timeout": 1}, 2)
    return sample._replace(**changes)  # type: ignore[arg-type]


def gateway_value(
    name: str,
    labels: dict[str, str] | None = None,
    services: Callable[[], list[ServiceSample]] = list,
    backends: Callable[[], list[BackendSample]] = list,
    **others: object,
) -> float | None:
    registry = CollectorRegistry()
    GatewayMetrics(registry, services, backends, loop_lag=LoopLag(Clock()), **others)  # type: ignore[arg-type]
    return registry.get_sample_value(name, labels or {})


def test_requests_are_told_by_service_method_and_code() -> None:
    sample = service_sample()
    sample.tally.finished(b"GET", 200, 0.015)
    labels = {"service": "default", "method": "GET", "code": "200"}
    assert gateway_value("openprequal_requests_total", labels, lambda: [sample]) == 1


def test_durations_are_a_histogram_by_service() -> None:
    sample = service_sample()
    sample.tally.finished(b"GET", 200, 0.015)
    name, bucket = "openprequal_request_duration_seconds", {"service": "default", "le": "0.02"}
    assert gateway_value(f"{name}_bucket", bucket, lambda: [sample]) == 1
    assert gateway_value(f"{name}_bucket", {**bucket, "le": "0.01"}, lambda: [sample]) == 0
    assert gateway_value(f"{name}_count", {"service": "default"}, lambda: [sample]) == 1
    assert gateway_value(f"{name}_sum", {"service": "default"}, lambda: [sample]) == 0.015


def test_what_made_no_sense_in_the_registry_is_counted() -> None:
    source = SimpleNamespace(connected=True, age_s=lambda: 0.0, ignored=3)
    assert gateway_value("openprequal_registry_ignored_total", None, source=source) == 3


def test_picks_probes_pool_and_queue_are_told_by_service() -> None:
    def value(name: str, **labels: str) -> float | None:
        return gateway_value(f"openprequal_{name}", {"service": "default", **labels}, lambda: [service_sample()])

    assert value("picks_total", reason="cold") == 5
    assert value("probes_total", result="timeout") == 1
    assert value("probe_pool_size") == 16
    assert value("queue_length") == 2


def test_load_reports_that_were_ignored_are_told_by_service() -> None:
    sample = service_sample(reports_ignored=4)
    name = "openprequal_load_reports_ignored_total"
    assert gateway_value(name, {"service": "default"}, lambda: [sample]) == 4


def test_a_balancer_without_a_probe_pool_has_no_pool_size() -> None:
    sample = service_sample(probe_pool_size=None)
    assert gateway_value("openprequal_probe_pool_size", {"service": "default"}, lambda: [sample]) is None


def test_a_backend_is_told_by_service_and_url() -> None:
    def value(name: str) -> float | None:
        sample = BackendSample("default", "http://b:80", True, 3, 7.0, 0.25, 0.5)
        labels = {"service": "default", "backend": "http://b:80"}
        return gateway_value(f"openprequal_backend_{name}", labels, backends=lambda: [sample])

    names = ("up", "in_flight", "rif", "latency_seconds", "average_latency_seconds")
    assert [value(name) for name in names] == [1, 3, 7, 0.25, 0.5]


def test_the_condition_of_a_backend_is_a_label() -> None:
    sample = BackendSample("default", "http://b:80", False, 0, None, None, None, "ejected")
    labels = {"service": "default", "backend": "http://b:80", "condition": "ejected"}
    assert gateway_value("openprequal_backend_condition", labels, backends=lambda: [sample]) == 1


def test_ejections_and_panic_are_told_by_service() -> None:
    sample = service_sample(ejections={"error_rate": 3}, panic=True)
    labels = {"service": "default", "cause": "error_rate"}
    assert gateway_value("openprequal_ejections_total", labels, lambda: [sample]) == 3
    assert gateway_value("openprequal_panic", {"service": "default"}, lambda: [sample]) == 1


def test_what_a_backend_never_reported_is_absent_not_zero() -> None:
    sample = BackendSample("default", "http://b:80", False, 0, None, None, None)
    labels = {"service": "default", "backend": "http://b:80"}
    assert gateway_value("openprequal_backend_rif", labels, backends=lambda: [sample]) is None
    assert gateway_value("openprequal_backend_up", labels, backends=lambda: [sample]) == 0


def test_failures_of_hooks_and_recurring_tasks_are_told() -> None:
    periodic = Periodic(Clock(), 1.0, lambda: None, "lease reaper")
    periodic.failures = 2
    assert gateway_value("openprequal_hook_failures_total", {"hook": "request"}, hook_failures={"request": 4}) == 4
    failures = gateway_value(
        "openprequal_periodic_failures_total", {"name": "lease reaper"}, periodics=lambda: [periodic, periodic]
    )
    assert failures == 4


def test_loop_lag_client_connections_and_the_process_are_told() -> None:
    assert gateway_value("openprequal_loop_lag_seconds_count") == 0
    assert gateway_value("openprequal_client_connections", client_connections=lambda: 9) == 9
    assert (gateway_value("process_cpu_seconds_total") or 0) > 0


def test_an_agent_tells_its_own_numbers() -> None:
    registry = CollectorRegistry()
    AgentMetrics(registry, lambda: AgentSample({200: 4}, 2, 0.5, None, {"accepted": 1}))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"openprequal_agent_{name}", labels)

    assert value("requests_total", code="200") == 4
    assert value("rif") == 2
    assert value("latency_seconds") == 0.5
    assert value("average_latency_seconds") is None
    assert value("heartbeats_total", result="accepted") == 1


def test_backends_are_asked_as_their_samples_are_taken() -> None:
    asked: list[int] = []

    def backends() -> Iterator[BackendSample]:
        for number in range(3):
            asked.append(number)
            yield BackendSample("default", f"http://b:{number}", True, 3, 7.0, 0.25, 0.5)

    registry = CollectorRegistry()
    GatewayMetrics(registry, list, backends, loop_lag=LoopLag(Clock()))
    families = registry.collect()
    first = next(family for family in families if family.name == "openprequal_backend_up")
    samples = iter(first.samples)
    next(samples)
    assert asked == [0]
    # Whoever takes no more of them finds all backends in the next family all the same.
    assert len(list(next(iter(families)).samples)) == 3
    assert asked == [0, 1, 2]
