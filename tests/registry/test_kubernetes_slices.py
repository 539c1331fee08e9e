"""EndpointSlices mean backends: conditions, ports, families, and slices that overlap."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.registry.kubernetes.parameters import Source
from openprequal.registry.kubernetes.slices import Malformed, backends_of, read_slice, shortcoming_of
from openprequal.testing.kubernetes_api import endpoint, endpoint_slice

WEB = Source(kubernetes_service="web", port="http")


def urls(*items: dict[str, Any], source: Source = WEB) -> list[str]:
    return [backend.url for backend in backends_of(source, map(read_slice, items)).values()]


def one_with(**conditions: Any) -> list[bool]:
    """Whether each backend drains, of a slice of one endpoint."""
    item = endpoint_slice("a", "web", [endpoint("10.0.0.1", **conditions)])
    return [backend.draining for backend in backends_of(WEB, [read_slice(item)]).values()]


@pytest.mark.parametrize(
    ("conditions", "draining"),
    [
        ({}, [False]),
        ({"ready": True}, [False]),
        ({"ready": None, "serving": None, "terminating": None}, [False]),
        ({"ready": False}, []),
        ({"ready": False, "serving": False, "terminating": False}, []),
        ({"ready": False, "serving": True, "terminating": True}, [True]),
        ({"ready": False, "serving": False, "terminating": True}, []),
        ({"ready": False, "terminating": True}, []),
        ({"terminating": True}, [True]),
        ({"ready": True, "serving": True, "terminating": True}, [True]),
    ],
)
def test_conditions_say_up_draining_or_absent(conditions: dict[str, Any], draining: list[bool]) -> None:
    assert one_with(**conditions) == draining


def test_an_endpoint_without_conditions_is_ready() -> None:
    item = endpoint_slice("a", "web", [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"], "conditions": None}])
    assert urls(item) == ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]


def test_the_zone_is_the_endpoints() -> None:
    item = endpoint_slice("a", "web", [endpoint("10.0.0.1", zone="eu-1a"), "10.0.0.2"])
    assert [backend.zone for backend in backends_of(WEB, [read_slice(item)]).values()] == ["eu-1a", None]


def test_slices_are_merged_in_the_order_of_their_names() -> None:
    items = [endpoint_slice("b", "web", ["10.0.0.2"]), endpoint_slice("a", "web", ["10.0.0.1"])]
    assert urls(*items) == urls(*reversed(items)) == ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]


def test_an_endpoint_in_two_slices_is_one_backend_and_up_if_one_of_them_says_so() -> None:
    leaving = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)
    items = [endpoint_slice("a", "web", [leaving]), endpoint_slice("b", "web", ["10.0.0.1"])]
    (backend,) = backends_of(WEB, map(read_slice, items)).values()
    assert not backend.draining


def test_only_the_first_address_counts() -> None:
    assert urls(endpoint_slice("a", "web", [{"addresses": ["10.0.0.1", "10.0.0.9"]}])) == ["http://10.0.0.1:8080"]


def test_ipv6_addresses_are_written_as_in_a_url() -> None:
    assert urls(endpoint_slice("a", "web", ["fd00:0::1"], address_type="IPv6")) == ["http://[fd00::1]:8080"]


def test_of_two_families_ipv4_counts_even_while_it_is_empty() -> None:
    v6 = endpoint_slice("b", "web", ["fd00::1"], address_type="IPv6")
    assert urls(endpoint_slice("a", "web", ["10.0.0.1"]), v6) == ["http://10.0.0.1:8080"]
    assert urls(endpoint_slice("a", "web", []), v6) == []


def test_names_instead_of_addresses_are_left_out_and_told() -> None:
    item = read_slice(endpoint_slice("a", "web", ["db.example"], address_type="FQDN"))
    assert not backends_of(WEB, [item])
    assert "FQDN" in str(shortcoming_of(WEB, {"a": item}))


PORTS = [
    {"name": "http", "port": 8080},
    {"name": "metrics", "port": 9090},
    {"name": "dns", "port": 53, "protocol": "UDP"},
]


@pytest.mark.parametrize(
    ("port", "ports", "found"),
    [
        ("metrics", PORTS, 9090),
        (9090, PORTS, 9090),
        (8081, PORTS, None),
        ("dns", PORTS, None),
        (None, PORTS, None),
        (None, [{"name": "", "port": 80}], 80),
        (None, [{"port": 80}, {"port": 53, "protocol": "UDP"}], 80),
        ("http", None, None),
        (8080, None, 8080),
        (8080, [], 8080),
        (8080, [{"name": "all", "port": None}], 8080),
        ("all", [{"name": "all", "port": None}], None),
    ],
)
def test_the_port_is_found_by_name_or_number(port: int | str | None, ports: Any, found: int | None) -> None:
    source = Source(kubernetes_service="web", port=port)
    item = endpoint_slice("a", "web", ["10.0.0.1"], ports=ports)
    assert urls(item, source=source) == ([] if found is None else [f"http://10.0.0.1:{found}"])
    assert (shortcoming_of(source, {"a": read_slice(item)}) is None) == (found is not None)


def test_slices_of_one_service_may_have_different_ports_of_one_name() -> None:
    other = endpoint_slice("b", "web", ["10.0.0.2"], ports=[{"name": "http", "port": 8081}])
    assert urls(endpoint_slice("a", "web", ["10.0.0.1"]), other) == ["http://10.0.0.1:8080", "http://10.0.0.2:8081"]


def test_the_scheme_is_the_sources() -> None:
    source = Source(kubernetes_service="web", port="http", scheme="https", service="api")
    (backend,) = backends_of(source, [read_slice(endpoint_slice("a", "web", ["10.0.0.1"]))]).values()
    assert (backend.url, backend.service) == ("https://10.0.0.1:8080", "api")


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        7,
        {},
        {"addresses": []},
        {"addresses": [7]},
        {"addresses": ["10.0.0.256"]},
        {"addresses": ["fd00::1"]},
        {"addresses": ["10.0.0.9"], "conditions": {"ready": "yes"}},
        {"addresses": ["10.0.0.9"], "zone": 7},
    ],
)
def test_endpoints_that_make_no_sense_are_left_out_and_told(nonsense: Any) -> None:
    item = endpoint_slice("a", "web", ["10.0.0.1"])
    item["endpoints"].append(nonsense)
    assert urls(item) == ["http://10.0.0.1:8080"]
    assert "1 endpoints make no sense" in str(shortcoming_of(WEB, {"a": read_slice(item)}))


def test_nobody_there_is_no_shortcoming() -> None:
    assert shortcoming_of(WEB, {}) is None
    assert shortcoming_of(WEB, {"a": read_slice(endpoint_slice("a", "web", []))}) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    JSON
    | st.fixed_dictionaries(
        {"metadata": JSON | st.just({"name": "a"}), "addressType": JSON | st.sampled_from(["IPv4", "IPv6"])},
        optional={"endpoints": JSON | st.lists(JSON, max_size=2), "ports": JSON | st.lists(JSON, max_size=2)},
    )
)
def test_what_is_no_slice_is_malformed_or_without_backends_never_worse(item: Any) -> None:
    try:
        one = read_slice(json.loads(json.dumps(item)))
    except Malformed:
        return
    assert not backends_of(WEB, [one])
