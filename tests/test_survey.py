"""Of all that the settings name, everything that cannot be made is told."""

from typing import Any

from twisted.internet.testing import MemoryReactorClock

from openprequal.config.gateway import GatewaySettings
from openprequal.errors import dotted
from openprequal.survey import HOOKS, objections


def told(**settings: Any) -> list[str]:
    """About what there are objections."""
    return [dotted(error.about) for error in objections(MemoryReactorClock(), GatewaySettings(**settings))]


def test_what_can_be_made_meets_no_objection() -> None:
    assert told(custom_request_hook="os.path.join", services={"a": {"load_balancer_class": "maglev"}}) == []


def test_every_hook_and_class_is_tried() -> None:
    absent = {hook: f"absent.{hook}" for hook in HOOKS}
    assert told(**absent, registry_class="absent.registry") == [*HOOKS, "registry_class"]


def test_every_hook_that_there_is_is_tried() -> None:
    assert {name for name in GatewaySettings.model_fields if name.startswith("custom_")} == set(HOOKS)


def test_every_parameter_of_every_services_balancer_is_tried() -> None:
    services = {
        "a": {"balancer_parameters": {"q_rif": 2, "pool_size": 0, "probe_rate": 1, "no_such": 1}},
        "b": {"load_balancer_class": "maglev", "balancer_parameters": {"table_size": 4}},
        "c": {"load_balancer_class": "no_such", "upstream_ca_file": "/no/such"},
    }
    assert told(services=services) == [
        "services.a.balancer_parameters.q_rif",
        "services.a.balancer_parameters.pool_size",
        "services.a.balancer_parameters.no_such",
        "services.b.balancer_parameters.table_size",
        "services.c.upstream_ca_file",
        "services.c.load_balancer_class",
    ]


def test_every_parameter_of_the_registry_is_tried() -> None:
    assert told(registry_parameters={"no_such": 1, "nor_such": 2}) == [
        "registry_parameters.no_such",
        "registry_parameters.nor_such",
    ]


def test_everything_that_routes_and_checks_name_is_tried() -> None:
    settings = GatewaySettings(
        error_pages="/no/such",
        checks={name: {"kind": "basic", "users_file": f"/no/{name}"} for name in ("a", "b")},
        routes=[
            {"name": "a", "path": "/a", "request_hook": "absent.a", "response_hook": "absent.b"},
            {"name": "b", "path": "/b", "rewrite": "/{no}"},
        ],
    )
    errors = list(objections(MemoryReactorClock(), settings))
    assert [error.about for error in errors if error.about] == [
        ("routes", 0, "request_hook"),
        ("routes", 0, "response_hook"),
    ]
    reasons = [error.reason.partition(": ")[0] for error in errors if not error.about]
    assert reasons == ["error_pages", "checks.a.users_file", "checks.b.users_file", "routes.b.rewrite"]


def test_a_users_balancer_that_refuses_its_parameters_in_its_own_words_is_told_once() -> None:
    settings = GatewaySettings(
        load_balancer_class="test_survey.refusing", balancer_parameters={"a": 1, "b": 2}, registry_class="memory"
    )
    (error,) = objections(MemoryReactorClock(), settings)
    assert str(error) == "a and b together make no sense"


def refusing(context: object) -> None:
    """A balancer that cannot be made."""
    from openprequal.errors import ConfigurationError

    raise ConfigurationError("a and b together make no sense")
