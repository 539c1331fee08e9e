"""What does docs/endpoints.md say? Every path that the gateway answers itself, from the Klein app that answers it.

``PYTHONPATH=. python docs/endpoints.py`` writes the page anew; a test fails where that was forgotten.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from openprequal.admin.operations import BalancerBody
from openprequal.admin.routes import Admin
from openprequal.registry.registration import RegistrationBody, UnregistrationBody

PAGE = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# HTTP endpoints

<!-- Written by docs/endpoints.py: change the docstrings in openprequal/admin/routes.py and run it. -->

What the gateway answers itself, on the proxied port or, with `--admin-port` or `--admin-listen`, only there. Other
paths are the backends', however similar. All but `/healthz` and `/readyz` want a caller on loopback or one with the
token (`Authorization: Bearer`); whoever is neither gets 403. Who is let in exactly:
[decision 0014](decisions/0014-who-gets-in.md).

Every refusal is a problem document (RFC 9457, `application/problem+json`) with `title`, `status`, mostly `detail`, and
`field` where one member of the body is at fault. Beside those below: 400, the body is not JSON or says something twice;
405, another method; 413, more than 64 KiB; 415, not `application/json`.

| method | path | |
|---|---|---|"""

BACKENDS = """\
What backends answer, for probes and checks, is in [load-reports.md](load-reports.md); what the sidecar does, in
[sidecar.md](sidecar.md).
"""

MEANINGS = {
    "url": "where it is: `http://host:port`, `https://…`, or `unix:///path/of.sock`",
    "port": "may repeat the URL's port, or give it where the URL has none",
    "service": "the named set of backends it belongs to",
    "weight": "carries this many times the load of a backend of weight 1",
    "health_path": "path of its health check; else `--backend-health-path`",
    "probe_path": "path that answers with a load report; else the health path",
    "probe_port": "port that answers probes; else the URL's",
    "priority": "those of the lowest number are used while enough of them are healthy",
    "zone": "where it is; a gateway that knows its own zone prefers it",
    "heartbeat_seconds": "it registers again this often, and is removed when it does not; else it stays until it is "
    "unregistered",
    "load": "its load now: `rif`, and perhaps `latency` (seconds) and `state` (`ready`, `warming`, `draining`)",
    "balancer": "a short name, or the dotted path of a class whose module is loaded",
    "parameters": "the balancer's, as `balancer_parameters`; else its own defaults",
}
"""Members of what is posted."""

ROW = {
    "url": "where it is",
    "service": "the service it belongs to",
    "weight": "as registered",
    "priority": "as registered",
    "zone": "as registered",
    "heartbeat_seconds": "as registered; null: by hand, never removed for silence",
    "up": "whether it may be picked",
    "condition": "what it is, in one word",
    "reason": "why it is that",
    "since_seconds": "for how long",
    "ejections": "how often its failures have put it out so far",
    "in_flight": "requests that this gateway has outstanding there",
    "picks": "how often it was chosen",
    "pick_share": "share of the picks that fell on it while a shadow balancer was asked; null: there is none",
    "shadow_share": "the share that the shadow balancer would have given it ([balancers.md](balancers.md))",
    "average_latency": "seconds until the response's head, measured here; null: nothing recent",
    "rif": "requests in flight by its own last report; null: it never reported",
    "latency": "seconds, by its own last report",
    "state": "`ready`, `warming` or `draining`, by its own last report",
    "load_source": "what is believed of its load, and why: reported in which format and way, measured here, assumed",
    "report_age": "seconds since its last report",
    "connections_opened": "so far",
    "connections_idle": "kept for the next request",
}
"""Members of a row of /backends."""


BODIES = {
    "/register": RegistrationBody,
    "/unregister": UnregistrationBody,
    "/_openprequal/drain": UnregistrationBody,
    "/_openprequal/balancer": BalancerBody,
}
"""What a POST of that path, or of several of which it is the first, has in its body."""


def page() -> str:
    """The whole page, in Markdown."""
    routes = list(_routes())
    parts = [INTRODUCTION]
    parts += [f"| {way} | {', '.join(f'`{path}`' for path in paths)} | {text[0]} |" for way, paths, text in routes]
    parts += ["", BACKENDS]
    for way, paths, text in routes:
        parts += [f"## {way} {', '.join(paths)}\n", *text, ""]
        if way == "POST" and paths[0] in BODIES:
            parts += ["| member | allowed | what it is |\n|---|---|---|", *_members(BODIES[paths[0]]), ""]
        if paths[0] == "/backends":
            parts += ["| member | what it is |\n|---|---|", *(f"| `{name}` | {what} |" for name, what in ROW.items())]
            parts += [""]
    return "\n".join(parts).rstrip() + "\n"


def _routes() -> Iterator[tuple[str, list[str], list[str]]]:
    """(method, paths, lines of what it does), in the order of the code."""
    for rule in Admin.app.url_map.iter_rules():
        function: Any = getattr(Admin, rule.endpoint)
        assert function.__doc__, f"{rule.endpoint} in admin/routes.py has no docstring"
        # One of several words may be a part of the path.
        choice = re.search(r"<any\((.*?)\):\w+>", rule.rule)
        words = choice[1].split(", ") if choice else [""]
        paths = [rule.rule.replace(choice[0], word) if choice else rule.rule for word in words]
        for method in sorted((rule.methods or set()) - {"HEAD"}):
            yield method, paths, inspect.cleandoc(function.__doc__).replace("``", "`").splitlines()


def _members(model: type[BaseModel]) -> Iterator[str]:
    schema = model.model_json_schema()
    for name, member in schema["properties"].items():
        required = ", required" if name in schema.get("required", ()) else ""
        yield f"| `{name}` | {_allowed(member)}{required} | {MEANINGS[name]} |"


def _allowed(member: Mapping[str, Any]) -> str:
    """What the member takes, in words, from its JSON schema."""
    (told,) = [each for each in member.get("anyOf", [member]) if each.get("type") != "null"]
    if "$ref" in told:
        return "an object"
    kinds = {"number": "a number", "integer": "a whole number", "string": "a text", "object": "an object"}
    kind = kinds[told["type"]]
    low, high = told.get("minimum"), told.get("maximum")
    if "exclusiveMinimum" in told:
        return f"{kind} above {told['exclusiveMinimum']:g}, at most {high:.7g}"
    if high is not None:
        return f"{kind} from {low:g} to {high:.7g}"
    return f"{kind} of at most {told['maxLength']} characters" if "maxLength" in told else kind


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
