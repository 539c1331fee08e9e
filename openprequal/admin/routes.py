"""What can be asked of the gateway itself, and who gets which answer?"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from openprequal.admin import views
from openprequal.admin.access import AccessRules, name_of, objection_to
from openprequal.admin.answers import AnyRequest, answer, json_answer, problem_answer
from openprequal.admin.body import json_body, number_in_query
from openprequal.admin.operations import ORDERS, Operations
from openprequal.admin.problems import Problem
from openprequal.errors import ConfigurationError, HookFailed, NeedsRestart, RegistrationRefused
from openprequal.events.ring import EventRing
from openprequal.hooks.registration import RegistrationHooks
from openprequal.interfaces import IRegistry
from openprequal.registry.leases import lease_timeout_s
from openprequal.registry.registration import read_registration, read_unregistration
from openprequal.values import Backend, LoadReport

Result = TypeVar("Result")


class Admin:
    """The admin API over its collaborators; :meth:`resource` serves it on any ``Site``.

    A request that is refused has changed nothing; one that is answered has taken effect.
    """

    log = Logger()
    app = Klein()

    def __init__(
        self,
        *,
        registry: IRegistry,
        services: Collection[str],
        access: AccessRules,
        hooks: RegistrationHooks,
        backend_rows: Callable[[], list[dict[str, object]] | Awaitable[list[dict[str, object]]]],
        ready: Callable[[], str | None],
        metrics_page: Callable[[bytes | None], "Deferred[tuple[str, bytes]]"],
        heartbeat: Callable[[Backend, LoadReport], object],
        refuse: Callable[[Backend], str | None],
        heartbeat_timeout_s: float | None = None,
        operations: Operations,
        events: EventRing,
        reload: Callable[[str], Sequence[str] | Awaitable[Sequence[str]]] | None = None,
        route_rows: Callable[[], list[dict[str, object]]] = list,
        explain: Callable[[bytes], dict[str, object] | Awaitable[dict[str, object]]] = lambda query: {},
    ) -> None:
        """
        :param services: names of the services there are; looked at on each request.
        :param backend_rows: what ``/backends`` shows, one row a backend.
        :param ready: why this gateway should get no traffic now; None: it should.
        :param metrics_page: (content type, body) for the value of the ``Accept`` field.
        :param heartbeat: told of a load report that came with a registration, after it.
        :param refuse: why a backend cannot be one (it is this gateway itself); None: it can.
        :param heartbeat_timeout_s: the configured lease time-out, told to those who register.
        :param operations: does what operators want.
        :param events: what ``/_openprequal/events`` shows.
        :param reload: reads the settings anew, for who asks, and returns the names of those that changed; None: there
            is nothing to read. Raises :class:`~openprequal.errors.ConfigurationError` where they cannot be taken.
        :param route_rows: what ``/_openprequal/routes`` shows, in the order of precedence.
        :param explain: answers ``/_openprequal/explain``, by the query; may raise
            :class:`~openprequal.admin.problems.Problem`.
        """
        self._registry = registry
        self._services = services
        self._access = access
        self._hooks = hooks
        self._backend_rows = backend_rows
        self._ready = ready
        self._metrics_page = metrics_page
        self._heartbeat = heartbeat
        self._refuse = refuse
        self._heartbeat_timeout_s = heartbeat_timeout_s
        self._operations = operations
        self._events = events
        self._reload = reload
        self._route_rows = route_rows
        self._explain = explain

    def resource(self) -> IResource:
        """A leaf resource that answers every path: ours as below, 404 otherwise."""
        return AnyRequest(self.app.resource())

    @app.route("/register", methods=["POST"])
    async def register(self, request: IRequest) -> bytes:
        """A backend joins, renews its registration, or is registered again with other particulars.

        The body is a JSON object, as below. 200 with its ``id``, ``url``, ``service``, ``weight``, and
        ``lease_seconds``: after so much silence it is removed; null: never. 400, or what the register hook says:
        refused, with a ``field``; 409: the registry has its backends from elsewhere; 503: there are ``max_backends``,
        or the registry cannot write now.
        """
        self._admit(request)
        registration = read_registration(json_body(request), self._services)
        backend = registration.backend
        objection = self._refuse(backend)
        if objection is not None:
            raise RegistrationRefused(f"url: {objection}", field="url")
        await self._hooks.ask(backend)
        await self._registry.register(backend)
        if registration.load is not None:
            self._heartbeat(backend, registration.load)
        return json_answer(request, 200, views.registered(backend, lease_timeout_s(backend, self._heartbeat_timeout_s)))

    @app.route("/unregister", methods=["POST"])
    async def unregister(self, request: IRequest) -> bytes:
        """A backend leaves: nothing new is sent there, and what is under way goes on.

        The body names it by ``url`` and ``service``. 200 with its ``id``, ``url`` and ``service``; 404: there is none;
        409: the registry has its backends from elsewhere.
        """
        self._admit(request)
        named = read_unregistration(json_body(request), self._services)
        known = next((backend for backend in self._registry.backends() if backend.id == named.id), named)
        if not await self._registry.unregister(named.id):
            raise Problem(404, f"there is no backend {named.url} in service {named.service}", field="url")
        await self._hooks.tell(known)
        return json_answer(request, 200, views.unregistered(known))

    @app.route("/backends", methods=["GET"])
    async def backends(self, request: IRequest) -> bytes:
        """All backends, whether each may be picked, why or why not, and how loaded it is.

        200 with ``backends``, a list of objects as below, by service, in the order they joined.
        """
        self._admit(request)
        return json_answer(request, 200, views.backends(await _now_or_later(self._backend_rows())))

    @app.route("/metrics", methods=["GET"])
    async def metrics(self, request: IRequest) -> bytes:
        """The metrics, for Prometheus.

        200 in the Prometheus text format, or in OpenMetrics where ``Accept`` prefers it.
        """
        self._admit(request)
        accepted = request.requestHeaders.getRawHeaders(b"accept")
        content_type, body = await self._metrics_page(b", ".join(accepted) if accepted else None)
        return answer(request, 200, content_type.encode("ascii"), body)

    @app.route("/healthz", methods=["GET"])
    def healthz(self, request: IRequest) -> bytes:
        """Whether the process is alive; 200 as long as it answers."""
        return json_answer(request, 200, {"status": "ok"})

    @app.route("/readyz", methods=["GET"])
    def readyz(self, request: IRequest) -> bytes:
        """Whether traffic should come here.

        200 with ``status``, and with ``registry`` (``connected``, ``age_seconds``) where the registry has its
        membership from a source elsewhere; 503 while it stops, or knows no backends yet because that source was never
        read.
        """
        reason = self._ready()
        if reason is not None:
            raise Problem(503, reason)
        return json_answer(request, 200, views.ready(self._registry))

    @app.route("/_openprequal/reload", methods=["POST"])
    async def reload(self, request: IRequest) -> bytes:
        """The settings are read again and taken, without losing a connection.

        200 with ``changed``, the names of those that have other values; 409: one of them needs a restart; 422: a
        mistake, and nothing has changed; 404: the settings came from a program.
        """
        self._admit(request)
        if self._reload is None:
            raise Problem(404, "the settings came from a program: there is nothing to read again")
        try:
            changed = await _now_or_later(self._reload(_caller(request)))
        except NeedsRestart as error:
            raise Problem(409, str(error)) from error
        except ConfigurationError as error:
            raise Problem(422, str(error)) from error
        return json_answer(request, 200, {"reloaded": True, "changed": list(changed)})

    @app.route("/_openprequal/routes", methods=["GET"])
    def routes(self, request: IRequest) -> bytes:
        """The routes in the order of their precedence.

        200 with ``routes``, a list of objects: what each takes and where it leads.
        """
        self._admit(request)
        return json_answer(request, 200, {"routes": self._route_rows()})

    @app.route(f"/_openprequal/<any({', '.join(ORDERS)}):order>", methods=["POST"])
    def order(self, request: IRequest, order: str) -> bytes:
        """One backend is taken out by hand, or let in again.

        The body names it by ``url`` and ``service``. 200 with its ``id``, ``url``, ``service``, and the ``state`` it is
        in then, with the ``reason``; 404: there is none.
        """
        self._admit(request)
        return json_answer(request, 200, self._operations.order(order, json_body(request), _caller(request)))

    @app.route("/_openprequal/balancer", methods=["POST"])
    def balancer(self, request: IRequest) -> bytes:
        """A service has another balancer, until the settings are read again.

        200 with ``service``, ``balancer`` and ``parameters``; 422: what is wrong, and nothing has changed.
        """
        self._admit(request)
        return json_answer(request, 200, self._operations.balancer(json_body(request), _caller(request)))

    @app.route("/_openprequal/balancer", methods=["GET"])
    def balancers(self, request: IRequest) -> bytes:
        """The balancer of each service, and who asked for it.

        200 with ``services``, a list of objects.
        """
        self._admit(request)
        return json_answer(request, 200, self._operations.balancers())

    @app.route("/_openprequal/events", methods=["GET"])
    def events(self, request: IRequest) -> bytes:
        """What has happened lately.

        ``?after=N``: after the event of that number. 200 with ``events``, a list of objects, and ``last``, the number
        to ask with next time.
        """
        self._admit(request)
        new = self._events.after(number_in_query(request, b"after"))
        return json_answer(request, 200, {"events": [event.row for event in new], "last": self._events.last})

    @app.route("/_openprequal/explain", methods=["GET"])
    async def explain(self, request: IRequest) -> bytes:
        """Why a request would go where it would go now, or why the last ones went where they went.

        By the query (``docs/explain.md``): ``path``, ``method`` and the like of one that might come, or ``last=N``. 200
        with what was compared, and what decided.
        """
        self._admit(request)
        return json_answer(request, 200, await _now_or_later(self._explain(request.uri.partition(b"?")[2])))

    @app.handle_errors(Problem)
    def problem(self, request: IRequest, failure: Failure) -> bytes:
        assert isinstance(failure.value, Problem)
        return problem_answer(request, failure.value)

    @app.handle_errors(RegistrationRefused)
    def refused(self, request: IRequest, failure: Failure) -> bytes:
        assert isinstance(failure.value, RegistrationRefused)
        self.log.info(
            "{path} from {peer} refused: {reason}",
            path=request.path.decode("ascii", "replace"),
            peer=request.getClientAddress(),
            reason=failure.value.reason,
        )
        return problem_answer(request, Problem.of(failure.value))

    @app.handle_errors(HTTPException)
    def not_routed(self, request: IRequest, failure: Failure) -> bytes:
        if isinstance(failure.value, MethodNotAllowed):
            allowed = ", ".join(sorted(failure.value.valid_methods or ()))
            return problem_answer(
                request, Problem(405, f"allowed: {allowed}", headers={b"allow": allowed.encode("ascii")})
            )
        return problem_answer(request, Problem(404))

    @app.handle_errors(Exception)
    def failed(self, request: IRequest, failure: Failure) -> bytes:
        if not failure.check(HookFailed):  # that one was logged with its cause where it happened
            self.log.failure("admin request failed", failure=failure)
        return problem_answer(request, Problem(500))

    def _admit(self, request: IRequest) -> None:
        """:raises Problem: 403, the caller may not use this."""
        objection = objection_to(self._access, request)
        if objection is not None:
            raise Problem(403, objection)


async def _now_or_later(result: Result | Awaitable[Result]) -> Result:
    return await result if isinstance(result, Awaitable) else result


def _caller(request: IRequest) -> str:
    return name_of(request.getClientAddress())
