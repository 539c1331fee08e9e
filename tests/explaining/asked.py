"""Questions to a gateway in memory about its picks, and requests to ask about."""

from typing import Any

from whole_gateway import FarBackend, WholeGateway, answer


def explained(gateway: WholeGateway, query: str = "", status: int = 200) -> dict[str, Any]:
    """What the gateway answers; :param status: the one expected."""
    code, document = answer(gateway.get(f"/_openprequal/explain{query}"))
    assert code == status, document
    found: dict[str, Any] = document
    return found


def joined(gateway: WholeGateway, **more: object) -> FarBackend:
    """One more backend, which does not answer."""
    newcomer = FarBackend(len(gateway.backends))
    newcomer.accepts = None
    gateway.backends.append(newcomer)
    gateway.post("/register", {"url": newcomer.url, **more})
    return newcomer


def pick(gateway: WholeGateway, query: str = "") -> dict[str, Any]:
    """The only pick."""
    (one,) = explained(gateway, query)["picks"]
    found: dict[str, Any] = one
    return found


def last(gateway: WholeGateway, query: str = "?last=10") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = explained(gateway, query)["last"]
    return found


def ask(gateway: WholeGateway, path: str = "/x", **fields: str) -> None:
    """A request that is answered."""
    gateway.get(path, **fields)
    gateway.answer_all()
