"""Whatever clients, backends and callers make up, the page of metrics does not grow."""

from collections.abc import Iterator
from random import Random

import pytest
from whole_gateway import OK, WholeGateway

METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH", b"PROPFIND")


@pytest.fixture
def case() -> Iterator[WholeGateway]:
    gateway = WholeGateway(max_backends=60)
    yield gateway
    gateway.end()


def series(case: WholeGateway) -> set[str]:
    """Names and labels of all that the page has."""
    page = case.get("/metrics").received.partition(b"\r\n\r\n")[2].decode()
    return {line.rpartition(" ")[0] for line in page.splitlines() if line and not line.startswith("#")}


def ask(case: WholeGateway, method: bytes, path: bytes, host: bytes) -> None:
    client = case.client()
    client.send(b"%b %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (method, path, host))
    case.reactor.advance(0)
    case.answer_all()


def word(rng: Random) -> bytes:
    return bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz", k=12))


def test_a_thousand_made_up_methods_paths_and_hosts_add_nothing(case: WholeGateway) -> None:
    for method in METHODS:
        ask(case, method, b"/", b"a.test")
    before = series(case)
    rng = Random(7)
    for _ in range(1000):
        ask(case, word(rng).upper(), b"/" + word(rng), word(rng) + b".test")
    assert series(case) == before


def test_services_are_those_that_are_configured(case: WholeGateway) -> None:
    before = series(case)
    for number in range(100):
        case.post("/register", {"url": f"http://203.0.113.9:{number + 1}", "service": f"made-up-{number}"})
    assert series(case) == before


def test_backends_are_bounded_and_gone_when_they_have_left(case: WholeGateway) -> None:
    before = series(case)
    case.backends[0].accepts = None
    for number in range(100):
        case.post("/register", {"url": f"http://203.0.113.1:{number + 9000}"})
    # The page has a handful of series for each.
    assert len(series(case) - before) <= 8 * 59
    for number in range(100):
        case.post("/unregister", {"url": f"http://203.0.113.1:{number + 9000}"})
    assert series(case) == before


def test_what_a_backend_answers_adds_no_more_than_its_status(case: WholeGateway) -> None:
    rng = Random(7)
    ask(case, b"GET", b"/", b"a.test")
    before = series(case)
    for _ in range(50):
        reason = word(rng)
        case.get("/x")
        case.backends[0].answer_all(OK.replace(b"200 OK", b"299 " + reason))
        case.reactor.advance(0)
    assert len(series(case) - before) == 1
