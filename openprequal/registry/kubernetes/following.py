"""How is one Service's set of EndpointSlices kept as the API server has it? List, then watch, and list anew at need.

The rules are those of the Kubernetes API concepts, "Efficient detection of changes": a list tells a resource version, a
watch from there tells every change after it, and bookmarks move the version along while nothing concerns us. A watch
that ends or breaks goes on from the last version heard of. What cannot be gone on from (410) is listed anew.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openprequal.registry.kubernetes.parameters import Source
from openprequal.registry.kubernetes.requests import MAX_RETRY_AFTER_S, ApiFailure, ApiRequests
from openprequal.registry.kubernetes.slices import Malformed, Slice, read_slice, shortcoming_of

WATCH_S: Final = (60.0, 120.0)
"""How long a watch may take, by lot, so that the watches of many gateways do not end together. No longer, because a
connection that hangs is noticed only at its end."""
GRACE_S: Final = 10.0
"""A server that has not ended a watch so long after it should have is not there."""
PAGE: Final = 20
"""Slices in one page of a list: of a hundred endpoints each, they are read in a few milliseconds."""
BACKOFF_S: Final = (1.0, 30.0)
DOUBTFUL: Final = 3
"""Failures in a row after which the version itself may be to blame: a store that was restored has gone back."""
_GONE: Final = 410
_FORBIDDEN: Final = 403


class Following:
    """The slices of one Service, by name, and who is told when they are others.

    While the server cannot be asked they stay as they were. An empty list is believed: it was asked for by the name of
    the Service, read from the store the control plane itself goes by, and told as a list; a failure is none of these.
    """

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        rng: Random,
        requests: ApiRequests,
        source: Source,
        namespace: str,
        changed: Callable[[], object],
    ) -> None:
        """
        :param namespace: the Service's.
        :param changed: told that :attr:`slices` are others.
        """
        self.source = source
        self.slices: dict[str, Slice] = {}
        self.ignored = 0
        """Slices that made no sense, in lists."""
        self.watching = False
        """There is a watch, so that changes are heard of."""
        self._true_at: float | None = None
        """When the slices were last known to be those there are, but for a watch under way; None: they never were."""
        self._name = f"{namespace}/{source.kubernetes_service}"
        self._namespace = namespace
        self._clock = clock
        self._rng = rng
        self._requests = requests
        self._changed = changed
        self._path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._selector = {"labelSelector": f"kubernetes.io/service-name={source.kubernetes_service}"}
        self._version: str | None = None
        """Where a watch goes on; None: a list is needed."""
        self._failures = 0
        """In a row."""
        self._was_gone = False
        """There was a 410 among them."""
        self._said = ""
        self._shortcoming: str | None = None
        self._running: Deferred[None] | None = None
        self._stopped = False

    def age_s(self) -> float | None:
        """Seconds since the slices were known to be those there are; None: they never were."""
        if self.watching:
            return 0.0
        return None if self._true_at is None else self._clock.seconds() - self._true_at

    def start(self) -> None:
        """Begin with a list."""
        self._running = Deferred.fromCoroutine(self._run())

    def stop(self) -> "Deferred[None]":
        """End; fires when nothing is under way."""
        self._stopped = True
        running, self._running = self._running, None
        if running is None:
            return succeed(None)
        running.addErrback(lambda failure: None if failure.check(CancelledError) else failure)
        running.cancel()
        return running

    async def _run(self) -> None:
        while True:
            pause_s = await self._pause_after_once()
            if self._stopped:
                return
            await deferLater(self._clock, pause_s)

    async def _pause_after_once(self) -> float:
        """:return: seconds to wait before the next time."""
        try:
            return await self._once()
        except ApiFailure as failure:
            # A request that is cancelled fails in ways of its own.
            return 0.0 if self._stopped else self._failed(failure)
        except CancelledError:
            raise
        except Exception:
            self.log.failure("{name}: cannot be followed, listing it anew", name=self._name)
            self._version = None
            return self._backoff_s()

    async def _once(self) -> float:
        """List if need be, and watch until the watch ends as it should; the result as above."""
        if self._version is None:
            await self._list()
        began = self._clock.seconds()
        await self._watch()
        if self._clock.seconds() - began >= BACKOFF_S[0]:
            self._progressed()
            return 0.0
        return self._backoff_s()

    # ---- list -------------------------------------------------------------------------------------------------------

    async def _list(self) -> None:
        try:
            slices, self._version = await self._pages(PAGE)
        except ApiFailure as failure:
            if failure.status != _GONE:
                raise
            # The snapshot that the pages are of is gone meanwhile: all at once needs none.
            slices, self._version = await self._pages(None)
        self._true_at = self._clock.seconds()
        if self._said:
            self.log.info("{name}: listed, {count} slices", name=self._name, count=len(slices))
            self._said = ""
        if slices != self.slices:
            self.slices = slices
            self._tell()

    async def _pages(self, limit: int | None) -> tuple[dict[str, Slice], str]:
        # Without a resourceVersion the list is the store's, not what some server remembers: we never go back in time.
        query = dict(self._selector) if limit is None else {**self._selector, "limit": str(limit)}
        slices: dict[str, Slice] = {}
        version = ""
        while True:
            page = await self._requests.read(self._path, query)
            metadata = page.get("metadata") if isinstance(page, dict) else None
            if not isinstance(metadata, dict) or page.get("kind") != "EndpointSliceList":
                raise ApiFailure("its answer is no EndpointSliceList")
            try:
                version = version or _version_of(page)
            except Malformed as error:
                raise ApiFailure(f"its list cannot be used: {error}") from None
            items = page.get("items") or []
            for item in items if isinstance(items, list) else [items]:
                try:
                    one = read_slice(item)
                except Malformed:
                    self.ignored += 1
                else:
                    slices[one.name] = one
            more = metadata.get("continue")
            if not more:
                return slices, version
            query["continue"] = str(more)

    # ---- watch ------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        assert self._version is not None
        shortest, longest = WATCH_S
        seconds = round(shortest + (longest - shortest) * self._rng.random())
        query = {
            **self._selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(seconds),
        }
        try:
            await self._requests.stream(self._path, query, self._began, self._take_line, seconds + GRACE_S)
        finally:
            if self.watching:
                self.watching = False
                self._true_at = self._clock.seconds()

    def _began(self) -> None:
        self.watching = True

    def _take_line(self, line: bytes) -> None:
        """:raises ApiFailure: the watch has failed, or what it tells cannot be understood, so that a list is needed."""
        try:
            event = json.loads(line)
            type_, item = event["type"], event["object"]
            if type_ == "ERROR":
                # 410 most often. Of whatever else went wrong, a list makes good.
                self._version = None
                raise _told_in(item)
            version = _version_of(item)
            if type_ in ("ADDED", "MODIFIED"):
                one = read_slice(item)
                before = self.slices.get(one.name)
                self.slices[one.name] = one
            elif type_ == "DELETED":
                one = None
                before = self.slices.pop(str(item["metadata"]["name"]), None)
            elif type_ == "BOOKMARK":
                one = before = None
            else:
                raise Malformed(f"there is no event {ascii(type_)[:40]}")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            # It may be about anything: only a list can tell what it was.
            self._version = None
            raise ApiFailure(f"an event makes no sense: {ascii(str(error))[1:-1][:200]}") from None
        self._version = version
        self._progressed()
        if one != before:
            self._tell()

    # ---- what comes of it -------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        shortcoming = shortcoming_of(self.source, self.slices)
        if shortcoming != self._shortcoming and shortcoming is not None:
            self.log.warn("{name}: {why}", name=self._name, why=shortcoming)
        self._shortcoming = shortcoming
        self._changed()

    def _progressed(self) -> None:
        self._failures = 0
        self._was_gone = False

    def _failed(self, failure: ApiFailure) -> float:
        """:return: seconds to wait."""
        if failure.status == _GONE or self._failures >= DOUBTFUL:
            self._version = None
        if failure.status == _GONE and not self._was_gone:
            # That is no fault of anybody, and happens to all who were away for a while.
            self._was_gone = True
            return 0.0
        why = self._forbidden(failure) if failure.status == _FORBIDDEN else failure.why
        if why != self._said:  # once per change, not once per try
            self._said = why
            self.log.warn("{name}: the API server {why}; its backends stay as they are", name=self._name, why=why)
        return max(self._backoff_s(), failure.retry_after_s)

    def _forbidden(self, failure: ApiFailure) -> str:
        return (
            f"{failure.why}; the gateway's service account needs a Role in namespace {self._namespace} "
            "with apiGroups [discovery.k8s.io], resources [endpointslices], verbs [get, list, watch], and a RoleBinding"
        )

    def _backoff_s(self) -> float:
        first, longest = BACKOFF_S
        self._failures += 1
        return min(longest, first * 2.0 ** min(self._failures - 1, 10)) * (0.5 + self._rng.random() / 2)


def _version_of(item: Any) -> str:
    """Its resource version: opaque, but never empty.

    :raises Malformed: it has none.
    """
    version = item["metadata"].get("resourceVersion")
    if not isinstance(version, str) or not version:
        raise Malformed("it tells no resourceVersion")
    return version


def _told_in(status: Any) -> ApiFailure:
    """The failure that an ERROR event tells of: a Status, if all is well."""
    code = status.get("code") if isinstance(status, dict) else None
    message = status.get("message") if isinstance(status, dict) else None
    details = status.get("details") if isinstance(status, dict) else None
    wait = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return ApiFailure(
        f"ended the watch: {ascii(message)[:300]}",
        code if isinstance(code, int) else None,
        float(min(max(wait, 0), MAX_RETRY_AFTER_S)) if isinstance(wait, int) else 0.0,
    )
