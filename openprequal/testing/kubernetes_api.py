"""An API server for EndpointSlices that keeps to the letter of list and watch, its failures included.

    api = FakeKubernetesApi(clock)
    api.put(endpoint_slice("web-1", "web", ["10.1.0.5"]))
    Site(api)    # or RequestTraversalAgent(api), in memory

Every change has a resource version. A list is of one, also when it is told in pages; a watch tells every change after
one, unless it was compacted away. Requests can be refused, left without an answer, and cut off, at any byte.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from attrs import define, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

Object = dict[str, Any]
LABEL: Final = "kubernetes.io/service-name"
_PREFIX: Final = "/apis/discovery.k8s.io/v1/namespaces/"


def endpoint(address: str, *, zone: str | None = None, **conditions: bool) -> Object:
    """An endpoint of a slice; *conditions*: ready, serving, terminating."""
    made: Object = {"addresses": [address], "conditions": conditions}
    return made if zone is None else {**made, "zone": zone}


def endpoint_slice(
    name: str,
    service: str,
    endpoints: Iterable[Object | str],
    *,
    ports: Sequence[Mapping[str, object]] | None = ({"name": "http", "port": 8080, "protocol": "TCP"},),
    address_type: str = "IPv4",
    namespace: str = "default",
) -> Object:
    """An EndpointSlice of *service*; endpoints that are only an address are ready."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL: service}},
        "addressType": address_type,
        "endpoints": [endpoint(one, ready=True) if isinstance(one, str) else one for one in endpoints],
        "ports": None if ports is None else [dict(port) for port in ports],
    }


@frozen
class _Change:
    version: int
    before: Object | None
    after: Object | None


@define(eq=False)
class _Watch:
    request: Request
    namespace: str
    service: str
    bookmarks: bool


@frozen
class Refusal:
    """An answer that is none."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    """None: the Status that an API server sends."""


class FakeKubernetesApi(Resource):
    """One API server and the store behind it; see the module."""

    isLeaf = True

    def __init__(self, clock: IReactorTime, *, tokens: Iterable[str] = ()) -> None:
        """:param tokens: those that open it; none: it is open."""
        Resource.__init__(self)
        self.tokens = set(tokens)
        self.requests: list[dict[str, str]] = []
        """The query of every request so far."""
        self.refusals: deque[Refusal] = deque()
        """What the next requests are answered with."""
        self.silent = False
        """Requests get no answer at all."""
        self.gone_in_stream = True
        """A watch from what was compacted is told so by an event, as by the watch cache; else by status 410."""
        self.forget_pages = False
        """Every page after the first is asked for too late."""
        self.cut: Callable[[bytes], Iterable[bytes]] = lambda data: (data,)
        """Into which pieces a stream is cut."""
        self.version = 100
        self._compacted = 100
        self._clock = clock
        self._objects: dict[tuple[str, str], Object] = {}
        self._changes: list[_Change] = []
        self._snapshots: dict[int, list[Object]] = {}
        self._watches: list[_Watch] = []
        self._unanswered: list[Request] = []

    # ---- what happens in the cluster --------------------------------------------------------------------------------

    def put(self, item: Object) -> None:
        """Create or replace a slice."""
        self._change(_key(item), deepcopy(item))

    def delete(self, name: str, namespace: str = "default") -> None:
        """Delete a slice that exists."""
        self._change((namespace, name), None)

    def change_elsewhere(self) -> None:
        """Something changes that is no slice."""
        self.version += 1

    def compact(self) -> None:
        """Forget every change so far, and the lists that are told in pages."""
        self._compacted = self.version
        self._changes.clear()
        self._snapshots.clear()

    def restore(self, version: int) -> None:
        """The store is replaced by an old copy of it, with what is in it as it is."""
        self.version = self._compacted = version
        self._changes.clear()

    def slices_of(self, service: str | None, namespace: str = "default") -> list[Object]:
        """The slices of *service* as they are now; None: of all services."""
        return [
            item
            for item in self._objects.values()
            if _concerns(item, namespace, item["metadata"]["labels"][LABEL] if service is None else service)
        ]

    # ---- what happens to those who ask ------------------------------------------------------------------------------

    @property
    def watching(self) -> int:
        """Watches that are open."""
        return len(self._watches)

    def bookmark(self) -> None:
        """Tell the version to all who watch and want bookmarks."""
        metadata = {"resourceVersion": str(self.version)}
        for watch in self._watches:
            if watch.bookmarks:
                self._send(watch, "BOOKMARK", {"kind": "EndpointSlice", "metadata": metadata})

    def fail_watches(self, status: int, **details: object) -> None:
        """End all watches with an ERROR event."""
        for watch in list(self._watches):
            self._fail(watch, status, details)

    def say(self, line: bytes) -> None:
        """Send *line*, whatever it is, to all who watch."""
        for watch in self._watches:
            self._write(watch, line + b"\n")

    def end_watches(self) -> None:
        """End all watches as they should end."""
        for watch in list(self._watches):
            self._end(watch)

    def cut_off(self) -> None:
        """Break all connections of watches and of requests without an answer."""
        for request in [*(watch.request for watch in self._watches), *self._unanswered]:
            transport: Any = request.channel.transport
            transport.abortConnection()

    def cut_amid(self, item: Object, sent: int) -> None:
        """Put *item*, and break every watch's connection after *sent* bytes of the event."""
        whole, self.cut = self.cut, lambda data: (data[:sent],)
        self.put(item)
        self.cut = whole
        self.cut_off()

    # ---- requests ---------------------------------------------------------------------------------------------------

    def render_GET(self, request: Request) -> bytes | int:
        """List or watch."""
        query = {name.decode(): values[-1].decode() for name, values in request.args.items()}
        self.requests.append(query)
        if self.silent:
            self._unanswered.append(request)
            request.notifyFinish().addBoth(lambda _: self._unanswered.remove(request))
            return NOT_DONE_YET
        given = (request.getHeader("authorization") or "").removeprefix("Bearer ")
        if self.tokens and given not in self.tokens:
            return _status(request, 401, "Unauthorized")
        if self.refusals:
            refusal = self.refusals.popleft()
            for name, value in refusal.fields:
                request.setHeader(name, value)
            return _status(request, refusal.status, "refused", refusal.body)
        namespace, _, kind = request.path.decode().removeprefix(_PREFIX).partition("/")
        label, _, service = query.get("labelSelector", "").partition("=")
        if kind != "endpointslices" or label != LABEL:
            return _status(request, 404, f"there is no {request.path!r}")
        if query.get("watch") == "true":
            return self._watch(request, query, namespace, service)
        return self._list(request, query, namespace, service)

    def _list(self, request: Request, query: Mapping[str, str], namespace: str, service: str) -> bytes:
        version, begin = self.version, 0
        if "continue" in query:
            version, begin = map(int, query["continue"].split("-"))
            if self.forget_pages or version not in self._snapshots:
                return _status(request, 410, "The provided continue parameter is too old", reason="Expired")
        else:
            self._snapshots[version] = [self._objects[key] for key in sorted(self._objects)]
        items = [item for item in self._snapshots[version] if _concerns(item, namespace, service)]
        limit = int(query.get("limit", len(items) or 1))
        metadata = {"resourceVersion": str(version)}
        if begin + limit < len(items):
            metadata["continue"] = f"{version}-{begin + limit}"
        request.setHeader("content-type", "application/json")
        return json.dumps(
            {"kind": "EndpointSliceList", "metadata": metadata, "items": items[begin : begin + limit]}
        ).encode()

    def _watch(self, request: Request, query: Mapping[str, str], namespace: str, service: str) -> bytes | int:
        version = int(query["resourceVersion"])
        if version > self.version:
            return _status(request, 504, "Timeout: Too large resource version", reason="Timeout")
        expired = version < self._compacted
        if expired and not self.gone_in_stream:
            return _status(request, 410, "too old resource version", reason="Expired")
        request.setHeader("content-type", "application/json")
        watch = _Watch(request, namespace, service, query.get("allowWatchBookmarks") == "true")
        self._watches.append(watch)
        timer = self._clock.callLater(float(query["timeoutSeconds"]), self._end, watch)
        request.notifyFinish().addBoth(lambda _: self._ended(watch, timer))
        request.write(b"")
        if expired:
            self._fail(watch, 410, {})
            return NOT_DONE_YET
        for change in self._changes:
            if change.version > version:
                self._tell(watch, change)
        return NOT_DONE_YET

    # ---- streams ----------------------------------------------------------------------------------------------------

    def _change(self, key: tuple[str, str], item: Object | None) -> None:
        self.version += 1
        before = self._objects.pop(key, None)
        if item is not None:
            item["metadata"]["resourceVersion"] = str(self.version)
            self._objects[key] = item
        change = _Change(self.version, before, item)
        self._changes.append(change)
        for watch in list(self._watches):
            self._tell(watch, change)

    def _tell(self, watch: _Watch, change: _Change) -> None:
        was = change.before is not None and _concerns(change.before, watch.namespace, watch.service)
        if change.after is not None and _concerns(change.after, watch.namespace, watch.service):
            self._send(watch, "MODIFIED" if was else "ADDED", change.after)
        elif was:
            assert change.before is not None
            gone = {**change.before, "metadata": {**change.before["metadata"], "resourceVersion": str(change.version)}}
            self._send(watch, "DELETED", gone)

    def _fail(self, watch: _Watch, status: int, details: Mapping[str, object]) -> None:
        self._send(watch, "ERROR", {"kind": "Status", "code": status, "message": "it failed", "details": details})
        self._end(watch)

    def _send(self, watch: _Watch, event: str, item: Object) -> None:
        self._write(watch, json.dumps({"type": event, "object": item}).encode() + b"\n")

    def _write(self, watch: _Watch, data: bytes) -> None:
        for piece in self.cut(data):
            watch.request.write(piece)

    def _end(self, watch: _Watch) -> None:
        if watch in self._watches:
            watch.request.finish()

    def _ended(self, watch: _Watch, timer: Any) -> None:
        self._watches.remove(watch)
        if timer.active():
            timer.cancel()


def _key(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _concerns(item: Object, namespace: str, service: str) -> bool:
    metadata = item["metadata"]
    return bool(metadata["namespace"] == namespace and metadata["labels"].get(LABEL) == service)


def _status(request: Request, code: int, message: str, body: bytes | None = None, reason: str = "") -> bytes:
    request.setResponseCode(code)
    request.setHeader("content-type", "application/json")
    status = {"kind": "Status", "status": "Failure", "code": code, "message": message, "reason": reason}
    return json.dumps(status).encode() if body is None else body
