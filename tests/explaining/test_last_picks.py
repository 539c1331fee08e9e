"""``GET /_openprequal/explain?last=N``: what happened to the last requests, remembered while somebody wants to know."""

from asked import ask, explained, last
from whole_gateway import OK, WholeGateway

ROUTES = [{"name": "all", "path_prefix": "/"}]


def test_what_is_always_remembered_is_told_latest_first() -> None:
    gateway = WholeGateway(1, explain_requests=2)
    for number in range(3):
        ask(gateway, f"/{number}")
    assert [row["path"] for row in last(gateway)] == ["/2", "/1"]
    assert [row["path"] for row in last(gateway, "?last=1")] == ["/2"]


def test_a_request_is_told_with_its_attempts_and_times() -> None:
    gateway = WholeGateway(1, explain_requests=5, routes=ROUTES)
    gateway.get("/x?secret=1")
    gateway.wait(0.2)
    gateway.answer_all()
    (row,) = last(gateway)
    (attempt,) = row["attempts"]
    assert (row["method"], row["path"], row["route"], row["service"], row["status"], row["client"]) == (
        *("GET", "/x", "all", "default", 200, "127.0.0.1"),
    )
    assert (attempt["backend"], attempt["ending"], attempt["status"]) == (gateway.backends[0].url, "response", 200)
    assert 0.2 <= attempt["head_seconds"] <= attempt["ended_seconds"] <= row["seconds"] < 0.3


def test_one_that_nobody_could_answer_is_told_with_why() -> None:
    gateway = WholeGateway(0, explain_requests=5)
    gateway.get("/x")
    (row,) = last(gateway)
    assert (row["status"], row["attempts"], row["error"]) == (503, [], "no backend of default may be picked")


def test_a_request_is_found_by_the_id_that_its_backend_got() -> None:
    gateway = WholeGateway(1, explain_requests=5)
    ask(gateway, "/a")
    ask(gateway, "/b", X_Request_Id="mine")
    (row,) = last(gateway, "?request_id=mine")
    assert row["path"] == "/b"
    made = last(gateway)[1]["request_id"]
    assert f"X-Request-Id: {made}\r\n".encode() in gateway.backend.received
    assert [each["path"] for each in last(gateway, f"?request_id={made}")] == ["/a"]


def test_a_request_is_found_by_the_trace_that_it_came_in() -> None:
    gateway = WholeGateway(1, explain_requests=5)
    trace = "0af7651916cd43dd8448eb211c80319c"
    ask(gateway, "/a")
    ask(gateway, "/b", traceparent=f"00-{trace}-b7ad6b7169203331-01")
    (row,) = last(gateway, f"?trace_id={trace}")
    assert (row["path"], row["trace_id"]) == ("/b", trace)


def test_one_that_is_not_remembered_is_not_found() -> None:
    gateway = WholeGateway(1, explain_requests=5)
    assert explained(gateway, "?request_id=other", 404)["detail"] == "no such request is remembered"


def test_unless_they_are_told_to_be_requests_are_remembered_from_the_first_question_for_a_minute() -> None:
    gateway = WholeGateway(1)
    ask(gateway, "/before")
    assert explained(gateway, "?last=10") == {"remembered_for_seconds": 60.0, "last": []}
    ask(gateway, "/after")
    gateway.wait(65)
    ask(gateway, "/later")
    assert [row["path"] for row in last(gateway)] == ["/after"]


def test_who_goes_on_asking_prolongs_it() -> None:
    gateway = WholeGateway(1)
    last(gateway)
    gateway.wait(40)
    last(gateway)
    gateway.wait(40)
    ask(gateway, "/x")
    assert len(last(gateway)) == 1


def test_a_connection_that_was_there_before_the_question_is_heard_of_too() -> None:
    gateway = WholeGateway(1)
    client = gateway.get("/x")
    gateway.answer_all()
    explained(gateway, "?last=10")
    client.send(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
    gateway.wait(0)
    gateway.answer_all()
    assert [row["status"] for row in last(gateway)] == [200]
    assert client.received.count(OK[-5:]) == 2


def test_a_request_under_way_when_it_ends_goes_on() -> None:
    gateway = WholeGateway(1, routes=ROUTES)
    explained(gateway, "?last=10")
    client = gateway.get("/x")
    gateway.wait(62)  # longer than the time-out for responses allows
    assert client.received.startswith(b"HTTP/1.1 504")
    assert [row["status"] for row in last(gateway)] == [504]


def test_settings_that_are_read_again_do_not_end_it() -> None:
    gateway = WholeGateway(1)
    explained(gateway, "?last=10")
    gateway.reload(request_line_max_bytes=4096)
    ask(gateway, "/x")
    assert [row["path"] for row in last(gateway)] == ["/x"]


def test_how_many_are_remembered_may_change_while_it_runs() -> None:
    gateway = WholeGateway(1, explain_requests=5)
    for number in range(3):
        ask(gateway, f"/{number}")
    assert gateway.reload(explain_requests=2)[1]["changed"] == ["explain_requests"]
    assert [row["path"] for row in last(gateway)] == ["/2", "/1"]
    gateway.reload(explain_requests=0)
    ask(gateway, "/3")
    assert [row["path"] for row in last(gateway)] == ["/2", "/1"]
