"""An exchange with the user's hooks in its way; without hooks this code is not on the way of a request at all."""

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from openprequal.errors import BadGateway, GatewayError, HookFailed
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.hedged_exchange import HedgedExchange
from openprequal.forwarding.hop_by_hop import EXPLAIN
from openprequal.forwarding.request_head import render_request_head
from openprequal.forwarding.route import Route
from openprequal.forwarding.vouching import plain_name, staying
from openprequal.forwarding.whole_response import WITHOUT_LENGTH, respond_whole
from openprequal.hooks.calling import call
from openprequal.hooks.request_hooks import HookRequest, HookResponse, check_answer, path_for_hook, rewritten_path
from openprequal.http1.fields import Field, FieldSection
from openprequal.http1.request import RequestHead
from openprequal.http1.response import ResponseHead
from openprequal.interfaces import HookAnswer, PathRewrite, RequestHook, ResponseHook
from openprequal.values import Ending, Outcome


@frozen
class TrafficHooks:
    """The hooks on the way of a request, and how they are called."""

    clock: IReactorTime
    timeout_s: float
    on_failure: Callable[[str], object]
    path_rewrite: PathRewrite | None = None
    request: RequestHook | None = None
    response: ResponseHook | None = None

    def __bool__(self) -> bool:
        return bool(self.path_rewrite or self.request or self.response)

    def call(self, hook: Callable[..., object], *args: object, check: Callable[[object], object]) -> object:
        """See :func:`openprequal.hooks.calling.call`."""
        return call(hook, *args, clock=self.clock, timeout_s=self.timeout_s, on_failure=self.on_failure, check=check)


class HookedExchange(HedgedExchange):
    """An exchange after the path and the request hook had their say; on the way back the response hook has."""

    __slots__ = ("_body", "_held", "_hooks", "_waiting")

    def __init__(self, hooks: TrafficHooks, route: Route, client: Downstream, request: RequestHead) -> None:
        super().__init__(route, client, request)
        self._hooks = hooks
        self._waiting: Deferred[object] | None = None
        self._held: list[Callable[[], None]] | None = None

    # ---- before a backend is picked ---------------------------------------------------------------------------------

    def start(self, body: bytes, ended: bool) -> None:
        # What has come of the body, and its trailers once it is whole.
        self._body: tuple[bytes, list[Field] | None] | None = (body, [] if ended else None)
        if not ended:
            self._client.pause_request()
        target, fields = self._route.changed(self.request)
        if target is not self.request.target or fields is not self.request.head_fields:
            self.request = self.request.changed(target, fields)
        self._rewrite_path()

    def _rendered(self) -> bytes:
        # The route has changed it before anybody was asked.
        request = self.request
        return render_request_head(request, self._route.request_rules, request.target, request.head_fields)

    def request_more(self, chunk: bytes) -> None:
        if self._body is None:
            super().request_more(chunk)
        else:
            self._body = (self._body[0] + chunk, None)

    def request_end(self, trailers: list[Field]) -> None:
        if self._body is None:
            super().request_end(trailers)
        else:
            self._body = (self._body[0], trailers)
            self._client.resume_request()

    def _rewrite_path(self) -> None:
        hook = self._hooks.path_rewrite
        if hook is None or self.request.target == b"*":
            self._ask_request_hook()
            return
        self._after(
            lambda: self._hooks.call(hook, path_for_hook(self.request.path), check=rewritten_path), self._path_rewritten
        )

    def _path_rewritten(self, path: Any) -> None:
        request = self.request
        self.request = request.changed(path + request.target[len(request.path) :], request.head_fields)
        self._ask_request_hook()

    def _ask_request_hook(self) -> None:
        hook = self._hooks.request
        if hook is None:
            self._go()
            return
        request, fields = self.request, self.request.fields
        if request.asks_why:  # of this hop, and a token may be in it
            fields = [field for field in fields if field[0].lower() not in EXPLAIN]
        handed = HookRequest(request.method, request.target, fields, request.client)
        self._after(lambda: self._hooks.call(hook, handed, check=handed.check), lambda _: self._request_allowed(handed))

    def _request_allowed(self, handed: HookRequest) -> None:
        brought = set(self.request.fields)
        fields = [Field(name, value) for name, value in handed.fields]
        if self.request.connection:
            # What the hook set must not go because the client has named it in Connection.
            fields = staying(
                fields, {plain_name(name) for name, value in handed.fields if (name, value) not in brought}
            )
        self.request = self.request.changed(handed.target, fields)
        self._go()

    def _go(self) -> None:
        assert self._body is not None
        (body, trailers), self._body = self._body, None
        super().start(body, trailers == [])
        if trailers and not self._settled:
            super().request_end(trailers)

    # ---- on the way back --------------------------------------------------------------------------------------------

    def response_started(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        hook, member = self._hooks.response, self._member
        if hook is None or member is None:
            super().response_started(head, chunk, ended)
            return
        self._cancel_hedge()
        if head.status in self._route.retries.statuses and self._try_another(
            "status", BadGateway(f"answered {head.status}"), Outcome(Ending.RESPONSE, head.status, None)
        ):
            return
        # It is asked once: this is the response, whatever it or its connection becomes.
        self._body_at_hand = False
        self._held = []
        if not ended and self._connection is not None:
            self._connection.pause()
        handed = HookResponse(head.status, [(field.name, field.value) for field in head.fields], member.backend)
        self._after(
            lambda: self._hooks.call(hook, self.request, handed, check=handed.check),
            lambda _: self._response_allowed(head.changed(handed.status, handed.fields), chunk, ended),
        )

    def _response_allowed(self, head: ResponseHead, chunk: bytes, ended: bool) -> None:
        held, self._held = self._held, None
        if not ended and self._connection is not None:
            self._connection.resume()
        super().response_started(head, chunk, ended)
        for event in held or ():
            event()

    def response_more(self, chunk: bytes) -> None:
        if self._held is None:
            super().response_more(chunk)
        else:
            self._held.append(partial(super().response_more, chunk))

    def response_ended(self, trailers: list[Field]) -> None:
        if self._held is None:
            super().response_ended(trailers)
        else:
            self._held.append(partial(super().response_ended, trailers))

    def upstream_lost(self, reason: Exception) -> None:
        if self._held is None:
            super().upstream_lost(reason)
        else:
            self._held.append(partial(super().upstream_lost, reason))

    # ---- hooks that take their time, and ends -----------------------------------------------------------------------

    def _after(self, ask: Callable[[], object], then: Callable[[Any], None]) -> None:
        """Call *ask*, and *then* with its answer, at once or when it comes."""
        try:
            answer = ask()
        except (GatewayError, HookAnswer) as error:
            self._answer_instead(error)
            return
        if not isinstance(answer, Deferred):
            then(answer)
            return
        self._waiting = answer

        def answered(result: object) -> None:
            self._waiting = None
            if not self._settled:
                then(result)

        def failed(failure: Failure) -> None:
            self._waiting = None
            if not self._settled and not failure.check(CancelledError):
                self._answer_instead(failure.value)

        answer.addCallbacks(answered, failed)

    def _answer_instead(self, error: BaseException | None) -> None:
        """The hook answers, or has failed: no (more of a) backend's response is wanted."""
        self._held = None
        # The backend did its part: whatever went wrong is the hook's doing.
        self._end_attempt(Outcome(Ending.CANCELLED, None, None))
        if isinstance(error, HookAnswer):
            try:
                check_answer(error)
            except HookFailed as failed:
                self._fail(failed)
                return
            fields = [Field(name, value) for name, value in error.fields]
            if error.status not in WITHOUT_LENGTH:
                fields.append(Field(b"Content-Type", error.content_type))
            section = FieldSection([*fields, self._route.response_rules.date()])
            respond_whole(self._client, self.request, error.status, section, error.body)
            self._settle(error.status)
        else:
            self._fail(error if isinstance(error, GatewayError) else HookFailed(str(error)))

    def _settle(self, status: int, now: float | None = None) -> None:
        waiting, self._waiting = self._waiting, None
        super()._settle(status, now)
        if waiting is not None:
            waiting.cancel()
