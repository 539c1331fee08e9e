"""What does docs/metrics.md say? Every metric, from the families that are shown when somebody scrapes.

``PYTHONPATH=. python docs/metrics.py`` writes the page anew; a test fails where that was forgotten.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from twisted.internet.task import Clock
from zope.interface import implementer

from openprequal.interfaces import IRegistrySource
from openprequal.metrics.families import AgentMetrics, AgentSample, BackendSample, GatewayMetrics
from openprequal.metrics.loop_lag import LoopLag
from openprequal.values import PickReason
from openprequal.workers.whole_gateway import crew_families

PAGE = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# Metrics

<!-- Written by docs/metrics.py: change openprequal/metrics/families.py and run it. -->

What `GET /metrics` shows, in the Prometheus text format or OpenMetrics. Nothing is counted for it alone: it is made,
when somebody scrapes, of numbers that the gateway keeps anyway. A metric whose label has no value yet, or which stands
for something that is not there (a limit that is not set), has no samples. Beside these there are those of the process
and of Python: `process_*`, `python_*`.

Alerts and a dashboard made of them come with the chart ([deploying.md](deploying.md)).
"""

HEAD = "| metric | type | labels | unit | what it is |\n|---|---|---|---|---|"

LABELS = {
    "service": "name of the service",
    "backend": "URL of the backend",
    "route": "name of the route",
    "method": "method of the request; `other` where it is none of RFC 9110's and not PATCH",
    "code": "status code of the response; 499: the client went away before there was one",
    "reason": "why, in one word; of picks, see below",
    "result": "of probes: `answered`, `late`, `timeout`, `failed`; of heartbeats: `accepted`, `failed`; of copies for "
    "a mirror: what became of them; of spans: as [tracing.md](tracing.md) has it",
    "cause": "what a backend was ejected for",
    "why": "why a request was tried again",
    "session": "`kept`, `moved` or `new`, as it is told in [sticky-sessions.md](sticky-sessions.md)",
    "condition": "what the backend is, as in `/backends` ([keeps-working.md](keeps-working.md))",
    "hook": "dotted path of the hook",
    "check": "name of the check",
    "name": "what recurs",
    "rule": "name of the rate limit; a route's is `ROUTE/NAME`",
    "limit": "which limit on connections was met",
    "certificate": "the file",
    "worker": "its number, from 0",
    "same": "`true` where the shadow balancer would have picked the same backend ([explain.md](explain.md))",
}
"""What the values of each label are."""

PICKS = {
    PickReason.COLD: "the cold backend with the lowest latency",
    PickReason.HOT: "all were hot: the one with the lowest RIF",
    PickReason.RANDOM: "too little was known, or the balancer is random",
    PickReason.FAST: "a hot one: the cold ones were many times slower",
    PickReason.TRIAL: "it had not been used for a while: to learn whether it has become better",
    PickReason.ROTATION: "its turn",
    PickReason.LEAST: "the least load of those compared, whatever the balancer calls load",
    PickReason.HASHED: "the request's hash fell on it",
}
"""The reasons of picks; told of Prequal in prequal.md."""


@implementer(IRegistrySource)
class _Source:
    """A registry that has its membership from elsewhere, so that its metrics are shown."""

    connected = True
    ignored = 0

    def age_s(self) -> float:
        """See :class:`~openprequal.interfaces.IRegistrySource`."""
        return 0.0


def page() -> str:
    """The whole page, in Markdown."""
    clock = Clock()
    # Whose families know their labels by their samples.
    backend = BackendSample("default", "http://localhost:8001", True, 0, 0.0, 0.0, 0.0, "up", 0)
    gateway = GatewayMetrics(CollectorRegistry(), list, lambda: [backend], loop_lag=LoopLag(clock), source=_Source())
    agent = AgentMetrics(CollectorRegistry(), lambda: AgentSample({}, 0.0, None, None, {}))
    parts = [INTRODUCTION, "## The gateway\n", *_table(gateway.collect())]
    parts += [
        "## A gateway of several workers\n",
        "With `--workers` ([workers.md](workers.md)), beside the above, which are then of all workers together.\n",
        *_table(crew_families(2, 0, 0, [0, 0])),
    ]
    parts += [
        "## A backend\n",
        "The example backend shows these at `/metrics`, the sidecar at `/_openprequal/metrics`.\n",
        *_table(agent.collect()),
    ]
    parts += [
        "## Labels\n",
        "| label | values |\n|---|---|",
        *(f"| `{name}` | {what} |" for name, what in LABELS.items()),
    ]
    parts += ["", "## Reasons of picks\n", "| `reason` of `openprequal_picks_total` | |\n|---|---|"]
    parts += [f"| `{reason.value}` | {PICKS[reason]} |" for reason in PickReason]
    return "\n".join(parts) + "\n"


def _table(families: Iterable[Metric]) -> Iterator[str]:
    yield HEAD
    for family in families:
        labels = _labels(family)
        for label in labels:
            assert label in LABELS, f"the label {label} of {family.name} is not told of in docs/metrics.py"
        name = f"{family.name}_total" if family.type == "counter" else family.name
        told = ", ".join(f"`{label}`" for label in labels)
        yield f"| `{name}` | {family.type} | {told} | {_unit(family)} | {family.documentation} |"
    yield ""


def _labels(family: Metric) -> tuple[str, ...]:
    """Those it is made with, which nothing else tells; or those of its samples."""
    if hasattr(family, "_labelnames"):
        return tuple(family._labelnames)
    return tuple(dict.fromkeys(label for sample in family.samples for label in sample.labels))


def _unit(family: Metric) -> str:
    """By the name, which ends in it."""
    if family.name.endswith("_timestamp_seconds"):
        return "Unix time"
    if family.name.endswith("_seconds"):
        return "seconds"
    return "0 or 1" if family.documentation.startswith("1 ") else ""


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
