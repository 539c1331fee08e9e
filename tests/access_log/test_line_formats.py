"""What a request looks like in each format, and that no client can make it look otherwise."""

import json
import re
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journeys import BEGAN_AT, fields, journey, line_maker, request

from openprequal.access_log.facts import FIELDS
from openprequal.errors import BadGateway, ConfigurationError
from openprequal.forwarding.journey import Attempt, Journey
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead, unread_request
from openprequal.values import Backend, Ending, Outcome

COMBINED = re.compile(
    r"(?P<client>[^ ]+) - - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\]"
    r' "(?P<line>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"'
)
EVERYTHING = " ".join(f"{{{name}}}" for name in FIELDS)

texts = st.binary(max_size=40) | st.sampled_from((b"\xe9" * 2060, b'"' * 3000))
names = st.text(max_size=20) | st.none()


@st.composite
def hostile(draw: st.DrawFn) -> Journey:
    """One of which all that may come from elsewhere is any bytes at all; parsers refuse most of them before."""
    head = RequestHead(b"GET", b"/", 1, [Field(b"Host", b"a")], draw(st.text(max_size=45)))
    head.method, head.target, head.host = draw(texts), draw(texts), draw(texts)
    known = (b"referer", b"user-agent", b"x-request-id", b"traceparent")
    head.head_fields = [Field(name, draw(texts)) for name in known]
    head.brings_id = draw(st.booleans())
    made = journey(head, attempts=draw(st.integers(0, 3)), request_id=draw(st.none() | texts))
    made.route, made.service, made.status = draw(names), draw(names), draw(st.none() | st.integers(100, 599))
    made.broken, made.error = draw(st.booleans()), draw(st.none() | st.builds(BadGateway, st.text()))
    return made


@given(hostile())
def test_json_always_parses_back_to_all_fields(made: Journey) -> None:
    line = line_maker("json")(made)
    assert line.isascii()
    assert line.isprintable()
    assert list(json.loads(line)) == [name for name in FIELDS if name != "common_time"]


@given(hostile())
def test_combined_is_always_understood_by_who_reads_it(made: Journey) -> None:
    line = line_maker("combined")(made)
    assert line.isascii()
    assert line.isprintable()
    assert COMBINED.fullmatch(line)


@given(hostile())
def test_a_template_is_always_one_line_and_its_quotes_are_its_own(made: Journey) -> None:
    line = line_maker(f'"{EVERYTHING}" {{header:user-agent}}')(made)
    assert line.isascii()
    assert line.isprintable()
    assert line.count('"') == 2


@pytest.mark.parametrize(
    "made",
    [
        journey(),
        journey(attempts=3),
        journey(attempts=0, status=503, error=BadGateway("x")),
        journey(queued_s=0.5, route="api", broken=True),
        journey(status=None, attempts=0),
    ],
)
def test_json_says_what_templates_say(made: Journey) -> None:
    told = fields(made)
    for name, value in told.items():
        assert line_maker(f"{{{name}}}")(made) == ("-" if value is None else str(value))


def test_combined_is_what_apache_and_nginx_write() -> None:
    head = request(b"/a?b=c", (b"Referer", b"http://r.test/"), (b"User-Agent", b"curl/8"))
    assert line_maker("combined")(journey(head)) == (
        '192.0.2.1 - - [24/Nov/2026:12:01:40 +0000] "GET /a?b=c HTTP/1.1" 200 5 "http://r.test/" "curl/8"'
    )


def test_json_tells_the_way_and_the_times() -> None:
    told = fields(journey(attempts=2))
    assert told["time"] == "2026-11-24T12:01:40.250Z"
    assert told["duration_us"] == 250_000
    assert told["connect_us"] == pytest.approx(1000, abs=1)
    assert told["head_us"] == pytest.approx(200_000, abs=1)
    assert told["backend"] == "http://10.0.0.2:80"
    assert told["attempts"] == 2
    assert told["tried"] == "http://10.0.0.1:80 connect_failed, http://10.0.0.2:80 response"


def test_a_request_line_that_could_not_be_read_is_shown_shortened_and_escaped() -> None:
    made = journey(unread_request(b"\x16\x03\x01" + b"x" * 1000 + b"\r\nmore", "192.0.2.1"), attempts=0, status=400)
    assert fields(made)["method"] is None
    assert fields(made)["target"] == "\x16\x03\x01" + "x" * 253
    line = COMBINED.fullmatch(line_maker("combined")(journey(unread_request(b"\n", "192.0.2.1"), status=400)))
    assert line is not None
    assert line["line"] == "\\x0A"


def test_nothing_at_all_of_a_request_line_is_a_dash() -> None:
    line = COMBINED.fullmatch(line_maker("combined")(journey(unread_request(b"", "192.0.2.1"), status=408)))
    assert line is not None
    assert line["line"] == "-"


def test_a_line_that_can_be_read_is_shown_though_its_fields_are_no_good() -> None:
    head = unread_request(b"GET /x HTTP/1.0\r\nbad field", "192.0.2.1")
    told = fields(journey(head, status=400))
    assert (told["method"], told["target"], told["protocol"]) == ("GET", "/x", "HTTP/1.0")


def test_long_values_are_cut() -> None:
    told = fields(journey(request(b"/" + b"x" * 5000)))
    assert told["target"] == "/" + "x" * 2047 + "..."


def test_queries_are_left_out_of_target_and_referer() -> None:
    head = request(b"/a?secret", (b"Referer", b"http://r.test/b?secret"))
    for form in ("json", "combined", EVERYTHING):
        assert "secret" not in line_maker(form, query=False)(journey(head))
        head.logged = None
    told = fields(journey(head), query=False)
    assert (told["target"], told["referer"]) == ("/a", "http://r.test/b")


def test_credentials_are_in_no_field_unless_the_template_names_them() -> None:
    head = request(
        b"/", (b"Authorization", b"Basic secret"), (b"Cookie", b"secret"), (b"Proxy-Authorization", b"secret")
    )
    for form in ("json", "combined", EVERYTHING):
        assert "secret" not in line_maker(form)(journey(head))
        head.logged = None
    assert line_maker("{header:Cookie}")(journey(head)) == "secret"


def test_what_an_error_repeats_of_a_broken_message_is_not_shown() -> None:
    told = fields(journey(error=BadGateway("bad field line b'Set-Cookie: secret'"), status=502))
    assert told["error"] == "Bad gateway"


def test_behind_trusted_proxies_the_client_is_the_one_they_tell() -> None:
    head = request(b"/", (b"X-Forwarded-For", b"203.0.113.9"))
    assert fields(journey(head), trusted=[ip_network("192.0.2.0/24")])["client"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({}, "complete"),
        ({"broken": True}, "broken"),
        ({"status": None, "attempts": 0}, "client_gone"),
    ],
)
def test_how_it_ended_for_the_client(changes: dict[str, Any], ending: str) -> None:
    assert fields(journey(**changes))["ending"] == ending


def test_a_client_that_goes_in_the_middle_of_its_response_is_gone() -> None:
    made = journey(attempts=0)
    (attempt,) = journey(attempts=1).attempts
    attempt.outcome = Outcome(Ending.CANCELLED, None, None)
    made.attempt = attempt
    made.attempts.append(attempt)
    assert fields(made)["ending"] == "client_gone"


def test_a_hook_that_answers_in_place_of_the_backend_completes_the_response() -> None:
    made = journey(attempts=0, status=403)
    attempt = made.attempt = Attempt(Backend("http://10.0.0.1:80"), "cold", BEGAN_AT)
    made.attempts.append(attempt)
    attempt.sent_at = BEGAN_AT
    attempt.end(Outcome(Ending.CANCELLED, None, None), BEGAN_AT + 0.25)
    assert fields(made)["ending"] == "complete"


def test_a_client_that_went_before_there_was_a_status_has_499() -> None:
    assert fields(journey(status=None))["status"] == 499


def test_the_trace_is_the_gateways_own_else_the_clients() -> None:
    class Trace:
        trace_id = 0xABC

    theirs = b"0af7651916cd43dd8448eb211c80319c"
    head = request(b"/", (b"traceparent", b"00-" + theirs + b"-b7ad6b7169203331-01"))
    assert fields(journey(head))["trace_id"] == theirs.decode()
    assert fields(journey(head, trace=Trace()))["trace_id"] == "0" * 29 + "abc"
    assert fields(journey())["trace_id"] is None


def test_a_connection_that_was_there_took_no_time() -> None:
    made = journey()
    made.attempts[0].reused = True
    assert fields(made)["connect_us"] == 0


def test_what_is_remembered_with_a_head_is_the_same_again() -> None:
    head, make = request(), line_maker("json")
    assert make(journey(head)) == make(journey(head))
    assert head.logged is not None


def test_braces_and_percents_of_a_template_are_its_own() -> None:
    assert line_maker("{{100%}} {status}")(journey()) == "{100%} 200"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{statsu}", "there is no field {statsu}; did you mean status?"),
        ("{header:}", "there is no field {header}"),
        ("{status:03d}", "there is no field {status:03d}"),
        ("{status!r}", "there is no field {status!r}"),
        ("{}", "there is no field {}"),
        ("{status", "is no template"),
        ("{status}\n", "printable ASCII"),
        ("jsno", "did you mean json"),
    ],
)
def test_a_template_that_cannot_be_used_says_what_is_wrong(template: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)) as refused:
        line_maker(template)
    assert refused.value.about == ("access_log_format",)


def test_the_time_follows_a_wall_clock_that_was_set() -> None:
    from openprequal.access_log.stamps import Stamps

    wall = [1000.0]
    stamps = Stamps(lambda: 0.0, lambda: wall[0])
    assert stamps.iso(BEGAN_AT).startswith("1970-01-01T00:18:20")
    wall[0] = 2000.0
    stamps.iso(BEGAN_AT + 1)
    assert stamps.iso(BEGAN_AT + 2).startswith("1970-01-01T00:35:02")
