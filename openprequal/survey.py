"""Which of the things that the settings name cannot be made? Each is tried by itself, so that none hides another.

Only where something is wrong: the gateway itself finds it when it is put together, and stops at the first.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, NoReturn

from openprequal.access_log.destinations import STDOUT_NAME
from openprequal.checks.assembly import Checks
from openprequal.config.gateway import GatewaySettings
from openprequal.config.routes import RouteSettings
from openprequal.config.services import EffectiveService
from openprequal.control_plane import configured_registry
from openprequal.data_plane import Clock, balancing_of, configured_hook, shadow_balancer, upstream_tls_rules
from openprequal.edge import tls_rules
from openprequal.errors import ConfigurationError
from openprequal.filter_making import FilterRules
from openprequal.forwarding.error_pages import read_error_pages
from openprequal.probing.overheard import Overheard
from openprequal.route_table import conditions_of, fixed_answer, route_table, target_of
from openprequal.tls.server import TlsServer
from openprequal.tracing.tracing import Tracing
from openprequal.upstream.trust import UpstreamTls
from openprequal.witnessing import Witnessing

HOOKS = (
    *("custom_path_rewrite", "custom_request_hook", "custom_response_hook"),
    *("custom_register_hook", "custom_unregister_hook"),
)


def objections(reactor: Clock, settings: GatewaySettings) -> Iterator[ConfigurationError]:
    """What is wrong with classes, functions, files, and parameters of registry and balancers in *settings*."""
    for hook in HOOKS:
        yield from _objection(configured_hook, getattr(settings, hook), hook)
    yield from _of_registry(reactor, settings)
    if settings.tls_certificate:
        yield from _objection(TlsServer, tls_rules(settings))
    yield from _objection(read_error_pages, settings.error_pages)
    yield from _objection(FilterRules, settings)
    yield from _of_witnesses(reactor, settings)
    checks = Checks(reactor, wall_clock=time.time, secret=b"", environ=os.environ)
    for name, check in settings.checks.items():
        yield from _objection(checks.made, {name: check}, lambda request: None, "")
    for number, route in enumerate(settings.routes):
        yield from _of_route(number, route)
    yield from _objection(route_table, settings.routes, lambda route: None)
    for name, effective in settings.effective_services.items():
        for error in _of_service(reactor, name, effective):
            yield ConfigurationError(error.reason, about=("services", name, *error.about) if error.about else ())


def _of_witnesses(reactor: Clock, settings: GatewaySettings) -> Iterator[ConfigurationError]:
    witnessing = Witnessing(reactor.seconds, time.time, Random(), Tracing(reactor, Random(), time.time))
    for name in ("access_log", "access_log_format"):
        others = {"access_log": settings.access_log and STDOUT_NAME, "access_log_format": "json"}
        alone = settings.model_copy(update={**others, name: getattr(settings, name)})
        yield from _objection(witnessing.of, alone)


def _of_registry(reactor: Clock, settings: GatewaySettings) -> Iterator[ConfigurationError]:
    def make(parameters: Mapping[str, object]) -> object:
        return configured_registry(reactor, Random(), settings.model_copy(update={"registry_parameters": parameters}))

    return _of_parameters(make, "registry_parameters", settings.registry_parameters)


def _of_route(number: int, route: RouteSettings) -> Iterator[ConfigurationError]:
    for hook in ("request_hook", "response_hook"):
        for error in _objection(configured_hook, getattr(route, hook), hook):
            yield ConfigurationError(error.reason, about=("routes", number, hook))
    for make in (conditions_of, target_of, fixed_answer):
        yield from _objection(make, route)


def _of_service(reactor: Clock, name: str, effective: EffectiveService) -> Iterator[ConfigurationError]:
    yield from _objection(UpstreamTls, upstream_tls_rules(effective))

    def make(parameters: Mapping[str, object]) -> object:
        left = effective.model_copy(update={"balancer_parameters": parameters, "shadow_balancer": None})
        return balancing_of(reactor, Random(), name, left, _no_service)

    def make_shadow(parameters: Mapping[str, object]) -> object:
        left = effective.model_copy(update={"shadow_balancer_parameters": parameters})
        return shadow_balancer(reactor, Random(), Overheard(reactor), left)

    yield from _of_parameters(make, "balancer_parameters", effective.balancer_parameters)
    if effective.shadow_balancer is not None:
        yield from _of_parameters(make_shadow, "shadow_balancer_parameters", effective.shadow_balancer_parameters)


def _of_parameters(
    make: Callable[[Mapping[str, object]], object], setting: str, given: Mapping[str, object]
) -> Iterator[ConfigurationError]:
    """What is wrong with what *make* makes. One parameter at a time is told: the others show without it."""
    parameters = dict(given)
    while (error := next(_objection(make, parameters), None)) is not None:
        yield error
        match error.about:
            case (named, str(parameter), *_) if named == setting and parameter in parameters:
                del parameters[parameter]
            case _:
                return


def _objection(make: Callable[..., object], *arguments: Any) -> Iterator[ConfigurationError]:
    try:
        make(*arguments)
    except ConfigurationError as error:
        yield error


def _no_service() -> NoReturn:
    raise AssertionError("nothing is asked of a balancer that is only made")
