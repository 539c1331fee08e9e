"""What is answered to ``GET /_openprequal/explain``: a pick now, or the last ones?"""

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qs

from openprequal.admin.problems import Problem
from openprequal.errors import ConfigurationError, suggestion
from openprequal.explaining.pick_now import pick_now
from openprequal.explaining.recording import Recording
from openprequal.health.standing import Standing
from openprequal.http1.request import RequestHead
from openprequal.networks import address_of
from openprequal.routing.service import Service

MOST_LAST: Final = 1000
_PAST: Final = frozenset(("last", "request_id", "trace_id"))
_HYPOTHETICAL: Final = frozenset(("service", "method", "path", "header", "client"))


class Explanations:
    """Answers questions; only that of the past has an effect, which is that requests are remembered for a while."""

    def __init__(
        self,
        services: Mapping[str, Service],
        standings: Mapping[str, Standing],
        recording: Recording,
        *,
        request_of: Callable[[str, str, Sequence[str], str], RequestHead],
        route_of: Callable[[RequestHead], dict[str, Any]],
    ) -> None:
        """
        :param standings: of all backends, by id; live.
        :param request_of: a request of that method, URL, fields (like ``Name: value``) and client.
        :param route_of: which route and services it would take, as ``openprequal route --json`` says it.
        """
        self._services = services
        self._standings = standings
        self._recording = recording
        self._request_of = request_of
        self._route_of = route_of

    def answer(self, query: bytes) -> dict[str, object]:
        """The document for *query*, as it came.

        :raises Problem: 400, a parameter is unknown or cannot be used; 404, there is no such service or request.
        """
        given = _parameters(query)
        if given.keys() & _PAST:
            _only(given, _PAST, "the last picks")
            return self._past(given)
        return self._hypothetical(given)

    def _past(self, given: Mapping[str, Sequence[str]]) -> dict[str, object]:
        most = _whole(_one(given, "last") or str(MOST_LAST), "last")
        request_id, trace_id = _one(given, "request_id"), _one(given, "trace_id")
        seconds = self._recording.ask()
        found = list(islice(self._recording.recent.rows(request_id, trace_id), most))
        if not found and (request_id is not None or trace_id is not None):
            kept = "" if seconds is None else f"; requests are remembered from now on, for {seconds:g} s"
            raise Problem(404, f"no such request is remembered{kept}")
        return {"remembered_for_seconds": seconds, "last": found}

    def _hypothetical(self, given: Mapping[str, Sequence[str]]) -> dict[str, object]:
        request = self._request(given)
        asked: dict[str, object] = {
            "method": request.method.decode("ascii"),
            "path": request.path.decode("ascii", "backslashreplace"),
            "host": None if request.host is None else request.host.decode("ascii", "backslashreplace"),
            "client": request.client,
        }
        service = _one(given, "service")
        if service is not None:
            return {"request": asked, "route": None, "picks": [self._pick(service, 1.0, request)]}
        route = self._route_of(request)
        shares: Mapping[str, float] = route.get("services", {})
        picks = [self._pick(name, share, request) for name, share in shares.items()]
        return {"request": asked, "route": route, "picks": picks}

    def _pick(self, name: str, share: float, request: RequestHead) -> dict[str, object]:
        service = self._services.get(name)
        if service is None:
            raise Problem(404, f"there is no service {ascii(name)[:60]}{suggestion(name, self._services)}")
        return {**pick_now(service, self._standings, request), "share": share}

    def _request(self, given: Mapping[str, Sequence[str]]) -> RequestHead:
        path, client = _one(given, "path") or "/", _one(given, "client") or "127.0.0.1"
        if not path.startswith("/"):
            raise Problem(400, "must begin with /", field="path")
        if address_of(client) is None:
            raise Problem(400, "must be an IP address", field="client")
        headers = given.get("header", ())
        if not all(":" in header for header in headers):
            raise Problem(400, "must be like Name: value", field="header")
        try:
            # A head is made of this, so that nothing in it may end a line.
            for text in (*headers, path, _one(given, "method") or ""):
                if not text.isprintable():
                    raise ConfigurationError("a character that no request can have")
            return self._request_of(_one(given, "method") or "GET", f"http://localhost{path}", headers, client)
        except (ConfigurationError, UnicodeError, ValueError) as error:
            raise Problem(400, f"no client could send that: {error}") from None


def _parameters(query: bytes) -> dict[str, list[str]]:
    try:
        given = parse_qs(query.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Problem(400, "the query is not UTF-8") from None
    _only(given, _PAST | _HYPOTHETICAL, "an explanation")
    return given


def _only(given: Mapping[str, object], known: frozenset[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise Problem(400, f"is no parameter of {what}; there are {', '.join(sorted(known))}", field=name[:60])


def _one(given: Mapping[str, Sequence[str]], name: str) -> str | None:
    values = given.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise Problem(400, "is there twice", field=name)
    return values[0]


def _whole(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_LAST):
        raise Problem(400, f"must be a whole number from 1 to {MOST_LAST}", field=name)
    return int(text)
