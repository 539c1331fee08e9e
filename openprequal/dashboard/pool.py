"""Whom does a service's next pick choose among, as its balancer believes they are?"""

from collections.abc import Callable
from typing import Final

from openprequal.dashboard.json_text import short
from openprequal.explanations import Considered
from openprequal.http1.request import parse_request_head
from openprequal.routing.service import Service

_ANY: Final = parse_request_head(b"GET / HTTP/1.1\r\nHost: dashboard", "")
"""No balancer with a probe pool looks at the request."""

NumberOf = Callable[[str | None], int | None]


def pool_of(service: Service, number_of: NumberOf) -> dict[str, object] | None:
    """The probe pool, with its threshold and the next pick; None: its balancer keeps none.

    :param number_of: what a backend is shown by, of its id.
    """
    if getattr(service.balancer, "probe_pool_size", None) is None:
        return None
    explained = service.explain(_ANY)
    threshold = explained.rif_threshold
    return {
        "threshold": threshold if threshold is not None and threshold < float("inf") else None,
        "picked": number_of(explained.picked),
        "reason": explained.reason,
        "loads": [_load(each, number_of) for each in explained.pool],
    }


def _load(one: Considered, number_of: NumberOf) -> list[object]:
    """Number, RIF, latency in seconds, whether it is hot, and whether it is held back."""
    hot = bool(one.hot) and not one.held_back
    return [number_of(one.id), short(one.rif), short(one.latency_s), hot, one.held_back]
