"""How is a backend written in Redis, and is what is read there one?

``LEASE JSON``: the milliseconds of its lease, 0 for one that holds none, and the body of its registration. The same
backend is always the same bytes, so that Redis can tell a change from a renewal.
"""

import json

from attrs import asdict

from openprequal.errors import RegistrationRefused
from openprequal.registry.leases import lease_timeout_s
from openprequal.registry.registration import MEMBERS, read_registration
from openprequal.values import Backend

_MEMBERS = tuple(member.name for member in MEMBERS)


def document_of(backend: Backend, heartbeat_timeout_s: float | None) -> bytes:
    """*backend* as it is written.

    :param heartbeat_timeout_s: as in :func:`~openprequal.registry.leases.lease_timeout_s`.
    """
    lease_s = lease_timeout_s(backend, heartbeat_timeout_s)
    lease_ms = 0 if lease_s is None else max(1, round(lease_s * 1000))
    told = asdict(backend)
    body = {name: told[name] for name in _MEMBERS if told[name] is not None}
    return b"%d %s" % (lease_ms, json.dumps(body, separators=(",", ":"), sort_keys=True).encode("ascii"))


def read_document(document: bytes, backend_id: str) -> Backend | None:
    """The backend of that id, or None: it is not one, or another.

    Others write there too, so nothing is taken that a registration could not have said; what a later version says
    beyond it is left out.
    """
    try:
        body = json.loads(document.partition(b" ")[2])
        if not isinstance(body, dict):
            return None
        told = {name: body[name] for name in _MEMBERS if name in body}
        backend = read_registration(told, {str(told.get("service", "default"))}).backend
    except (RegistrationRefused, ValueError, RecursionError):
        return None
    return backend if backend.id == backend_id else None
