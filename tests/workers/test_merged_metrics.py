"""The metrics and the backends of several processes, as those of one gateway."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from crews import Case
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.samples import Exemplar
from twisted.internet.task import Clock

from openprequal.metrics.families import BackendSample, EdgeSample, GatewayMetrics, ServiceSample
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import RequestTally
from openprequal.workers.merging import GAUGES, families_of, merged
from openprequal.workers.samples import SAMPLES, Family, read, told
from openprequal.workers.whole_gateway import WholeGateway, merged_row


def families(registry: CollectorRegistry) -> list[Family]:
    return [read(piece) for piece in told(registry)]


def values(metrics: Iterable[Metric]) -> dict[str, float]:
    return {
        sample.name + "".join(f",{text}" for text in sample.labels.values()): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def test_one_process_alone_tells_what_it_would_have_told() -> None:
    registry = CollectorRegistry()
    Counter("requests", "Requests.", ["code"], registry=registry).labels("200").inc(3)
    Histogram("seconds", "Seconds.", registry=registry, buckets=(0.1, 1.0)).observe(0.5)
    Gauge("things", "Things.", registry=registry).set(float("nan"))

    class Again(CollectorRegistry):
        def collect(self) -> Any:
            return iter(merged([families(registry)]))

    assert generate_latest(Again()) == generate_latest(registry)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_of_the_exemplars_of_a_bucket_the_latest_is_kept(order: tuple[int, ...]) -> None:
    exemplars = [Exemplar({"trace_id": "a1"}, 0.5, 101.0), Exemplar({"trace_id": "b2"}, 0.7, 102.0), None]

    class Told(CollectorRegistry):
        def __init__(self, exemplar: Exemplar | None) -> None:
            super().__init__()
            self._exemplar = exemplar

        def collect(self) -> Any:
            seconds = Metric("seconds", "Seconds.", "histogram")
            seconds.add_sample("seconds_bucket", {"le": "1.0"}, 1, exemplar=self._exemplar)
            return iter([seconds])

    (metric,) = merged([families(Told(exemplars[number])) for number in order])
    (sample,) = metric.samples
    assert (sample.value, sample.exemplar) == (3, exemplars[1])
    (again,) = merged([families_of([metric])])
    assert again.samples[0].exemplar == exemplars[1]


def test_counters_and_histograms_are_summed() -> None:
    registries = [CollectorRegistry() for _ in range(2)]
    for number, registry in enumerate(registries):
        Counter("requests", "Requests.", ["code"], registry=registry).labels(f"20{number}").inc(3)
        Histogram("seconds", "Seconds.", registry=registry, buckets=(0.1, 1.0)).observe(0.5 + number)
    seen = values(merged(map(families, registries)))
    assert {name: value for name, value in seen.items() if "created" not in name} == {
        "requests_total,200": 3,
        "requests_total,201": 3,
        "seconds_bucket,0.1": 0,
        "seconds_bucket,1.0": 1,
        "seconds_bucket,+Inf": 2,
        "seconds_count": 2,
        "seconds_sum": 2.0,
    }


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("openprequal_backend_in_flight", 5.0),
        ("openprequal_backend_up", 1.0),
        ("openprequal_backend_rif", 2.5),
        ("openprequal_panic", 4.0),
        ("unheard_of", 4.0),
    ],
)
def test_a_gauge_is_merged_by_its_meaning(name: str, together: float) -> None:
    registries = [CollectorRegistry() for _ in range(2)]
    for registry, value in zip(registries, (1.0, 4.0), strict=True):
        Gauge(name, "What?", registry=registry).set(value)
    assert values(merged(map(families, registries))) == {name: together}


def test_the_meaning_of_every_gauge_of_ours_is_known() -> None:
    registry, clock = CollectorRegistry(), Clock()
    GatewayMetrics(
        registry,
        lambda: [ServiceSample("s", RequestTally("s"), {}, 1, {}, 1, limit=1)],
        lambda: [BackendSample("s", "http://a:1", True, 1, 1.0, 1.0, 1.0, "up")],
        loop_lag=LoopLag(clock),
        edge=lambda: EdgeSample({"a": 1.0}, {}, {}),
    )
    gauges = {metric.name for metric in registry.collect() if metric.type == "gauge"}
    assert gauges <= GAUGES.keys()


@given(st.integers(0, 3 * SAMPLES))
def test_a_family_of_any_size_goes_in_pieces_and_is_whole_again(size: int) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("things", "Things.", ["which"], registry=registry)
    for number in range(size):
        gauge.labels(str(number)).set(number)
    pieces = families(registry)
    assert all(len(piece.samples) <= SAMPLES for piece in pieces)
    assert len(values(merged([pieces]))) == size


class Whole(Case):
    """A crew that is asked for its metrics."""

    def __init__(self) -> None:
        super().__init__()
        self.own = CollectorRegistry()
        self.together = WholeGateway(self.crew, self.own)
        self.crew.gone = self.together.gone
        self.begin()

    def scrape(self, *counted: int | None) -> dict[str, float]:
        """With what each worker that answers has counted; None: it hangs."""
        seen: list[dict[str, float]] = []
        self.together.metrics().addCallback(lambda collected: seen.append(values(collected.collect())))
        for worker, count in zip(self.crew.live, counted, strict=True):
            far = [each for each in self.workers if each.index == worker.index][-1]
            if count is None:
                continue
            registry = CollectorRegistry()
            Counter("requests", "Requests.", registry=registry).inc(count)
            Gauge("openprequal_queue_length", "Waiting.", registry=registry).set(1)
            question = far.heard[-1].head["ask"]
            for piece in told(registry):
                far.say("answer", piece, ask=question)
            far.say("answer", ask=question, last=True)
        self.clock.advance(1.0)
        (answer,) = seen
        return answer


def test_a_scrape_is_of_all_workers() -> None:
    seen = Whole().scrape(3, 4)
    assert (seen["requests_total"], seen["openprequal_queue_length"], seen["openprequal_workers"]) == (7, 2, 2)


def test_one_that_hangs_is_left_out_and_counted_but_its_counts_do_not_fall() -> None:
    case = Whole()
    case.scrape(3, 4)
    seen = case.scrape(5, None)
    assert (seen["requests_total"], seen["openprequal_queue_length"]) == (9, 1)
    assert seen["openprequal_worker_unanswered_total"] == 1


def test_what_one_had_counted_that_is_gone_stays_counted() -> None:
    case = Whole()
    case.scrape(3, 4)
    case.workers[1].end()
    assert case.scrape(5)["requests_total"] == 9
    case.clock.advance(5)
    case.workers[-1].say("hello")
    seen = case.scrape(5, 2)
    assert (seen["requests_total"], seen["openprequal_worker_restarts_total"]) == (11, 1)


ROW: dict[str, Any] = {
    "url": "http://a:1",
    "service": "default",
    "weight": 2.0,
    "up": True,
    "condition": "up",
    "reason": "serving",
    "in_flight": 1,
    "picks": 10,
    "connections_opened": 2,
    "connections_idle": 1,
    "ejections": 0,
    "average_latency": 0.1,
    "rif": 3.0,
    "latency": 0.2,
    "state": "ready",
    "load_source": "probe",
    "report_age": 2.0,
    "pick_share": None,
    "shadow_share": None,
}


def test_counts_of_a_backend_add_up_and_its_load_is_by_the_youngest_report() -> None:
    row = merged_row([ROW, {**ROW, "picks": 30, "average_latency": 0.3, "rif": 5.0, "report_age": 1.0}])
    assert (row["in_flight"], row["picks"], row["connections_opened"]) == (2, 40, 4)
    assert row["average_latency"] == pytest.approx(0.25)
    assert (row["rif"], row["report_age"]) == (5.0, 1.0)


def test_its_shares_under_a_shadow_balancer_are_the_mean_of_those_at_the_workers() -> None:
    shares = [{"pick_share": 0.5, "shadow_share": 1.0}, {"pick_share": 0.25, "shadow_share": 0.0}]
    row = merged_row([{**ROW, **each} for each in shares])
    assert (row["pick_share"], row["shadow_share"]) == (0.375, 0.5)
    assert merged_row([ROW, ROW])["shadow_share"] is None


def test_one_that_a_worker_has_ejected_is_shown_as_that() -> None:
    row = merged_row([ROW, {**ROW, "up": False, "condition": "ejected", "reason": "ejected: 5 failures"}])
    assert (row["up"], row["condition"]) == (False, "ejected")


def test_nothing_known_is_nothing_known() -> None:
    row = merged_row([{**ROW, "average_latency": None, "report_age": None, "rif": None, "picks": 0}] * 2)
    assert (row["average_latency"], row["rif"]) == (None, None)


def test_rows_come_in_the_order_of_the_parent_and_its_own_stand_where_no_worker_has_one() -> None:
    case = Whole()
    seen: list[list[dict[str, Any]]] = []
    own = [{**ROW, "url": url, "in_flight": 0} for url in ("http://b:1", "http://a:1", "http://c:1")]
    case.together.rows(lambda: own).addCallback(seen.append)
    for worker in case.workers:
        question = worker.heard[-1].head["ask"]
        worker.say("answer", json.dumps([ROW, {**ROW, "url": "http://b:1"}]).encode(), ask=question)
        worker.say("answer", ask=question, last=True)
    assert [(row["url"], row["in_flight"]) for row in seen[0]] == [
        ("http://b:1", 2),
        ("http://a:1", 2),
        ("http://c:1", 0),
    ]
