"""What do the metrics of several processes come to, where they are one gateway?

Counters and histograms are summed. What a gauge of several processes means depends on the gauge.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import Metric
from prometheus_client.samples import Exemplar

from openprequal.workers.samples import Family, Sample

_SUMMED: Final = ("counter", "histogram", "summary")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


GAUGES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    # What each process has of its own adds up.
    "openprequal_queue_length": sum,
    "openprequal_probe_pool_size": sum,
    "openprequal_backend_in_flight": sum,
    "openprequal_client_connections": sum,
    "process_virtual_memory_bytes": sum,
    "process_resident_memory_bytes": sum,
    "process_open_fds": sum,
    # A backend may be picked if every worker that keeps it may pick it; it is in every condition that one sees it in.
    "openprequal_backend_up": min,
    "openprequal_backend_condition": max,
    "openprequal_panic": max,
    # What each knows of the same thing, a little earlier or later.
    "openprequal_backend_rif": _mean,
    "openprequal_backend_latency_seconds": _mean,
    "openprequal_backend_average_latency_seconds": _mean,
    # What is the same for all; of an adaptive limit, which each finds for itself, the highest.
    "openprequal_in_flight_limit": max,
    "openprequal_tls_certificate_expiry_timestamp_seconds": min,
    "openprequal_registry_connected": min,
    "openprequal_registry_age_seconds": max,
    "process_start_time_seconds": min,
    "process_max_fds": min,
    "python_info": max,
}
"""By family; of one that is not named here the highest value is told."""

PER_BACKEND: Final = "openprequal_backend_"
"""Of these the parent has nothing to say: it sends no requests."""


def merged(processes: Iterable[Iterable[Family]]) -> list[Metric]:
    """The families of all *processes*, each once, in the order they are first met; of exemplars the latest."""
    about: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], list[float]]] = {}
    latest: dict[tuple[str, tuple[tuple[str, str], ...]], Exemplar] = {}
    for families in processes:
        for family in families:
            about.setdefault(family.name, family)
            of_family = values.setdefault(family.name, {})
            for name, labels, value, exemplar in family.samples:
                of_family.setdefault((name, labels), []).append(value)
                if exemplar is not None:
                    latest[name, labels] = max(latest.get((name, labels), exemplar), exemplar, key=_ended_at)
    metrics = []
    for name, family in about.items():
        together = sum if family.type in _SUMMED else GAUGES.get(name, max)
        metric = Metric(name, family.documentation, family.type, family.unit)
        for (sample, labels), all_values in values[name].items():
            metric.add_sample(sample, dict(labels), together(all_values), exemplar=latest.get((sample, labels)))
        metrics.append(metric)
    return metrics


def _ended_at(exemplar: Exemplar) -> float:
    return float(exemplar.timestamp or 0.0)


def only_sums(families: Iterable[Family]) -> list[Family]:
    """Those of *families* that go on counting: what is left of a process that has ended."""
    return [family for family in families if family.type in _SUMMED]


def families_of(metrics: Iterable[Metric]) -> list[Family]:
    """*metrics* in the form that is merged."""
    return [
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            metric.unit,
            [Sample(each.name, tuple(each.labels.items()), each.value, each.exemplar) for each in metric.samples],
        )
        for metric in metrics
    ]
