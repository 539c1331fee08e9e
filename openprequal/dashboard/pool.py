"""Whom does a service's next pick choose among, as its balancer believes they are?"""

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from openprequal.balancing.explanation import Considered
from openprequal.dashboard.json_text import finite, short
from openprequal.interfaces import IBalancer
from openprequal.probing.estimate import HELD_BACK

log = Logger()

NumberOf = Callable[[str | None], int | None]


def pool_of(balancer: IBalancer, number_of: NumberOf) -> dict[str, object] | None:
    """The probe pool, with its threshold and the next pick; None: the balancer keeps none.

    :param number_of: what a backend is shown by, of its id.
    """
    explain: Any = getattr(balancer, "explain", None)
    if explain is None:
        return None
    try:
        explanation = explain()
    except Exception:  # it may be a user's, and the rest is to be shown all the same
        log.failure("{balancer} cannot explain itself", balancer=type(balancer).__name__)
        return None
    return {
        # The least there is stands for "above zero" (``probing/rif_distribution.py``), and becomes zero.
        "threshold": finite(explanation.rif_threshold),
        "picked": number_of(explanation.picked),
        "reason": explanation.reason,
        "loads": [_load(each, number_of) for each in explanation.pool],
    }


def _load(one: Considered, number_of: NumberOf) -> list[object]:
    """Number, RIF, latency in seconds, whether it is hot, and whether it is held back."""
    held = HELD_BACK if one.held_back else 0.0
    rif, latency_s = one.rif - held, one.latency_s - held
    return [number_of(one.id), short(rif), short(latency_s), one.hot and not one.held_back, one.held_back]
