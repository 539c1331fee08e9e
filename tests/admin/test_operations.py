"""What operators change while the gateway runs, seen from outside: backends drained and ejected, another balancer."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from whole_gateway import FarBackend, Start, WholeGateway, answer, status

FAR = IPv4Address("TCP", "192.0.2.7", 40000)


def operate(case: WholeGateway, order: str, number: int = 0, **more: Any) -> tuple[int, Any]:
    return case.post(f"/_openprequal/{order}", {"url": case.backends[number].url, **more})


def events(case: WholeGateway, after: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(case.get(f"/_openprequal/events?after={after}"))[1]["events"]
    return found


def last_event(case: WholeGateway) -> dict[str, Any]:
    return events(case)[-1]


def asked(case: WholeGateway) -> list[int]:
    """How many requests for /x each backend was sent."""
    return [sum(one.received.count(b"GET /x ") for one in each.connections) for each in case.backends]


def ask(case: WholeGateway, times: int = 8, **fields: str) -> None:
    clients = []
    for _ in range(times):
        clients.append(case.get(**fields))
        case.answer_all()
    assert [status(client) for client in clients] == [200] * times


def test_a_drained_backend_gets_nothing_new_and_ends_what_it_has(start: Start) -> None:
    case = start(2, load_balancer_class="round_robin")
    clients = [case.get(), case.get()]
    assert operate(case, "drain") == (
        200,
        {
            "id": f"default/{case.backends[0].url}",
            "url": case.backends[0].url,
            "service": "default",
            "state": "draining",
            "reason": "drained by 127.0.0.1",
        },
    )
    assert (case.rows[0]["up"], case.rows[0]["condition"], case.rows[0]["reason"]) == (
        *(False, "draining"),
        "drained by 127.0.0.1",
    )
    case.answer_all()
    assert [status(client) for client in clients] == [200, 200]
    ask(case)
    assert asked(case) == [1, 9]


def test_an_undrained_backend_is_used_again(start: Start) -> None:
    case = start(2, load_balancer_class="round_robin")
    operate(case, "drain")
    code, told = operate(case, "undrain")
    assert (code, told["state"], told["reason"]) == (200, "up", "serving")
    ask(case)
    assert asked(case) == [4, 4]


def test_an_ejected_backend_is_out_until_it_is_restored(start: Start) -> None:
    case = start(2, load_balancer_class="round_robin", health_interval_seconds=1000)
    assert operate(case, "eject")[1]["reason"] == "ejected by 127.0.0.1"
    case.wait(400)
    case.answer_all()
    assert case.rows[0]["condition"] == "ejected"
    assert operate(case, "restore")[1]["state"] == "up"


def test_sessions_of_a_drained_backend_move_to_another(start: Start) -> None:
    case = start(2, sticky="header:X-User")
    ask(case, 4, X_User="alice")
    (kept,) = [number for number, count in enumerate(asked(case)) if count == 4]
    operate(case, "drain", kept)
    ask(case, 4, X_User="alice")
    assert asked(case) == [4, 4]


@pytest.mark.parametrize("order", ["drain", "eject"])
def test_a_registration_does_not_undo_it(order: str, start: Start) -> None:
    case = start(2)
    operate(case, order)
    case.post("/register", {"url": case.backends[0].url, "weight": 3})
    assert case.rows[0]["weight"] == 3
    assert not case.rows[0]["up"]


def test_a_backend_that_leaves_and_is_back_is_still_drained(start: Start) -> None:
    case = start()
    operate(case, "drain")
    case.post("/unregister", {"url": case.backends[0].url})
    assert case.rows == []
    case.post("/register", {"url": case.backends[0].url})
    case.wait(0.3)
    case.answer_all()
    assert (case.row["up"], case.row["reason"]) == (False, "drained by 127.0.0.1")


def test_after_a_day_nobody_is_drained_for_what_another_was(start: Start) -> None:
    case = start()
    operate(case, "drain")
    case.post("/unregister", {"url": case.backends[0].url})
    case.reactor.advance(24 * 3600)
    case.post("/register", {"url": case.backends[0].url})
    case.wait(0.3)
    case.answer_all()
    assert case.row["up"]


def test_a_drained_backend_whose_checks_fail_is_not_told_as_down(start: Start) -> None:
    case = start(1, health_interval_seconds=1)
    operate(case, "drain")
    for _ in range(5):
        case.wait(1)
        case.backends[0].answer_all(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    assert case.row["condition"] == "draining"
    assert case.row["reason"] == "drained by 127.0.0.1; health check: answered 503"


def test_restoring_ends_an_ejection_for_failures_too(start: Start) -> None:
    case = start(2, load_balancer_class="round_robin", retry_attempts=0, eject_seconds=60)
    for _ in range(12):
        case.get()
        case.backends[0].answer_all(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
        case.backends[1].answer_all()
        case.wait(0)
    assert case.rows[0]["condition"] == "ejected"
    before = last_event(case)
    assert (before["kind"], before["by"]) == ("ejected", None)
    assert operate(case, "restore")[1]["state"] == "up"
    new = events(case, before["n"])
    assert [(event["kind"], event["by"]) for event in new] == [("restored", "127.0.0.1")]


def test_others_take_the_place_of_an_ejected_one_but_not_of_a_drained_one(start: Start) -> None:
    case = start(0)
    case.backends = [FarBackend(0), FarBackend(1), FarBackend(2)]
    for number, each in enumerate(case.backends):
        case.post("/register", {"url": each.url, "priority": int(number == 2)})
    case.wait(0.3)
    case.answer_all()
    assert [row["condition"] for row in case.rows] == ["up", "up", "standby"]
    operate(case, "drain", 0)
    assert [row["condition"] for row in case.rows] == ["draining", "up", "standby"]
    operate(case, "eject", 1)
    assert [row["condition"] for row in case.rows] == ["draining", "ejected", "up"]


def test_draining_works_for_backends_of_a_source(start: Start, tmp_path: Path) -> None:
    listed = tmp_path / "backends.toml"
    far = FarBackend(8)
    listed.write_text(f"[[backends]]\nurl = '{far.url}'\nservice = 'new'\n")
    registry = {"registry_class": "file", "registry_parameters": {"file": str(listed)}}
    case = start(backends=0, **registry)
    case.backends.append(far)
    case.reload(**registry, services={"new": {}})
    case.wait(0.3)
    case.answer_all()
    assert case.row["up"]
    assert operate(case, "drain", service="new")[0] == 200
    assert case.row["reason"] == "drained by 127.0.0.1"


@pytest.mark.parametrize("order", ["drain", "undrain", "eject", "restore"])
def test_a_backend_there_is_not_is_404(order: str, start: Start) -> None:
    case = start()
    code, problem = case.post(f"/_openprequal/{order}", {"url": "http://203.0.113.99:1"})
    assert (code, problem["detail"]) == (404, "there is no backend http://203.0.113.99:1 in service default")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({"url": "http://a:1", "service": "x"}, "service"),
        ({"url": "http://a:1", "y": 1}, "y"),
    ],
)
def test_what_names_no_backend_is_refused_by_name(body: dict[str, Any], field: str, start: Start) -> None:
    code, problem = start().post("/_openprequal/drain", body)
    assert (code, problem["field"]) == (400, field)


@pytest.mark.parametrize("path", ["drain", "undrain", "eject", "restore", "balancer"])
def test_only_who_may_register_may_operate(path: str, start: Start) -> None:
    case = start()
    assert case.post(f"/_openprequal/{path}", {"url": case.backends[0].url}, peer=FAR)[0] == 403
    assert case.row["up"]


def test_what_is_so_already_is_no_news(start: Start) -> None:
    case = start()
    operate(case, "drain")
    number = last_event(case)["n"]
    assert operate(case, "drain")[0] == 200
    assert operate(case, "restore")[0] == 200
    assert events(case, number) == []


# ---- balancers ------------------------------------------------------------------------------------------------------


def test_a_service_gets_another_balancer_while_a_request_is_under_way(start: Start) -> None:
    case = start(2)
    client = case.get()
    told = {"service": "default", "balancer": "least_in_flight", "parameters": {}}
    assert case.post("/_openprequal/balancer", {"balancer": "least_in_flight"}) == (200, told)
    assert sum(row["in_flight"] for row in case.rows) == 1
    busy = asked(case).index(1)
    case.get()
    assert asked(case) == [1, 1], f"it knows that backend {busy} is busy"
    case.answer_all()
    assert status(client) == 200
    assert (last_event(case)["kind"], last_event(case)["by"]) == ("balancer", "127.0.0.1")


def test_it_can_be_seen_which_balancer_holds_and_who_wanted_that(start: Start) -> None:
    case = start(load_balancer_class="round_robin")
    said = {"service": "default", "balancer": "round_robin", "parameters": {}, "by": None}
    assert answer(case.get("/_openprequal/balancer"))[1] == {"services": [said]}
    case.post("/_openprequal/balancer", {"balancer": "prequal", "parameters": {"preset": "paper"}})
    wanted = {"service": "default", "balancer": "prequal", "parameters": {"preset": "paper"}, "by": "127.0.0.1"}
    assert answer(case.get("/_openprequal/balancer"))[1] == {"services": [wanted]}
    case.reload(load_balancer_class="round_robin")
    assert answer(case.get("/_openprequal/balancer"))[1] == {"services": [said]}


def test_a_balancer_takes_parameters(start: Start) -> None:
    case = start()
    body = {"service": "default", "balancer": "prequal", "parameters": {"preset": "paper"}}
    assert case.post("/_openprequal/balancer", body) == (200, body)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, "balancer", "is required"),
        ({"balancer": "prequall"}, "balancer", "did you mean prequal"),
        ({"balancer": "antigravity.Fly"}, "balancer", "is not loaded"),
        ({"balancer": "sys.exit"}, "balancer", "must be a class"),
        ({"balancer": "subprocess:Popen"}, "balancer", "must be a class"),
        ({"balancer": ":"}, "balancer", "balancer: "),
        ({"balancer": ""}, "balancer", "balancer: "),
        ({"balancer": "prequal", "parameters": {"q_riff": 1}}, "parameters.q_riff", "q_rif"),
        ({"balancer": "prequal", "parameters": []}, "parameters", "[]"),
        ({"balancer": "random", "service": "api"}, "service", "only default"),
    ],
)
def test_what_can_be_no_balancer_is_told_and_changes_nothing(
    body: dict[str, Any], field: str, words: str, start: Start
) -> None:
    case = start()
    number = last_event(case)["n"]
    code, problem = case.post("/_openprequal/balancer", body)
    assert (code, problem["field"]) == (422, field)
    assert words in problem["detail"]
    assert events(case, number) == []


def test_what_the_settings_say_holds_again_once_they_are_read(start: Start) -> None:
    case = start(2, load_balancer_class="round_robin")
    case.post("/_openprequal/balancer", {"balancer": "openprequal.balancing.random_choice.RandomChoice"})
    assert case.reload(load_balancer_class="round_robin")[1]["changed"] == []
    ask(case)
    assert asked(case) == [4, 4]


def test_a_drain_outlasts_a_reload(start: Start) -> None:
    case = start()
    operate(case, "drain")
    assert case.reload(queue_max=3)[0] == 200
    assert case.row["reason"] == "drained by 127.0.0.1"


# ---- events ---------------------------------------------------------------------------------------------------------


def test_events_tell_the_story_of_a_backend(start: Start) -> None:
    case = start()
    operate(case, "drain")
    operate(case, "undrain")
    operate(case, "eject")
    operate(case, "restore")
    case.post("/unregister", {"url": case.backends[0].url})
    told = events(case)
    assert [(event["kind"], event["by"]) for event in told] == [
        ("joined", None),
        ("up", None),
        ("drained", "127.0.0.1"),
        ("undrained", "127.0.0.1"),
        ("ejected", "127.0.0.1"),
        ("restored", "127.0.0.1"),
        ("left", None),
    ]
    assert {(event["service"], event["backend"]) for event in told} == {("default", case.backends[0].url)}
    assert told[-1]["message"] == "unregistered"
    assert [event["n"] for event in told] == list(range(1, 8))


def test_a_backend_whose_checks_fail_is_told_with_why(start: Start) -> None:
    case = start(1, health_interval_seconds=1)
    for _ in range(5):
        case.wait(1)
        case.backends[0].answer_all(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    assert (last_event(case)["kind"], last_event(case)["message"]) == ("down", "health check: answered 503")


def test_reloads_are_told_with_who_wanted_them(start: Start) -> None:
    case = start()
    case.reload(queue_max=3)
    assert (last_event(case)["kind"], last_event(case)["by"]) == ("reloaded", "127.0.0.1")
    assert "queue_max" in last_event(case)["message"]
    case.reload(load_balancer_class="no.such.class")
    assert last_event(case)["kind"] == "not reloaded"


def test_errors_are_told_together(start: Start) -> None:
    case = start(1, retry_attempts=0)
    clients = [case.get() for _ in range(3)]
    case.backends[0].answer_all(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
    case.wait(1.1)
    assert [status(client) for client in clients] == [500] * 3
    assert (last_event(case)["kind"], last_event(case)["service"]) == ("errors", "default")
    assert last_event(case)["message"].startswith("3 requests were answered with an error (5xx)")


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1&after=2", "after=" + "9" * 40, "after=%FF"])
def test_a_number_that_is_none_is_refused(query: str, start: Start) -> None:
    code, problem = answer(start().get(f"/_openprequal/events?{query}"))
    assert (code, problem["field"]) == (400, "after")


def test_events_are_for_who_may_see_backends(start: Start) -> None:
    assert answer(start().get("/_openprequal/events", peer=FAR))[0] == 403
