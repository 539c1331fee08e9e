"""``GET /_openprequal/explain``: whom a pick would fall on now, and why not on the others."""

import re

import pytest
from asked import explained, joined, pick
from twisted.internet.address import IPv4Address
from whole_gateway import WholeGateway, answer

from openprequal.balancing.round_robin import RoundRobin
from openprequal.interfaces import BalancerContext

ROUTES = [
    {"name": "api", "path_prefix": "/api", "services": {"default": 3, "search": 1}},
    {"name": "old", "path_prefix": "/old", "redirect": {"to": "https://a.test/", "status": 301}},
]


def test_it_names_who_would_be_picked_and_each_candidate_with_what_is_believed_of_it() -> None:
    gateway = WholeGateway(2)
    one = pick(gateway)
    assert {row["backend"] for row in one["candidates"]} == {each.url for each in gateway.backends}
    assert one["picked"] in {each.url for each in gateway.backends}
    assert one["why"].startswith(f"{one['picked']} would be picked, because it has the lowest score, ")
    assert (one["balancer"], one["reason"], one["candidates"][0]["source"]) == ("Prequal", "cold", "assumed")


def test_the_next_request_goes_where_it_said() -> None:
    gateway = WholeGateway(5, load_balancer_class="least_in_flight")
    for _ in range(8):
        foretold = pick(gateway)["picked"]
        before = {row["url"]: row["picks"] for row in gateway.rows}
        gateway.get("/x")
        (picked,) = [row["url"] for row in gateway.rows if row["picks"] > before[row["url"]]]
        assert picked == foretold


def counted(gateway: WholeGateway) -> list[bytes]:
    """What metrics say of picks, probes and requests."""
    lines = gateway.get("/metrics").received.splitlines()
    found = [line for line in lines if re.match(rb"openprequal_(picks|probe|requests_total|backend_in_flight)", line)]
    assert found
    return found


@pytest.mark.parametrize("name", ["prequal", "round_robin", "random", "least_in_flight", "ring_hash", "prequal_sync"])
def test_it_changes_nothing_that_anybody_counts(name: str) -> None:
    gateway = WholeGateway(3, load_balancer_class=name)
    for _ in range(3):
        gateway.get("/x")
        gateway.answer_all()
    before = counted(gateway)
    explained(gateway)
    assert counted(gateway) == before


def test_one_that_is_down_is_named_with_why() -> None:
    gateway = WholeGateway(2)
    newcomer = joined(gateway)
    (other,) = pick(gateway)["others"]
    assert (other["backend"], other["condition"]) == (newcomer.url, "unchecked")
    assert other["why"] == "waiting for its first health check"


def test_one_that_is_full_is_named_with_how_full() -> None:
    gateway = WholeGateway(2, backend_max_in_flight=1, load_balancer_class="round_robin")
    gateway.get("/x")
    (other,) = pick(gateway)["others"]
    assert (other["condition"], other["in_flight"]) == ("full", 1)
    assert other["why"] == "full: 1 requests in flight, as many as it may have"


def test_one_of_a_lower_tier_is_on_standby() -> None:
    gateway = WholeGateway(1)
    joined(gateway, priority=1).accepts = True
    gateway.wait(3)
    gateway.answer_all()
    (other,) = pick(gateway)["others"]
    assert (other["condition"], other["priority"]) == ("standby", 1)


def test_where_nobody_can_be_picked_it_says_so() -> None:
    one = pick(WholeGateway(0))
    assert (one["picked"], one["reason"], one["candidates"]) == (None, None, [])
    assert one["why"] == "Nobody would be picked, because no backend is up that is not excluded."


def test_a_service_at_its_limit_is_why_nobody_would_be_picked() -> None:
    gateway = WholeGateway(2, service_max_in_flight=1)
    gateway.get("/x")
    assert pick(gateway)["why"] == (
        "Nobody would be picked, because its service has 1 requests under way, and may have 1."
    )


def test_a_session_is_why_the_balancer_is_not_asked() -> None:
    gateway = WholeGateway(3, sticky="header:X-Session")
    gateway.get("/x", X_Session="a")
    gateway.answer_all()
    (bound,) = [row["url"] for row in gateway.rows if row["picks"]]
    one = pick(gateway, "?header=X-Session:a")
    assert (one["picked"], one["reason"]) == (bound, "session")


def test_with_routes_it_says_which_first_and_asks_each_of_its_services() -> None:
    gateway = WholeGateway(["default", "search"], services={"search": {}}, routes=ROUTES)
    found = explained(gateway, "?path=/api/x&method=POST&header=Host:a.test")
    assert found["route"]["route"] == "api"
    assert (found["request"]["method"], found["request"]["host"]) == ("POST", "a.test")
    assert [(one["service"], one["share"]) for one in found["picks"]] == [("default", 0.75), ("search", 0.25)]


@pytest.mark.parametrize("path", ["/old/x", "/nowhere"])
def test_a_request_that_no_service_answers_is_no_pick(path: str) -> None:
    gateway = WholeGateway(["default", "search"], services={"search": {}}, routes=ROUTES)
    assert explained(gateway, f"?path={path}")["picks"] == []


def test_a_service_that_is_named_is_asked_whatever_the_routes_say() -> None:
    gateway = WholeGateway(["default", "search"], services={"search": {}}, routes=ROUTES)
    found = explained(gateway, "?service=search")
    assert found["route"] is None
    assert [one["picked"] for one in found["picks"]] == [gateway.backends[1].url]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?service=serach", 404, "there is no service 'serach'"),
        ("?servce=x", 400, "is no parameter"),
        ("?path=x", 400, "must begin with /"),
        ("?path=/a%0d%0aHost:b", 400, "no client could send that"),
        ("?path=/a%20b", 400, "no client could send that"),
        ("?header=nonsense", 400, "must be like Name: value"),
        ("?header=X:a%0aY:b", 400, "no client could send that"),
        ("?client=somebody", 400, "must be an IP address"),
        ("?path=/a&path=/b", 400, "is there twice"),
        ("?path=%ff", 400, "not UTF-8"),
        ("?last=0", 400, "must be a whole number"),
        ("?last=ten", 400, "must be a whole number"),
        ("?last=5&service=default", 400, "is no parameter of the last picks"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_what_is_wrong(query: str, status: int, said: str) -> None:
    assert said in explained(WholeGateway(1), query, status)["detail"]


def test_nobody_from_elsewhere_may_ask() -> None:
    far = WholeGateway(1).get("/_openprequal/explain", peer=IPv4Address("TCP", "192.0.2.1", 40000))
    assert answer(far)[0] == 403


class Mute:
    """What no balancer of ours is: one that does not explain its picks, or fails to."""

    def __init__(self, context: BalancerContext) -> None:
        self._inner = RoundRobin(context)
        self.pick_counts = self._inner.pick_counts
        for name in ("up", "down", "reweighted", "pick", "started", "finished", "reported"):
            setattr(self, name, getattr(self._inner, name))


class Failing(Mute):
    def explain(self, request: object, exclude: object = ()) -> object:
        raise RuntimeError("on purpose")


def mute(context: BalancerContext) -> Mute:
    return Mute(context)


def failing(context: BalancerContext) -> Failing:
    return Failing(context)


@pytest.mark.parametrize(("name", "why"), [("mute", "does not say"), ("failing", "has failed to say")])
def test_a_balancer_that_does_not_explain_serves_all_the_same(name: str, why: str, logged: list[str]) -> None:
    gateway = WholeGateway(2, load_balancer_class=f"test_pick_now.{name}")
    assert why in pick(gateway)["why"]
    client = gateway.get("/x", X_OpenPrequal_Explain="1")
    gateway.answer_all()
    assert client.received.startswith(b"HTTP/1.1 200")
    assert b'\r\nX-OpenPrequal-Explain: request-id="' in client.received
