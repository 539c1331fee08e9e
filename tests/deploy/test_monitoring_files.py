"""Alerts, recorded series and dashboard parse, and use only metrics and labels that exist."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry
from twisted.internet.task import Clock

from openprequal.clocks import Periodic
from openprequal.metrics.families import AgentMetrics, AgentSample, BackendSample, GatewayMetrics, ServiceSample
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import RequestTally

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FILES = DEPLOY / "helm" / "openprequal" / "files"


def rules(name: str) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load((FILES / name).read_text())["groups"] for rule in group["rules"]]


ALERTS, RECORDED = rules("alerts.yaml"), rules("recording.yaml")
DASHBOARD = json.loads((FILES / "dashboard.json").read_text())
PROMETHEUS_LABELS = {"instance", "job", "le"}
"""What the server adds, and the buckets' own."""


def exposed() -> dict[str, set[str]]:
    """The labels of every metric that a gateway or a backend exposes, by its name."""
    tally = RequestTally("default")
    tally.finished(b"GET", 200, 0.01)
    service = ServiceSample(
        "default", tally, {"cold": 1}, 1, {"answered": 1}, 0, 0, {"errors": 1}, False, {"status": 1}, 0, 1
    )
    backend = BackendSample("default", "http://a", True, 0, 0.0, 0.0, 0.0, "up")
    periodic = Periodic(Clock(), "name", 1.0, lambda: None)
    registry = CollectorRegistry()
    GatewayMetrics(
        registry,
        lambda: [service],
        lambda: [backend],
        loop_lag=LoopLag(Clock()),
        hook_failures={"hook": 1},
        periodics=lambda: [periodic],
        routes=lambda: {("route", "default"): {200: 1}},
        copies={"sent": 1},
    )
    agents = CollectorRegistry()
    AgentMetrics(agents, lambda: AgentSample({200: 1}, 0, 0.0, 0.0, {"accepted": 1}))
    labels: dict[str, set[str]] = {"up": set()}
    for each in (registry, agents):
        for metric in each.collect():
            for sample in metric.samples:
                labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


EXPOSED = exposed()


def expressions() -> Iterator[tuple[str, str]]:
    for rule in ALERTS:
        yield rule["alert"], rule["expr"]
    for rule in RECORDED:
        yield rule["record"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield f"{panel['title']} {target['refId']}", target["expr"].replace("$__rate_interval", "5m")


def parts(expression: str) -> list[Any]:
    """Every node of the parsed *expression*."""
    found: list[Any] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return found


def selectors(expression: str) -> list[Any]:
    return [part for part in parts(expression) if isinstance(part, promql_parser.VectorSelector)]


@pytest.mark.parametrize(("name", "expression"), list(expressions()), ids=lambda value: value.replace(" ", "-")[:30])
def test_an_expression_uses_metrics_and_labels_that_exist(name: str, expression: str) -> None:
    asked = selectors(expression)
    assert asked
    assert {each.name for each in asked} <= set(EXPOSED)
    for each in asked:
        assert {matcher.name for matcher in each.matchers.matchers} <= EXPOSED[each.name] | PROMETHEUS_LABELS
    there = set.union(PROMETHEUS_LABELS, *(EXPOSED[each.name] for each in asked))
    grouped = [part.modifier for part in parts(expression) if isinstance(part, promql_parser.AggregateExpr)]
    assert {label for modifier in grouped if modifier for label in modifier.labels} <= there


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_of_whom(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    said = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    grouping = [part.modifier for part in parts(rule["expr"]) if isinstance(part, promql_parser.AggregateExpr)]
    kept = set.union(PROMETHEUS_LABELS, *(EXPOSED[each.name] for each in selectors(rule["expr"])))
    assert said <= (set(grouping[0].labels) if grouping else kept)


@pytest.mark.parametrize("rule", RECORDED, ids=lambda rule: rule["record"])
def test_a_recorded_series_says_its_level_and_its_metric(rule: dict[str, Any]) -> None:
    level, metric, operations = rule["record"].split(":")
    assert operations
    assert any(each.name.startswith(metric.removesuffix("_errors")[:-1]) for each in selectors(rule["expr"]))
    groupings = [part.modifier for part in parts(rule["expr"]) if isinstance(part, promql_parser.AggregateExpr)]
    assert level in groupings[0].labels


def test_no_two_alerts_recorded_series_or_panels_share_a_name() -> None:
    recorded = [rule["record"] for rule in RECORDED]
    for names in (
        [rule["alert"] for rule in ALERTS],
        recorded,
        [panel["title"] for panel in DASHBOARD["panels"]],
    ):
        assert len(set(names)) == len(names) > 10


def test_the_dashboards_variable_asks_for_labels_of_a_metric_that_exists() -> None:
    (query,) = [each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query"]
    metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", query).groups()  # type: ignore[union-attr]
    assert label in EXPOSED[metric]


def test_legends_name_labels_that_their_expressions_keep() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            expression = target["expr"].replace("$__rate_interval", "5m")
            labels = set.union(PROMETHEUS_LABELS, *(EXPOSED[each.name] for each in selectors(expression)))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= labels
