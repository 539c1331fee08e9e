"""What does the sidecar answer itself? Health with the load, to whoever probes, and its metrics."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry

from openprequal.forwarding.downstream import Downstream
from openprequal.frontend.local_answers import LocalAnswer
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.phrases import PHRASES
from openprequal.http1.request import RequestHead
from openprequal.metrics.exposition import exposition

METRICS_PATH = b"/_openprequal/metrics"
"""Not ``/metrics``, which may be the service's own."""

PREQUAL_RS_PATH = b"/prequal/probe"
"""Where a client of prequal-rs asks."""

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
        fields += [self._date, Field(b"Content-Length", b"%d" % len(content))]
        sent = b"" if self._head.method == b"HEAD" else content
        self._client.respond(status, PHRASES[status], FieldSection(fields), len(content), sent, True)
        self._settle()


def own_paths(
    health_path: str, health: Callable[[], Content], metrics: CollectorRegistry, *, prequal_rs: bool
) -> Mapping[bytes, Callable[[RequestHead], Content]]:
    """What is answered here, by path.

    :param prequal_rs: its probe path too.
    """

    def show_metrics(head: RequestHead) -> Content:
        accept = head.header(b"accept") or b""
        content_type, body = exposition(metrics, accept.decode("latin-1"))
        return 200, [Field(b"Content-Type", content_type.encode("ascii"))], body

    paths = [health_path.encode("ascii"), *([PREQUAL_RS_PATH] if prequal_rs else [])]
    return {METRICS_PATH: show_metrics, **{path: lambda head: health() for path in paths}}
