"""What does the sidecar answer itself? Health with the load, to whoever probes, and its metrics."""

from collections.abc import Callable, Mapping, Sequence

from prometheus_client import CollectorRegistry

from openprequal.agent.load import LoadTracker
from openprequal.agent.report_format import health_body, report_fields
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.whole_response import respond_whole
from openprequal.frontend.local_answers import LocalAnswer
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead
from openprequal.metrics.exposition import exposition
from openprequal.values import ReportFormat

METRICS_PATH = b"/_openprequal/metrics"
"""Not ``/metrics``, which may be the service's own."""

Content = tuple[int, list[Field], bytes]
"""Status, fields without length and date, body."""


class OwnAnswer(LocalAnswer):
    """The exchange of a request that the upstream does not see."""

    def __init__(
        self, client: Downstream, head: RequestHead, date: Field, now: float, content: Callable[[RequestHead], Content]
    ) -> None:
        super().__init__(client, head, date, now)
        self._content = content

    def start(self, body: bytes, ended: bool) -> None:
        """Answer at once, whatever the body is."""
        status, fields, content = self._content(self._head)
        respond_whole(self._client, self._head, status, FieldSection([*fields, self._date]), content)
        self._settle()


def own_paths(
    health_path: str, tracker: LoadTracker, report_formats: Sequence[str], metrics: CollectorRegistry
) -> Mapping[bytes, Callable[[RequestHead], Content]]:
    """What is answered here, by path."""

    def health(head: RequestHead) -> Content:
        report = tracker.report()
        fields = [Field(b"Content-Type", b"application/json")]
        fields += [Field(*field) for field in report_fields(report, report_formats)]
        return 503 if tracker.draining else 200, fields, health_body(report)

    def show_metrics(head: RequestHead) -> Content:
        accept = head.header(b"accept") or b""
        content_type, body = exposition(metrics, accept.decode("latin-1"))
        return 200, [Field(b"Content-Type", content_type.encode("ascii"))], body

    paths = {health_path: health, METRICS_PATH.decode("ascii"): show_metrics}
    theirs = ReportFormat.PREQUAL_RS
    if theirs in report_formats and theirs.probe_path is not None:
        paths[theirs.probe_path] = health
    return {path.encode("ascii"): content for path, content in paths.items()}
