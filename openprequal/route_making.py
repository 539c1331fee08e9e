"""What makes the exchanges of proxied requests? One route for all, or a table of those in the settings."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any
from weakref import WeakValueDictionary

import attrs
from attrs import field, frozen

from openprequal.checks.assembly import Checks
from openprequal.config.gateway import GatewaySettings
from openprequal.config.rate_limits import RateLimitSettings
from openprequal.config.routes import FieldChanges, Mirror, RouteSettings
from openprequal.config.statuses import statuses_of
from openprequal.data_plane import Clock, configured_hook
from openprequal.errors import BadRequest, GatewayError, NoRoute
from openprequal.explaining.asking import MayAsk, asked
from openprequal.explaining.recent import Recent
from openprequal.explaining.recording import ON_DEMAND, Exchanges
from openprequal.filter_making import FilterRules
from openprequal.forwarding.accompanied import accompanied, on_route
from openprequal.forwarding.checked_exchange import Checking
from openprequal.forwarding.downstream import Downstream, ProxyExchange
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.explained_exchange import (
    ExplainedExchange,
    ExplainedHedgedExchange,
    ExplainedHookedExchange,
)
from openprequal.forwarding.field_edits import FieldEdits, field_edits
from openprequal.forwarding.fixed_exchange import Answer, AnswerRules, FixedExchange
from openprequal.forwarding.hedged_exchange import HedgedExchange
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.journey import Witness
from openprequal.forwarding.mirroring import Copies, Mirroring
from openprequal.forwarding.recorded_exchange import RecordedExchange, RecordedHedgedExchange, RecordedHookedExchange
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_filters import Cors, compressing, cross_origin, preflight_answer
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.retry import RetryRules, Unsafe
from openprequal.forwarding.route import Route, Timeouts
from openprequal.forwarding.routed import Routed, Split
from openprequal.forwarding.told_of import told_of
from openprequal.forwarding.told_why import WhyNobody, telling
from openprequal.frontend.rate_limited import rate_limited
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.limiting.rate_limits import Known, RateLimits, RateRule
from openprequal.metrics.route_counts import RouteCounts
from openprequal.metrics.tally import RequestTally
from openprequal.route_table import fixed_answer, route_table, target_of
from openprequal.routing.service import Service
from openprequal.session_making import hidden_cookies
from openprequal.values import DEFAULT_SERVICE

NOWHERE = "-"
"""Stands for the route of requests that none takes, and for the service of those that need none."""


@frozen
class Traffic:
    """What the way of a request is made of, whatever the settings are."""

    reactor: Clock
    rng: Random
    date: HttpDate
    pseudonym: bytes
    """What this process is called in Via, from its start to its end."""
    counts: RouteCounts
    copies: Copies
    answered: RequestTally
    """Counts what the gateway answers without a service."""
    count_hook_failure: Callable[[str], None]
    checks: Checks
    limited: "Counter[str]"
    """Gets requests over a rate limit counted, by its name."""
    secure: bool = False
    """Clients speak TLS to us."""
    witnesses: Callable[[GatewaySettings], Sequence[Witness]] = lambda settings: ()
    """Who is told of each request, by these settings."""
    recent: Recent = field(factory=lambda: Recent(lambda: 0.0, lambda: 0.0))
    """Remembers requests, where somebody wants that."""
    may_ask: Callable[[GatewaySettings], MayAsk] = lambda settings: lambda client, request: False
    """Which requests may ask why they go where they go, by these settings."""
    why_nobody: WhyNobody = lambda service: ""
    """How many backends of a service cannot be picked, by what they are."""
    buckets: Known = field(factory=WeakValueDictionary)
    """Rules that a reload leaves as they are find what was used of them again."""

    def exchanges(self, settings: GatewaySettings, services: Mapping[str, Service]) -> Exchanges:
        """What makes the exchange of each request.

        :raises ConfigurationError: a route or a hook cannot be used.
        """
        witnesses = [*self.witnesses(settings)]
        if witnesses or settings.explain_requests:
            # Where requests are written down anyway, to remember them costs next to nothing.
            witnesses.append(self.recent)
        remembered = witnesses or [self.recent]
        usual = self._made(settings, services, witnesses, _RECORDED if witnesses else None)

        def explained() -> ProxyExchange:
            return self._made(settings, services, remembered, _EXPLAINED)

        return Exchanges(
            usual,
            asked(usual, explained, self.may_ask(settings)),
            lambda: self._made(settings, services, remembered, _RECORDED),
            settings.explain_requests or (ON_DEMAND if witnesses else 0),
        )

    def _made(
        self,
        settings: GatewaySettings,
        services: Mapping[str, Service],
        witnesses: Sequence[Witness],
        kinds: "_Kinds | None",
    ) -> ProxyExchange:
        """What makes exchanges of *kinds*, of which *witnesses* are told."""
        making = _Making(self, settings, services, kinds)
        make = making.limited(self._found(making, settings), settings.effective_rate_limits, None)
        if kinds is _EXPLAINED:
            make = telling(make, self.why_nobody)
        return accompanied(make, witnesses, self.reactor.seconds)

    def _found(self, making: "_Making", settings: GatewaySettings) -> ProxyExchange:
        if not settings.routes:
            return making.guarded(making.proxied(making.common, None), None)
        table = route_table(settings.routes, making.made)
        return Routed(
            table,
            nowhere=making.error(NoRoute("no route takes it")),
            ambiguous=making.error(BadRequest("the path hides a dot segment")),
        )


@frozen
class _Kinds:
    """Exchanges that are written down."""

    plain: type[RecordedExchange]
    hedged: type[RecordedHedgedExchange]
    hooked: type[RecordedHookedExchange]


_RECORDED = _Kinds(RecordedExchange, RecordedHedgedExchange, RecordedHookedExchange)
_EXPLAINED = _Kinds(ExplainedExchange, ExplainedHedgedExchange, ExplainedHookedExchange)


class _Making:
    """Makes what the routes lead to, by one reading of the settings."""

    def __init__(
        self, traffic: Traffic, settings: GatewaySettings, services: Mapping[str, Service], kinds: "_Kinds | None"
    ) -> None:
        """:param kinds: those of exchanges that are written down; None: nobody is told of requests."""
        self._kinds = kinds
        self._traffic = traffic
        self._settings = settings
        self._services = services
        self._filters = FilterRules(settings)
        self.common = _common_route(traffic, settings, services[DEFAULT_SERVICE])
        rules = self.common.request_rules
        self._checks = traffic.checks.made(
            settings.checks, partial(told_of, rules=rules), f"{rules.trusted_proxies} {rules.forwarded}"
        )

    def made(self, route: RouteSettings) -> ProxyExchange:
        """What makes the exchanges of *route*.

        :raises ConfigurationError: it cannot be used.
        """
        make = self._made(route)
        return make if self._kinds is None else on_route(make, route.name)

    def _made(self, route: RouteSettings) -> ProxyExchange:
        where = f"routes.{route.name}"
        response_edits = _edits(route.response_headers, f"{where}.response_headers", of_request=False)
        answer = fixed_answer(route)
        if answer is not None:
            return self._cross_origin(self._limited(self._fixed(route.name, answer, response_edits), route), route)
        common = self.common
        theirs = attrs.evolve(
            common,
            request_rules=self._request_rules(route),
            timeouts=_timeouts(common.timeouts, route),
            retries=_retries(common.retries, route),
            target=target_of(route),
            request_edits=_edits(route.request_headers, f"{where}.request_headers", of_request=True),
            response_edits=response_edits,
        )
        weighted = [(self._to(name, theirs, route), weight) for name, weight in route.weights.items()]
        make = weighted[0][0] if len(weighted) == 1 else Split(self._traffic.rng, weighted)
        return self.guarded(make if route.mirror is None else self._mirrored(make, theirs, route.mirror), route)

    def _to(self, service: str, theirs: Route, route: RouteSettings) -> ProxyExchange:
        counted = self._traffic.counts.counter(route.name, service)
        return self.proxied(attrs.evolve(theirs, service=self._services[service], counted=counted), route)

    def _request_rules(self, route: RouteSettings) -> RequestRules:
        services = [*route.weights, *([] if route.mirror is None else [route.mirror.service])]
        effective = self._settings.effective_services
        return attrs.evolve(
            self.common.request_rules,
            hidden_cookies=hidden_cookies(effective[name] for name in services),
            **_given(keep_host=None if route.host_header is None else route.host_header == "keep"),
        )

    def _mirrored(self, make: ProxyExchange, theirs: Route, mirror: Mirror) -> ProxyExchange:
        never = RetryRules(attempts=0, body_bytes=0)
        copied = attrs.evolve(theirs, service=self._services[mirror.service], retries=never)
        return Mirroring(
            make,
            partial(Exchange, copied),
            mirror.share,
            theirs.retries.body_bytes,
            self._traffic.rng,
            self._traffic.copies,
        )

    def proxied(self, route: Route, settings: RouteSettings | None) -> ProxyExchange:
        """What makes exchanges with a backend: the plain ones unless there are hooks.

        :param settings: of the route; None: it is the one for all.
        :raises ConfigurationError: a hook cannot be used.
        """
        common = self._settings
        own_request, own_response = (settings.request_hook, settings.response_hook) if settings else (None, None)
        where = f"routes.{settings.name}." if settings else ""
        hooks = TrafficHooks(
            self._traffic.reactor,
            common.hook_timeout_seconds,
            self._traffic.count_hook_failure,
            path_rewrite=configured_hook(common.custom_path_rewrite, "custom_path_rewrite"),
            request=configured_hook(own_request, f"{where}request_hook")
            or configured_hook(common.custom_request_hook, "custom_request_hook"),
            response=configured_hook(own_response, f"{where}response_hook")
            or configured_hook(common.custom_response_hook, "custom_response_hook"),
        )
        make: Callable[[Downstream, RequestHead], Exchange]
        if hooks:
            make = partial(HookedExchange if self._kinds is None else self._kinds.hooked, hooks, route)
        elif self._kinds is not None:
            make = partial(self._kinds.plain if route.service.lateness is None else self._kinds.hedged, route)
        else:
            make = partial(Exchange if route.service.lateness is None else HedgedExchange, route)
        return compressing(make, self._filters.compression(settings))

    def guarded(self, make: ProxyExchange, route: RouteSettings | None) -> ProxyExchange:
        """*make*, with what stands before it on *route*; None: the one for all.

        Preflights come before the checks, because browsers send them without credentials; rate limits too, because a
        check may cost more than a backend; a mirror comes behind all, so that it gets nothing that was not admitted.
        """
        return self._cross_origin(self._limited(self._checked(make, route), route), route)

    def limited(self, make: ProxyExchange, rules: Sequence[RateLimitSettings], route: str | None) -> ProxyExchange:
        """*make*, for requests that come as seldom as *rules* say.

        :param route: whose they are; None: of all.
        """
        if not rules:
            return make
        traffic = self._traffic
        limits = RateLimits(
            rate_rules(rules, "" if route is None else f"{route}/"),
            self._settings.trusted_proxies,
            limited=traffic.limited,
            known=traffic.buckets,
        )

        count = None if route is None else traffic.counts.counter(route, NOWHERE)

        def refused(status: int) -> None:
            if count is not None:
                count(status)
            traffic.answered.finished(b"-", status, 0.0)

        return rate_limited(make, limits.wait_s, now=traffic.reactor.seconds, date=traffic.date, refused=refused)

    def _limited(self, make: ProxyExchange, route: RouteSettings | None) -> ProxyExchange:
        return make if route is None else self.limited(make, route.rate_limits, route.name)

    def _cross_origin(self, make: ProxyExchange, route: RouteSettings | None) -> ProxyExchange:
        """*make*, with what other origins are told on *route*; None: the one for all."""
        rules = self._filters.cors(route)
        if rules is None:
            return make
        preflight = self._fixed(route.name if route is not None else NOWHERE, preflight_answer(rules), None)
        return cross_origin(make, Cors(rules, preflight))

    def _checked(self, make: ProxyExchange, settings: RouteSettings | None) -> ProxyExchange:
        """What makes exchanges of those requests that the checks of the route admit; *make* if it has none.

        :param settings: of the route; None: it is the one for all.
        """
        names = self._settings.checks_of(settings)
        if not names:
            return make
        traffic = self._traffic
        checks = tuple(self._checks[name] for name in names)
        counted = self._counted(NOWHERE if settings is None else settings.name)
        return Checking(make, checks, traffic.checks.refusals, traffic.reactor.seconds, traffic.date, counted)

    def error(self, error: GatewayError) -> ProxyExchange:
        """What answers with *error*, whatever is asked."""
        return self._cross_origin(self._fixed(NOWHERE, lambda request: error, None), None)

    def _fixed(
        self, name: str, answer: Callable[[RequestHead], Answer | GatewayError], edits: FieldEdits | None
    ) -> ProxyExchange:
        rules = AnswerRules(
            self._traffic.reactor.seconds,
            answer,
            self._traffic.date,
            edits,
            self._counted(name),
            self._settings.stall_timeout_seconds,
        )
        return partial(FixedExchange, rules)

    def _counted(self, name: str) -> Callable[[RequestHead, int, float], None]:
        """What counts requests of that route that no service has to do with."""
        count, answered = self._traffic.counts.counter(name, NOWHERE), self._traffic.answered

        def counted(request: RequestHead, status: int, seconds: float) -> None:
            count(status)
            answered.finished(request.method, status, seconds)

        return counted


def rate_rules(limits: Sequence[RateLimitSettings], before: str = "") -> list[RateRule]:
    """How often requests may come.

    :param before: what the names begin with in metrics.
    """
    return [
        RateRule(before + limit.effective_name, limit.by, limit.per_second, limit.effective_burst) for limit in limits
    ]


def _common_route(traffic: Traffic, settings: GatewaySettings, service: Service) -> Route:
    """The rules and time-outs of all requests, as far as a route does not say otherwise."""
    return Route(
        now=traffic.reactor.seconds,
        service=service,
        request_rules=RequestRules(
            pseudonym=traffic.pseudonym,
            request_ids=RequestIds(traffic.rng),
            trusted_proxies=settings.trusted_proxies,
            forwarded=settings.forwarded,
            keep_host=settings.host_header == "keep",
            hidden_cookies=hidden_cookies([settings.effective_services[DEFAULT_SERVICE]]),
            scheme=b"https" if traffic.secure else b"http",
            subject_field=(settings.tls_client_subject_header or "").encode("ascii") or None,
            deadline_field=settings.deadline_header.encode("ascii") if settings.deadline_header else None,
            traced=settings.traces_url is not None,
        ),
        response_rules=ResponseRules(
            via=Field(b"Via", b"1.1 " + traffic.pseudonym),
            date=traffic.date,
            strip_reports=settings.response_report_strip,
        ),
        timeouts=Timeouts(
            response_s=settings.response_timeout_seconds,
            stall_s=settings.stall_timeout_seconds,
            queue_s=settings.queue_timeout_seconds,
            connect_s=settings.connect_timeout_seconds,
            total_s=settings.total_timeout_seconds,
        ),
        retries=RetryRules(
            attempts=settings.retry_attempts,
            try_s=settings.try_timeout_seconds,
            statuses=statuses_of(settings.retry_statuses) or frozenset(),
            body_bytes=settings.retry_body_max_bytes,
            unsafe=Unsafe(settings.retry_unsafe),
        ),
    )


def _timeouts(common: Timeouts, route: RouteSettings) -> Timeouts:
    return attrs.evolve(
        common,
        **_given(
            response_s=route.response_timeout_seconds,
            stall_s=route.stall_timeout_seconds,
            queue_s=route.queue_timeout_seconds,
            total_s=route.total_timeout_seconds,
        ),
    )


def _retries(common: RetryRules, route: RouteSettings) -> RetryRules:
    return attrs.evolve(
        common,
        **_given(
            attempts=route.retry_attempts,
            try_s=route.try_timeout_seconds,
            statuses=None if route.retry_statuses is None else statuses_of(route.retry_statuses) or frozenset(),
            body_bytes=route.retry_body_max_bytes,
            unsafe=None if route.retry_unsafe is None else Unsafe(route.retry_unsafe),
        ),
    )


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _edits(changes: FieldChanges, where: str, *, of_request: bool) -> FieldEdits | None:
    return field_edits(where, to_set=changes.set, to_add=changes.add, to_remove=changes.remove, of_request=of_request)
