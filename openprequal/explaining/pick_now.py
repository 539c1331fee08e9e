"""Which backend of a service would be picked now, and why not the others?"""

from collections.abc import Mapping

from openprequal.balancing.shadow import Shadowed
from openprequal.explanations import Considered, PickExplanation
from openprequal.health.standing import Condition, Standing
from openprequal.interfaces import IRequest
from openprequal.routing.member import Member
from openprequal.routing.service import Service, explained_by

_PICKABLE = (Condition.UP, Condition.PANIC)


def pick_now(service: Service, standings: Mapping[str, Standing], request: IRequest) -> dict[str, object]:
    """What ``GET /_openprequal/explain`` says of *service*; nothing is changed by it. Latencies and ages in seconds.

    :param standings: of all backends, by id.
    """
    explained = service.explain(request)
    pool = {each.id: each for each in explained.pool}
    others = [
        _other_row(service, member, standings.get(backend_id))
        for backend_id, member in service.members.items()
        if backend_id not in pool
    ]
    picked = None if explained.picked is None else service.members.get(explained.picked)
    return {
        "service": service.name,
        "balancer": balancer_name(service.balancer),
        "picked": None if picked is None else picked.backend.url,
        "reason": explained.reason,
        "why": _sentence(explained, picked),
        "compares": explained.compares or None,
        "rif_threshold": explained.rif_threshold,
        "exponent": explained.exponent,
        "candidates": [
            _candidate_row(service.members[each.id], each) for each in explained.pool if each.id in service.members
        ],
        "others": [row for row in others if row["backend"] != (None if picked is None else picked.backend.url)],
        "queued": service.queued,
        "shadow": _shadow(service, request, explained.picked),
    }


def balancer_name(balancer: object) -> str:
    """The class that decides, whatever is wrapped around it."""
    while (wrapped := getattr(balancer, "wrapped", None)) is not None:
        balancer = wrapped
    return type(balancer).__name__


def _shadow(service: Service, request: IRequest, picked: str | None) -> dict[str, object] | None:
    """What the service's shadow balancer would pick; None: it has none."""
    balancer = service.balancer
    if not isinstance(balancer, Shadowed):
        return None
    shadow = balancer.shadow
    told: dict[str, object] = {"balancer": balancer_name(shadow), "off": balancer.off, "same": dict(balancer.same)}
    if balancer.off is not None:
        return {**told, "picked": None, "reason": None, "why": None, "agrees": None}
    explained = explained_by(shadow, request, service.full)
    member = None if explained.picked is None else service.members.get(explained.picked)
    return {
        **told,
        "picked": None if member is None else member.backend.url,
        "reason": explained.reason,
        "why": _sentence(explained, member),
        "agrees": explained.picked == picked,
    }


def why_nobody(service: Service, standings: Mapping[str, Standing]) -> str:
    """How many backends cannot be picked, by what they are; like ``2 down, 1 full``."""
    if not service.members:
        return "no backend is registered"
    counts: dict[str, int] = {}
    for backend_id, member in service.members.items():
        standing = standings.get(backend_id)
        what = str(standing.condition) if standing is not None else "left"
        if not service.has_room(member.backend):
            what = "full"
        counts[what] = counts.get(what, 0) + 1
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def _sentence(explained: PickExplanation, picked: Member | None) -> str:
    if picked is None:
        return f"Nobody would be picked, because {explained.because}."
    return f"{picked.backend.url} would be picked, because {explained.because}."


def _candidate_row(member: Member, each: Considered) -> dict[str, object]:
    backend = member.backend
    return {
        "backend": backend.url,
        "weight": backend.weight,
        "in_flight": member.in_flight,
        "figure": each.figure,
        "compared": each.compared,
        "rif": each.rif,
        "latency": each.latency_s,
        "score": each.score,
        "hot": each.hot,
        "age": each.age_s,
        "source": each.source,
        "held_back": each.held_back,
    }


def _other_row(service: Service, member: Member, standing: Standing | None) -> dict[str, object]:
    """One that is no candidate, and why."""
    backend = member.backend
    if standing is None:
        condition, why = "left", "left"
    elif standing.condition not in _PICKABLE:
        condition, why = str(standing.condition), standing.reason
    elif not service.has_room(backend):
        condition, why = "full", f"full: {member.in_flight} requests in flight, as many as it may have"
    else:
        condition, why = str(standing.condition), "may be picked, but this pick does not look at it"
    return {
        "backend": backend.url,
        "condition": condition,
        "why": why,
        "priority": backend.priority,
        "zone": backend.zone,
        "in_flight": member.in_flight,
    }
