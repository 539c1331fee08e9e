"""What holds for every check, whatever it looks at; one is made for each kind that the settings know."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judged import basic, bearer, request
from tokens import rsa_key, token
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from openprequal.checks import assembly
from openprequal.checks.assembly import Checks
from openprequal.checks.verdict import Admitted, Check, Reason, Refused
from openprequal.config.checks import KINDS
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.told_of import told_of
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead

HASHED = bcrypt.hashpw(b"secret", bcrypt.gensalt(4))
RULES = RequestRules(pseudonym=b"gateway.test", request_ids=lambda: b"")
WAITS: dict[str, bytes] = {"basic": basic("ann", "secret"), "jwt": bearer(token(rsa_key())), "forward": b"Cookie: a=b"}
"""What each kind cannot judge at once."""
ASKED: dict[str, dict[str, Any]] = {
    "basic": {"user_header": "X-User"},
    "jwt": {"jwks_url": "http://keys.test/", "claim_headers": {"sub": "X-User"}},
    "forward": {"url": "http://judge.test/", "response_headers": ["X-User"]},
}


class Case:
    """A check of one kind, and everything that it waits for."""

    def __init__(self, kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.waiting: list[Deferred[Any]] = []
        monkeypatch.setattr(Checks, "_in_thread", lambda checks, verify: self.wait())
        monkeypatch.setattr(assembly, "ask", lambda *_: self.wait())
        monkeypatch.setattr("openprequal.checks.forward.ask", lambda *_: self.wait())
        users = folder / "users"
        users.write_bytes(b"ann:" + HASHED)
        own = {**ASKED[kind], **({"users_file": str(users)} if kind == "basic" else {})}
        checks = Checks(self.clock, wall_clock=lambda: 0.0, secret=b"secret", environ={})
        made = checks.made(
            {"it": KINDS[kind].model_validate({"kind": kind, **own})}, lambda head: told_of(head, RULES), ""
        )
        self.check: Check = made["it"]

    def wait(self) -> "Deferred[Any]":
        waiting: Deferred[Any] = Deferred()
        self.waiting.append(waiting)
        return waiting


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    return Case(kind, tmp_path, monkeypatch)


def begin(case: Case, kind: str) -> "Deferred[Any]":
    verdict = case.check.judge(request(WAITS[kind]))
    assert isinstance(verdict, Deferred)
    return verdict


def test_it_waits_no_longer_for_whom_nobody_waits(case: Case, kind: str) -> None:
    failures: list[Any] = []
    verdict = begin(case, kind)
    verdict.addErrback(failures.append)
    verdict.cancel()
    assert failures[0].check(CancelledError)


def test_what_comes_for_whom_nobody_waits_harms_nobody(case: Case, kind: str) -> None:
    for _ in range(2):
        verdict = begin(case, kind)
        verdict.addErrback(lambda _: None)
        verdict.cancel()
    others = begin(case, kind)
    verdicts: list[object] = []
    others.addBoth(verdicts.append)
    for waiting in case.waiting:
        if not waiting.called:
            waiting.errback(ConnectionError())
            waiting.addErrback(lambda _: None)
    assert len(verdicts) == 1
    assert not isinstance(verdicts[0], Admitted)


def test_it_does_not_admit_when_what_it_waits_for_fails(case: Case, kind: str) -> None:
    verdicts: list[object] = []
    begin(case, kind).addBoth(verdicts.append)
    case.waiting[0].errback(ConnectionError())
    assert len(verdicts) == 1
    assert not isinstance(verdicts[0], Admitted)


def test_nothing_that_a_client_sends_goes_for_what_it_found_out(case: Case) -> None:
    assert b"x-user" in case.check.sets


def test_its_time_is_limited(case: Case) -> None:
    assert 0 < case.check.timeout_s < 60


def test_it_looks_after_itself_without_harm(case: Case) -> None:
    for _ in range(20):
        case.check.tick()
        case.clock.advance(1)


field_lists = st.lists(
    st.tuples(st.sampled_from([b"Authorization", b"Cookie", b"X-User"]), st.binary(max_size=40)), max_size=4
)


@given(st.sampled_from(list(KINDS)), field_lists)
def test_no_field_makes_it_raise_or_lets_anybody_in(kind: str, fields: list[tuple[bytes, bytes]]) -> None:
    head = RequestHead(b"GET", b"/", 1, [Field(b"Host", b"a"), *(Field(*each) for each in fields)], "192.0.2.1")
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        verdict = Case(kind, Path(folder), patch).check.judge(head)
        if isinstance(verdict, Deferred):
            verdict.addErrback(lambda _: None)
            verdict.cancel()
        else:
            assert isinstance(verdict, Refused)
            assert verdict.status in (400, 401, 503)
            assert verdict.reason in Reason


def test_every_kind_is_tested() -> None:
    assert set(WAITS) == set(ASKED) == set(KINDS)
