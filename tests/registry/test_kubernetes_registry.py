"""Slices become the membership: what is told, what registrations are worth, and that it is always right in the end."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes_cluster import Cluster
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IRegistry, IRegistrySource, RegistryContext
from openprequal.registry.kubernetes.slices import backends_of, read_slice
from openprequal.testing.kubernetes_api import Refusal, endpoint, endpoint_slice
from openprequal.testing.registry_contract import MembershipLog
from openprequal.testing.registry_source_contract import ONE, TWO, RegistrySourceContract
from openprequal.values import Backend

Start = Callable[..., Cluster]
POD = Backend("http://10.0.0.1:8080")
LEAVING = endpoint("10.0.0.1", ready=False, serving=True, terminating=True)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a cluster with one endpoint and a registry, and stops the registry in the end."""
    clusters = []

    def started(*arguments: object, **keywords: object) -> Cluster:
        cluster = Cluster(*arguments, **keywords)  # type: ignore[arg-type]
        cluster.api.put(endpoint_slice("web-1", "web", ["10.0.0.1"]))
        clusters.append(cluster.start())
        return cluster

    yield started
    for cluster in clusters:
        cluster.stop()


def refusal_of(cluster: Cluster, backend: Backend) -> RegistrationRefused:
    refused: list[Failure] = []
    cluster.registry.register(backend).addErrback(refused.append)
    (failure,) = refused
    assert isinstance(failure.value, RegistrationRefused)
    return failure.value


class TestContract(RegistrySourceContract):
    """The slices hold what *say* is given: no weights, but zones."""

    noticed_s = 2.0

    def make(self, context: RegistryContext) -> IRegistry:
        self.cluster = Cluster(max_backends=context.max_backends, clock=context.clock)
        self.say(self.said)
        return self.cluster.registry

    def say(self, backends: Sequence[Backend]) -> None:
        self.said = backends
        if hasattr(self, "cluster"):
            self.cluster.refusing = False
            endpoints = [endpoint(backend.host, zone=backend.zone, ready=True) for backend in backends]
            self.cluster.api.put(endpoint_slice("web-1", "web", endpoints, ports=[{"name": "http", "port": 8001}]))

    def fail(self) -> None:
        self.cluster.refusing = True
        self.cluster.api.cut_off()

    def notice(self) -> None:
        self.cluster.pass_time(self.noticed_s)

    def stop(self) -> None:
        del self.registry
        self.cluster.stop()

    def test_other_particulars_are_a_change(self) -> None:
        registry, observer = self.started(ONE, TWO), MembershipLog()
        registry.subscribe(observer)
        elsewhere = evolve(TWO, zone="b")
        self.say([ONE, elsewhere])
        self.notice()
        assert observer.changes == [(TWO, elsewhere)]

    def test_nobody_can_unregister(self) -> None:
        """But drain: see below."""
        registry = self.started(ONE)
        registry.unregister(ONE.id)
        assert list(registry.backends()) == [evolve(ONE, draining=True)]


def test_it_tells_whether_its_source_can_be_asked_and_how_old_its_knowledge_is() -> None:
    cluster = Cluster()
    verifyObject(IRegistrySource, cluster.registry)
    cluster.refusing = True
    cluster.start()
    assert (cluster.registry.connected, cluster.registry.age_s()) == (False, None)
    cluster.refusing = False
    cluster.pass_time(3)
    assert (cluster.registry.connected, cluster.registry.age_s()) == (True, 0.0)
    cluster.refusing = True
    cluster.api.cut_off()
    cluster.pass_time(10)
    assert not cluster.registry.connected
    assert 10 <= (cluster.registry.age_s() or 0.0) <= 10.5
    cluster.stop()


def test_a_service_that_was_never_read_is_not_known_whatever_others_are(start: Start) -> None:
    cluster = Cluster({"default": "web:http", "api": "api:http"})
    cluster.api.refusals.append(Refusal(403))
    cluster.start()
    assert cluster.registry.age_s() is None
    cluster.stop()


def test_who_subscribes_later_is_told_of_those_known(start: Start) -> None:
    observer = MembershipLog()
    start().registry.subscribe(observer)
    assert observer.heard == [("joined", POD.id)]


def test_an_endpoint_that_ends_drains_before_it_leaves(start: Start) -> None:
    cluster = start()
    cluster.api.put(endpoint_slice("web-1", "web", [LEAVING]))
    cluster.settle()
    assert cluster.known["10.0.0.1"].draining
    cluster.api.put(endpoint_slice("web-1", "web", []))
    cluster.settle()
    assert cluster.heard == ["joined 10.0.0.1:8080", "changed 10.0.0.1:8080", "left 10.0.0.1:8080"]


def test_an_endpoint_that_is_not_ready_leaves_and_comes_back(start: Start) -> None:
    cluster = start()
    cluster.api.put(endpoint_slice("web-1", "web", [endpoint("10.0.0.1", ready=False)]))
    cluster.settle()
    assert cluster.urls == []
    cluster.api.put(endpoint_slice("web-1", "web", ["10.0.0.1"]))
    cluster.settle()
    assert cluster.urls == [POD.url]


def test_a_move_to_another_slice_tells_nobody_anything(start: Start) -> None:
    cluster = start()
    cluster.api.put(endpoint_slice("web-2", "web", ["10.0.0.1"]))
    cluster.settle()
    cluster.api.put(endpoint_slice("web-1", "web", []))
    cluster.settle()
    cluster.api.delete("web-1")
    cluster.settle()
    assert cluster.heard == ["joined 10.0.0.1:8080"]


def test_a_move_that_leaves_before_it_arrives_tells_nobody_anything(start: Start) -> None:
    cluster = start()
    cluster.api.delete("web-1")
    cluster.api.put(endpoint_slice("web-2", "web", ["10.0.0.1"]))
    cluster.settle()
    assert cluster.heard == ["joined 10.0.0.1:8080"]


def test_those_that_come_are_told_before_those_that_go(start: Start) -> None:
    cluster = start()
    cluster.api.put(endpoint_slice("web-1", "web", ["10.0.0.2"]))
    cluster.settle()
    assert cluster.heard[1:] == ["joined 10.0.0.2:8080", "left 10.0.0.1:8080"]


def test_a_slice_that_changes_hands_is_the_other_services(start: Start) -> None:
    cluster = start({"default": "web:http", "api": "api:http"})
    cluster.api.put(endpoint_slice("web-1", "api", ["10.0.0.1"]))
    cluster.settle()
    assert [backend.id for backend in cluster.registry.backends()] == ["api/http://10.0.0.1:8080"]


def test_services_are_followed_each_in_its_namespace(start: Start) -> None:
    cluster = start({"default": "web:http", "api": "shop/web:http"})
    cluster.api.put(endpoint_slice("web-1", "web", ["10.0.0.7"], namespace="shop"))
    cluster.settle()
    assert {backend.id for backend in cluster.registry.backends()} == {POD.id, "api/http://10.0.0.7:8080"}


def test_several_services_may_be_one_of_ours(start: Start) -> None:
    tables = [{"kubernetes_service": name, "port": "http"} for name in ("web", "canary")]
    cluster = start(tables)
    cluster.api.put(endpoint_slice("canary-1", "canary", ["10.0.0.1", "10.0.0.8"]))
    cluster.settle()
    cluster.api.delete("web-1")
    cluster.settle()
    assert cluster.heard == ["joined 10.0.0.1:8080", "joined 10.0.0.8:8080"]


def test_one_service_that_fails_keeps_no_other_from_being_followed(start: Start) -> None:
    cluster = Cluster({"default": "web:http", "api": "api:http"})
    cluster.api.put(endpoint_slice("web-1", "web", ["10.0.0.1"]))
    cluster.api.put(endpoint_slice("api-1", "api", ["10.0.0.2"]))
    cluster.api.refusals.append(Refusal(403))
    cluster.start()
    assert [backend.service for backend in cluster.registry.backends()] == ["api"]
    cluster.stop()


def test_no_more_are_taken_than_are_allowed_and_those_known_stay(start: Start) -> None:
    cluster = start(max_backends=2)
    cluster.api.put(endpoint_slice("web-0", "web", [f"10.0.1.{number}" for number in range(5)]))
    cluster.settle()
    assert cluster.urls == [POD.url, "http://10.0.1.0:8080"]
    cluster.api.delete("web-1")
    cluster.settle()
    assert cluster.urls == ["http://10.0.1.0:8080", "http://10.0.1.1:8080"]


def test_a_heartbeat_of_an_endpoint_is_taken_and_changes_nothing(start: Start) -> None:
    cluster = start()
    taken: list[object] = []
    cluster.registry.register(Backend(POD.url, weight=9.0, heartbeat_seconds=1.0)).addCallback(taken.append)
    assert taken == [None]
    cluster.pass_time(30)
    assert list(cluster.registry.backends()) == [POD]
    assert cluster.heard == ["joined 10.0.0.1:8080"]


def test_nobody_else_can_register(start: Start) -> None:
    cluster = start()
    refused = refusal_of(cluster, Backend("http://10.0.0.9:8080"))
    assert refused.status == 409
    assert "no endpoint (yet)" in refused.reason
    assert refusal_of(cluster, Backend(POD.url, "api")).status == 409
    assert cluster.urls == [POD.url]


def test_an_endpoint_that_unregisters_drains_until_it_registers_again(start: Start) -> None:
    cluster = start()
    gone: list[bool] = []
    cluster.registry.unregister(POD.id).addCallback(gone.append)
    assert gone == [True]
    assert cluster.known["10.0.0.1"].draining
    cluster.registry.register(POD)
    assert not cluster.known["10.0.0.1"].draining
    assert len(cluster.heard) == 3


def test_an_endpoint_that_unregistered_drains_whatever_else_changes(start: Start) -> None:
    cluster = start()
    cluster.registry.unregister(POD.id)
    cluster.api.put(endpoint_slice("web-2", "web", ["10.0.0.2"]))
    cluster.settle()
    assert {host: backend.draining for host, backend in cluster.known.items()} == {"10.0.0.1": True, "10.0.0.2": False}


def test_an_address_that_comes_back_was_never_unregistered(start: Start) -> None:
    cluster = start()
    cluster.registry.unregister(POD.id)
    cluster.api.put(endpoint_slice("web-1", "web", []))
    cluster.settle()
    cluster.api.put(endpoint_slice("web-1", "web", ["10.0.0.1"]))
    cluster.settle()
    assert not cluster.known["10.0.0.1"].draining


def test_who_does_not_exist_cannot_be_unregistered(start: Start) -> None:
    gone: list[bool] = []
    start().registry.unregister("default/http://10.0.0.9:8080").addCallback(gone.append)
    assert gone == [False]


NAMES = ("web-1", "web-2", "web-3")
ENDPOINTS = st.builds(
    endpoint,
    st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]),
    zone=st.none() | st.sampled_from(["a", "b"]),
    ready=st.booleans(),
    serving=st.booleans(),
    terminating=st.booleans(),
)
PUTS = st.builds(
    endpoint_slice, st.sampled_from(NAMES), st.sampled_from(["web", "web", "other"]), st.lists(ENDPOINTS, max_size=3)
)
STEPS = st.one_of(
    st.tuples(st.just("put"), PUTS),
    st.tuples(st.just("cut_amid"), PUTS, st.integers(0, 300)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["bookmark", "compact", "change_elsewhere", "cut_off", "end_watches", "hang"])),
    st.tuples(st.just("fail_watches"), st.sampled_from([410, 429, 500])),
    st.tuples(st.just("say"), st.sampled_from([b"garbage", b'{"type": "ADDED"}'])),
    st.tuples(st.just("refuse"), st.sampled_from([401, 403, 410, 429, 500])),
    st.tuples(st.just("pieces"), st.integers(1, 50)),
    st.tuples(st.just("pass"), st.sampled_from([0.0, 0.25, 1.0, 40.0])),
)


@settings(max_examples=150)
@given(steps=st.lists(STEPS, max_size=20), in_stream=st.booleans())
def test_whatever_happens_the_membership_is_that_of_a_fresh_list_in_the_end(
    steps: list[tuple[object, ...]], in_stream: bool
) -> None:
    cluster = Cluster()
    cluster.api.gone_in_stream = in_stream
    cluster.start()
    for name, *arguments in steps:
        _take(cluster, str(name), arguments)
    # Longer than a watch that hangs and the longest pause together.
    cluster.api.refusals.clear()
    cluster.pass_time(170)
    fresh = cluster.api.slices_of("web")
    source = cluster.source
    assert {backend.id: backend for backend in cluster.registry.backends()} == backends_of(
        source, map(read_slice, fresh)
    )
    _each_change_was_one(cluster)
    cluster.stop()


def _take(cluster: Cluster, name: str, arguments: list[object]) -> None:
    api = cluster.api
    if name == "pass":
        cluster.pass_time(float(str(arguments[0])))
    elif name == "refuse":
        api.refusals.append(Refusal(int(str(arguments[0]))))
    elif name == "pieces":
        length = int(str(arguments[0]))
        api.cut = lambda data: [data[at : at + length] for at in range(0, len(data), length)]
    elif name == "hang":
        cluster.hang()
    elif name != "delete" or arguments[0] in {item["metadata"]["name"] for item in api.slices_of(None)}:
        getattr(api, name)(*arguments)


def _each_change_was_one(cluster: Cluster) -> None:
    """Nobody joined who was there, and nobody changed or left who was not."""
    there: set[str] = set()
    for event, backend_id in cluster.log.heard:
        assert (backend_id in there) == (event != "joined")
        (there.discard if event == "left" else there.add)(backend_id)
    assert all(old != new for old, new in cluster.log.changes)
