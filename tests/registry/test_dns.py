"""A registry follows the DNS by its times to live, and forgets nobody because of one bad answer."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.names import dns
from twisted.names.error import DNSNameError, DNSServerError

from openprequal.errors import ConfigurationError
from openprequal.interfaces import IRegistry, RegistryContext
from openprequal.registry.dns import DnsRegistry
from openprequal.registry.resolv_conf import ResolvConf, read_resolv_conf
from openprequal.testing.registry_source_contract import RegistrySourceContract
from openprequal.values import Backend


class FakeServers:
    """Name servers that answer at once, from a table."""

    def __init__(self, conf: ResolvConf | None = None) -> None:
        self.conf = conf or ResolvConf()
        self.records: dict[str, list[Any]] = {}
        """By name, with their time to live."""
        self.broken: set[tuple[str, int]] = set()
        self.down = False
        self.asked: list[tuple[str, int]] = []
        self.held: list[Deferred[Any]] | None = None
        self.closed = False

    def candidates(self, name: str) -> Sequence[str]:
        return self.conf.candidates(name)

    def query(self, name: str, kind: int) -> "Deferred[Any]":
        self.asked.append((name, kind))
        if self.held is not None:
            waiting: Deferred[Any] = Deferred()
            self.held.append(waiting)
            return waiting
        if self.down or (name, kind) in self.broken:
            return fail(DNSServerError("SERVFAIL"))
        if name not in self.records:
            return fail(DNSNameError("NXDOMAIN"))
        found = [each for each in self.records[name] if kind == each.TYPE]
        return succeed([dns.RRHeader(name.encode(), kind, ttl=each.ttl, payload=each) for each in found])

    def close(self) -> None:
        self.closed = True


def a(address: str, ttl: int = 10) -> Any:
    return dns.Record_A(address, ttl)


def aaaa(address: str, ttl: int = 10) -> Any:
    return dns.Record_AAAA(address, ttl)


def srv(target: str, port: int = 8001, priority: int = 0, weight: int = 1, ttl: int = 10) -> Any:
    return dns.Record_SRV(priority, weight, port, target.encode(), ttl)


class TestDns(RegistrySourceContract):
    noticed_s = 20.0

    def setup_method(self) -> None:
        self.servers = FakeServers()

    def make(self, context: RegistryContext) -> IRegistry:
        parameters = {"srv": ["_http._tcp.api.test"]}
        return DnsRegistry(RegistryContext(context.clock, context.max_backends, parameters=parameters), self.servers)

    def say(self, backends: Sequence[Backend]) -> None:
        self.servers.down = False
        self.servers.records = {
            "_http._tcp.api.test": [
                srv(f"t{n}.test", each.port, 0, int(each.weight)) for n, each in enumerate(backends)
            ],
            **{f"t{n}.test": [a(each.host)] for n, each in enumerate(backends)},
        }

    def fail(self) -> None:
        self.servers.down = True


class Case:
    """A registry, started, and the name servers it asks."""

    def __init__(self, records: dict[str, list[Any]], conf: ResolvConf | None = None, **parameters: object) -> None:
        self.clock = Clock()
        self.servers = FakeServers(conf)
        self.servers.records = records
        self.registry = DnsRegistry(RegistryContext(self.clock, 100, parameters=parameters), self.servers)
        self.registry.start()

    def known(self, after_s: float = 0.0) -> list[str]:
        """URLs of those who are known, *after_s* from now."""
        self.clock.pump([0.25] * round(after_s * 4))
        return [backend.url for backend in self.registry.backends()]


ONE, TWO = "http://192.0.2.1:8080", "http://192.0.2.2:8080"


def test_every_address_of_a_name_is_a_backend() -> None:
    case = Case({"api.test": [a("192.0.2.2"), a("192.0.2.1"), aaaa("2001:db8::1")]}, names=["api.test:8080"])
    assert case.known() == [ONE, TWO, "http://[2001:db8::1]:8080"]


def test_services_have_names_of_their_own() -> None:
    case = Case(
        {"a.test": [a("192.0.2.1")], "b.test": [a("192.0.2.2")]},
        names=["a.test:8080"],
        services={"b": {"names": ["b.test:8080"]}},
    )
    assert [backend.id for backend in case.registry.backends()] == [f"default/{ONE}", f"b/{TWO}"]


def test_an_answer_counts_for_its_time_to_live() -> None:
    case = Case({"api.test": [a("192.0.2.1", ttl=60)]}, names=["api.test:8080"])
    case.servers.records["api.test"] = [a("192.0.2.2")]
    assert case.known(59) == [ONE]
    assert case.known(2) == [TWO]


@pytest.mark.parametrize(("ttl", "asked_after_s"), [(0, 5.0), (3600, 20.0)])
def test_times_to_live_have_a_floor_and_a_ceiling(ttl: int, asked_after_s: float) -> None:
    case = Case({"api.test": [a("192.0.2.1", ttl)]}, names=["api.test:8080"], ttl_min_seconds=5, ttl_max_seconds=20)
    before = len(case.servers.asked)
    case.known(asked_after_s - 0.5)
    assert len(case.servers.asked) == before
    case.known(1)
    assert len(case.servers.asked) == before + 2


def test_srv_records_tell_port_priority_and_weight() -> None:
    case = Case(
        {
            "_http._tcp.api.test": [
                srv("c.test.", 9003, priority=20, weight=0),
                srv("a.test.", 9001, priority=10, weight=30),
                srv("b.test.", 9002, priority=10, weight=10),
            ],
            "a.test": [a("192.0.2.1")],
            "b.test": [a("192.0.2.2"), a("192.0.2.3")],
            "c.test": [aaaa("::1")],
        },
        srv=["_http._tcp.api.test"],
    )
    assert [(each.url, each.priority, each.weight) for each in case.registry.backends()] == [
        ("http://192.0.2.1:9001", 10, 30),
        ("http://192.0.2.2:9002", 10, 10),
        ("http://192.0.2.3:9002", 10, 10),
        ("http://[::1]:9003", 20, 1),
    ]


def test_equal_weights_weigh_one_so_that_their_number_does_not_matter() -> None:
    case = Case({"s.test": [srv("a.test", weight=33), srv("b.test", weight=33)]}, srv=["s.test"], scheme="https")
    assert [(each.url, each.weight) for each in case.registry.backends()] == [
        ("https://a.test:8001", 1),
        ("https://b.test:8001", 1),
    ]


def test_a_target_that_does_not_resolve_costs_the_others_nothing() -> None:
    records = {"s.test": [srv("a.test"), srv("b.test")], "a.test": [a("192.0.2.1")], "b.test": [a("192.0.2.2")]}
    case = Case(records, srv=["s.test"])
    case.servers.broken |= {("b.test", dns.A), ("b.test", dns.AAAA)}
    case.servers.records["a.test"] = [a("192.0.2.3")]
    assert case.known(15) == ["http://192.0.2.2:8001", "http://192.0.2.3:8001"]


def test_a_target_that_is_a_dot_is_nobody() -> None:
    assert Case({"s.test": [srv(".")]}, srv=["s.test"], scheme="https").known() == []


def test_the_last_good_answer_is_kept_while_nobody_answers() -> None:
    case = Case({"api.test": [a("192.0.2.1")]}, names=["api.test:8080"])
    case.servers.down = True
    assert case.known(3600) == [ONE]


@pytest.mark.parametrize("nothing", [{}, {"api.test": []}])
def test_that_there_is_nothing_is_believed_when_said_three_times_in_a_row(nothing: dict[str, list[Any]]) -> None:
    case = Case({"api.test": [a("192.0.2.1")]}, names=["api.test:8080"], retry_seconds=10)
    case.servers.records = nothing
    assert case.known(11) == [ONE]
    assert case.known(11) == [ONE]
    assert case.known(20) == []


def test_an_answer_between_begins_the_row_anew() -> None:
    case = Case({"api.test": [a("192.0.2.1")]}, names=["api.test:8080"], missing_times=2, retry_seconds=10)
    good, nothing = case.servers.records, {}
    for records in (nothing, good, nothing, good, nothing):
        case.servers.records = records
        asked = len(case.servers.asked)
        while len(case.servers.asked) == asked:
            case.known(0.25)
        assert case.known() == [ONE]


def test_one_kind_of_address_that_fails_keeps_its_last_good_answer() -> None:
    case = Case({"api.test": [a("192.0.2.1"), aaaa("::1")]}, names=["api.test:8080"])
    case.servers.broken.add(("api.test", dns.AAAA))
    case.servers.records["api.test"] = [a("192.0.2.2")]
    assert case.known(15) == ["http://[::1]:8080", TWO]


def test_a_name_that_never_resolved_is_asked_for_again() -> None:
    case = Case({}, names=["api.test:8080"])
    assert case.known() == []
    case.servers.records = {"api.test": [a("192.0.2.1")]}
    assert case.known(7) == [ONE]


def test_search_domains_are_tried_for_names_with_few_dots() -> None:
    conf = ResolvConf(search=("ns.svc.cluster.test", "svc.cluster.test"), ndots=5)
    records = {"api.ns.svc.cluster.test": [a("192.0.2.1")], "api.ns": [aaaa("::1")]}
    case = Case(records, conf, names=["api.ns:8080"])
    assert case.known() == [ONE]
    case = Case({"api.ns.svc.cluster.test": [a("192.0.2.1")], "api": [aaaa("::1")]}, conf, names=["api:8080"])
    assert case.known() == [ONE]


def test_a_name_with_a_dot_at_its_end_is_searched_for_nowhere() -> None:
    case = Case({}, ResolvConf(search=("a.test",), ndots=5), names=["api.:8080"])
    assert {name for name, _ in case.servers.asked} == {"api"}


def test_the_stop_waits_for_what_was_asked_and_believes_it_no_more() -> None:
    case = Case({"api.test": [a("192.0.2.1", ttl=1)]}, names=["api.test:8080"])
    case.servers.held = []
    case.known(2)
    ended: list[None] = []
    case.registry.stop().addCallback(ended.append)
    assert not ended
    for waiting in case.servers.held:
        waiting.callback([dns.RRHeader(b"api.test", dns.A, payload=dns.Record_A("192.0.2.9"))])
    assert ended
    assert case.servers.closed
    assert case.known(10) == [ONE]
    assert not case.clock.getDelayedCalls()


def test_the_stop_waits_for_no_target_that_is_not_asked_for_yet() -> None:
    case = Case({"s.test": [srv(f"t{number}.test", ttl=1) for number in range(9)]}, srv=["s.test"])
    case.servers.held = []
    case.known(6)
    (first,) = case.servers.held
    case.registry.stop()
    first.callback([dns.RRHeader(b"s.test", dns.SRV, payload=srv(f"t{number}.test")) for number in range(9)])
    assert case.servers.held == [first]
    assert case.servers.closed


def test_a_name_is_not_asked_twice_at_a_time() -> None:
    case = Case({"api.test": [a("192.0.2.1", ttl=1)]}, names=["api.test:8080"])
    case.servers.held = []
    case.known(60)
    assert len(case.servers.held) == 2


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, "there are neither names nor srv"),
        ({"services": {"a": {}}}, "there are neither names nor srv"),
        ({"names": ["api.test"]}, r"registry_parameters\.names\[0\]: 'api.test' cannot be used"),
        ({"names": ["api.test:0"]}, "ports from 1 to 65535"),
        ({"names": ["api.test:70000"]}, "ports from 1 to 65535"),
        ({"names": ["http://api.test:80"]}, r"names\[0\]"),
        ({"srv": ["a b"]}, r"srv\[0\]"),
        ({"names": ["a.test:443"], "scheme": "https"}, "use srv with https"),
        ({"names": ["a.test:80"], "servers": ["localhost"]}, "addresses like 10.0.0.53:53"),
        ({"services": {"a": {"nmaes": []}}}, r"services\.a\.nmaes: there is no such key"),
    ],
)
def test_parameters_that_make_no_sense_are_told(parameters: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        DnsRegistry(RegistryContext(Clock(), 1, parameters=parameters), FakeServers())


def test_what_resolv_conf_says_is_understood() -> None:
    lines = [
        "# c",
        "nameserver 10.0.0.53",
        "nameserver ::1",
        "domain x",
        "search a.test. b.test",
        "options ndots:5 rotate",
    ]
    conf = read_resolv_conf(lines)
    assert conf == ResolvConf((("10.0.0.53", 53), ("::1", 53)), ("a.test", "b.test"), 5)


@given(st.lists(st.text() | st.sampled_from(["nameserver", "options ndots:", "options ndots:9999999", "search ."])))
def test_whatever_it_says_there_is_somebody_to_ask(lines: list[str]) -> None:
    conf = read_resolv_conf(lines)
    assert conf.servers
    assert conf.candidates("a.test")
