"""A short, fixed run of the fuzzer, what it once found, and that it can find anything at all."""

from pathlib import Path
from random import Random

import pytest
from attrs import evolve

from openprequal.http1.body import ChunkedBody
from openprequal.testing.memory_transport import MemoryTransport
from openprequal.upstream.connection import UpstreamConnection
from tests.fuzz.campaign import Campaign
from tests.fuzz.case import Answer, Case, pieces, read_case
from tests.fuzz.cutting import complaints, differing, uncut
from tests.fuzz.messages import request, response
from tests.fuzz.minimise import minimise
from tests.fuzz.regressions import REGRESSIONS
from tests.fuzz.wire import read_request, read_response

CASES = 60


def test_a_short_run_finds_nothing() -> None:
    campaign = Campaign(Random(20), thorough_one_in=None)
    for _ in range(CASES):
        assert campaign.step() is None
    assert campaign.runs > 2 * CASES


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_found_stays_mended(name: str) -> None:
    case = REGRESSIONS[name]
    assert differing(case, uncut(case)) == []


def test_what_is_made_is_well_formed() -> None:
    rng = Random(1)
    for _ in range(300):
        asked = request(rng, b"t")
        message = read_request(b"".join(asked))
        assert message.end == len(b"".join(asked))
        answer = b"".join(response(rng, asked, b"t"))
        read_response(answer, 0, message.method, upgrade=bool(message.values(b"upgrade")), closed=True)


POST = Case(
    b"POST /a HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello",
    (Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),),
    witness=True,
)


def test_a_good_case_is_good() -> None:
    assert complaints(POST) == []


def test_a_changed_body_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    write = MemoryTransport.write
    monkeypatch.setattr(MemoryTransport, "write", lambda self, data: write(self, data.replace(b"hello", b"hallo")))
    assert any("body" in complaint for complaint in complaints(POST))


def test_a_leaked_attempt_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openprequal.forwarding.exchange.Exchange._end_attempt", lambda self, outcome: None)
    assert any("in flight" in complaint for complaint in complaints(POST))


def test_a_truncated_body_that_ends_cleanly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChunkedBody, "at_close", lambda self: True)
    answer = Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", end="close")
    assert any("broken" in complaint for complaint in complaints(evolve(POST, answers=(answer,))))


def test_bytes_that_nobody_asked_for_are_found_when_they_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UpstreamConnection, "abort", lambda self: None)
    late = evolve(POST, answers=(evolve(POST.answers[0], late=b"canary"),))
    assert any("nobody asked for" in complaint for complaint in complaints(late))


def test_an_exception_out_of_a_callback_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, data: bytes) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(UpstreamConnection, "dataReceived", fail)
    assert any("planted" in complaint for complaint in complaints(POST))


def test_a_case_is_read_back_as_it_was_printed(tmp_path: Path) -> None:
    path = tmp_path / "case"
    path.write_text(repr(POST))
    assert read_case(path) == POST


def test_cutting_loses_nothing() -> None:
    assert pieces(b"abcdef", (2, 2, 0, 9, 4)) == [b"ab", b"cd", b"ef"]


def test_a_failing_case_becomes_small() -> None:
    case = evolve(POST, client=b"x" * 50 + b"!" + b"y" * 50)
    assert minimise(case, lambda one: b"!" in one.client).client == b"!"
