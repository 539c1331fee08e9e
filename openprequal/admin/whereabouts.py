"""May a backend be registered where it says it is? As far as that is plain to see; the rest when it is connected to."""

from openprequal.upstream.address_rules import AddressRules
from openprequal.values import Backend


def objection(rules: AddressRules, backend: Backend) -> str | None:
    """Why *backend* cannot be one; None: it can, or its name has to be resolved first."""
    path = backend.socket_path
    if path is not None:
        return rules.socket_objection(path)
    ports = {backend.port, backend.probe_port or backend.port}
    addresses = _addresses(backend.host)
    for address in addresses:
        for port in ports:
            if rules.is_own(address, port):
                return f"{backend.host} port {port} is this gateway itself"
    objections = [rules.objection(address, backend.port) for address in addresses]
    return objections[0] if objections and all(objections) else None


def _addresses(host: str) -> tuple[str, ...]:
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1", "::1"
    return (host,) if ":" in host or host.replace(".", "").isdecimal() else ()
