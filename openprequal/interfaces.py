"""Every interface a user may implement: balancers, registries, hooks, and what they are handed.

All methods are called in the reactor's thread and must not block. Where a method says *immediate*, it runs once or
more per request: no Deferred, no log call, no timer. Verified fakes and one contract suite for each interface live in
:mod:`openprequal.testing`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import Any, Protocol

from attrs import Factory, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import Attribute, Interface

from openprequal.explanations import PickExplanation
from openprequal.values import Backend, LoadReport, Outcome


class IRequest(Interface):
    """A read-only view of a client's request, for hashing and hints."""

    method: bytes = Attribute("The method token, for example ``b'GET'``; case-sensitive.")
    target: bytes = Attribute("The request target byte for byte, query included.")
    path: bytes = Attribute("The target up to the first ``?``, byte for byte.")
    fields: Sequence[tuple[bytes, bytes]] = Attribute("(name, value) pairs in the order and case they came in.")
    client: str = Attribute("Address of the peer that sent it.")

    def header(name: bytes) -> bytes | None:
        """The value of the first field of that lower-case name, or None."""


class IPending(Interface):
    """A pick that has to wait for something (probes in flight); made by balancers in sync mode only."""

    def whenPicked(callback: Callable[[Backend | None], None]) -> None:
        """Call *callback* exactly once with the backend, or None if there is none; never from inside this call."""

    def cancel() -> None:
        """The request is gone: the callback will not be called. Harmless after it was."""


class IBalancer(Interface):
    """Chooses a backend for each request of one service.

    It hears events about the backends that may be picked and keeps whatever state it wants. All methods are
    *immediate*, never raise, and are never called re-entrantly: a balancer calls nobody back from inside them but its
    probe transport. Every ``started`` is followed by exactly one ``finished`` for its backend, even after ``down``.
    """

    pick_counts: Mapping[str, int] = Attribute("Picks so far by reason (:class:`openprequal.values.PickReason`).")

    def up(backend: Backend) -> None:
        """*backend* may be picked from now on; it is not among those that may, by its id."""

    def down(backend: Backend) -> None:
        """*backend* may no longer be picked; requests may still be under way to it. Harmless if it was not up."""

    def reweighted(backend: Backend) -> None:
        """A backend that is up was registered again: *backend*, its weight perhaps another, replaces the same id's."""

    def pick(request: IRequest, exclude: Collection[str]) -> "Backend | IPending | None":
        """The backend this request should go to.

        :param exclude: ids of backends that this request must not go to: they were tried, or have no room. It may
            change while a pending pick waits, which should therefore look again in the end.
        :return: None when no backend that is up and not excluded exists.
        """

    def started(backend: Backend) -> None:
        """A request was assigned to *backend* by this gateway: its in-flight count is one higher."""

    def finished(backend: Backend, outcome: Outcome) -> None:
        """A request assigned earlier ended: the in-flight count is one lower."""

    def reported(backend: Backend, report: LoadReport) -> None:
        """*backend* told its load now, on a response, a probe answer or a heartbeat."""


class IExplainsPicks(Interface):
    """What a balancer may provide beside IBalancer: why its picks fall as they do. Every shipped one does."""

    def explain(request: IRequest, exclude: Collection[str] = ()) -> PickExplanation:
        """Whom :meth:`IBalancer.pick` would give now for the same arguments, and why; immediate, but not cheap.

        Nothing is changed by it, draws included: the picks that follow are what they would have been. Of a balancer
        whose picks wait it is whom it would give without waiting.
        """


class IMembershipObserver(Interface):
    """Hears who exists. Calls come in the order of the changes, each change once."""

    def joined(backend: Backend) -> None:
        """*backend* is new: its id did not exist."""

    def changed(old: Backend, new: Backend) -> None:
        """Registered again with other particulars; same id."""

    def left(backend: Backend, reason: str) -> None:
        """Unregistered or reaped; *reason* is for people."""


class IRegistry(Interface):
    """Knows which backends exist, whoever told it.

    The last registration of an id decides; registering again renews the lease. A provider that loses its source keeps
    the last known membership and errbacks registrations.
    """

    def register(backend: Backend) -> "Deferred[None]":
        """Make *backend* exist, or renew and replace it.

        A backend with ``heartbeat_seconds`` holds a lease and is removed when it is silent for the lease time-out; one
        without is never removed by silence. Fires once observers here have been told.

        :raises RegistrationRefused: (errback) the provider is full (503) or cannot write now (503).
        """

    def unregister(backend_id: str) -> "Deferred[bool]":
        """Remove it; fires with False if it did not exist."""

    def backends() -> Collection[Backend]:
        """All backends known now, of all services, in the order they joined. Immediate."""

    def subscribe(observer: IMembershipObserver) -> None:
        """Tell *observer* ``joined`` for everyone known now, inside this call, and of every change from then on.

        An observer that raises is logged and does not keep the others from hearing.
        """

    def start() -> None:
        """Begin: timers, connections. Called once, before traffic."""

    def stop() -> "Deferred[None]":
        """End all timers and connections; fires when none is left."""


class IRegistrySource(Interface):
    """What a registry tells of the source that it has its membership from; may be provided beside IRegistry."""

    connected: bool = Attribute("Whether the source can be asked now; if not, the last known membership is in force.")
    ignored: int = Attribute("How often, so far, the source told of something that made no sense.")

    def age_s() -> float | None:
        """Seconds since the membership was known to be all the source has; None: it was never read. Immediate.

        A gateway that has never read it is not ready.
        """


class IProbeTransport(Interface):
    """Asks one backend for its load."""

    def probe(backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None = None) -> None:
        """Send one probe; call *answered* once, later, never from inside this call.

        Called with None when there was no answer in time or it held no report. A late answer is reported to the
        balancer by other means, never through the same callback again.

        :param hint: None: the probe is for whatever request comes next; one is under way to a backend at most, and
            until it is over others are answered with None. Bytes: it is for one request that waits (sync mode), so that
            several may be under way; if not empty, they are sent along (:mod:`openprequal.hints`), and the answer,
            which may be scaled down for this one request, is told to nobody but *answered*, in time or not at all.
        """


class IHookRequest(Interface):
    """What the request hook is handed: the request as it will be sent, and the means to change it."""

    method: bytes = Attribute("The method token; read-only.")
    target: bytes = Attribute("The target to be sent, query included; assignable.")
    fields: list[tuple[bytes, bytes]] = Attribute("End-to-end fields to be sent; change in place.")
    client: str = Attribute("Address of the peer that sent it.")


class IHookResponse(Interface):
    """What the response hook is handed: the response head as it will be sent, before any of it is."""

    status: int = Attribute("Status code; assignable.")
    fields: list[tuple[bytes, bytes]] = Attribute("End-to-end fields to be sent; change in place.")
    backend: Backend = Attribute("Who answered.")


class HookAnswer(Exception):
    """Raised by a request hook to answer the client itself instead of asking a backend."""

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: bytes = b"text/plain; charset=utf-8",
        fields: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        """:param fields: more of the response's, like ``WWW-Authenticate``; not those that frame it."""
        super().__init__(status)
        self.status = status
        self.body = body
        self.content_type = content_type
        self.fields = fields


@frozen
class BalancerContext:
    """What a balancer's class is called with, as its only argument, once per service."""

    clock: IReactorTime
    """The only source of time; ``clock.seconds()`` is monotonic."""
    rng: Random
    """The only source of randomness."""
    probes: IProbeTransport
    """How to ask a backend for its load."""
    parameters: Mapping[str, object] = field(factory=dict)
    """The service's ``balancer_parameters`` from the configuration; a balancer refuses those it does not know with
    :class:`~openprequal.errors.ConfigurationError`."""


@frozen
class RegistryContext:
    """What a registry's class is called with, as its only argument."""

    clock: IReactorTime
    max_backends: int
    """Registrations beyond this many backends are refused."""
    heartbeat_timeout_s: float | None = None
    """Silence after which a leased backend is removed; None: twice its own ``heartbeat_seconds``."""
    parameters: Mapping[str, object] = field(factory=dict)
    """``registry_parameters`` from the configuration; a registry refuses those it does not know, when it is made, with
    :class:`~openprequal.errors.ConfigurationError`. Nothing else happens then: files, connections and timers wait for
    ``start()``."""
    rng: Random = field(factory=Random)
    """The only source of randomness."""
    reactor: Any = field(default=Factory(lambda self: self.clock, takes_self=True))
    """For connections, names and threads; the clock too, unless time is virtual."""


class RegisterHook(Protocol):
    """``CUSTOM_REGISTER_HOOK``: called before a backend is registered; may be a coroutine function."""

    def __call__(self, backend: Backend) -> object:
        """Return to accept; raise :class:`~openprequal.errors.RegistrationRefused` to refuse with a reason."""


class UnregisterHook(Protocol):
    """``CUSTOM_UNREGISTER_HOOK``: called after a backend has left by ``/unregister``; may be a coroutine function."""

    def __call__(self, backend: Backend) -> object:
        """The result is ignored."""


class PathRewrite(Protocol):
    """``CUSTOM_PATH_REWRITE``: maps the path a client asked for to the one the backend is asked for."""

    def __call__(self, path: str) -> object:
        """Return the new path (str) or an awaitable of it; it must start with ``/``. The query stays as it was."""


class RequestHook(Protocol):
    """``CUSTOM_REQUEST_HOOK``: called once per request before a backend is picked; may be a coroutine function."""

    def __call__(self, request: IHookRequest) -> object:
        """Change *request* in place, or raise :class:`HookAnswer` to answer without a backend."""


class ResponseHook(Protocol):
    """``CUSTOM_RESPONSE_HOOK``: called once per final response head, never for 1xx; may be a coroutine function."""

    def __call__(self, request: IRequest, response: IHookResponse) -> object:
        """Change *response* in place. The body has not been read and cannot be."""
