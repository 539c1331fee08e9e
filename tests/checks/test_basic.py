"""Users and passwords: who goes on, who is asked again, and what it costs."""

from collections.abc import Callable
from pathlib import Path

import bcrypt
import pytest
from judged import SECRET, basic, bearer, now_of, request
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from openprequal.checks.basic import BasicCheck
from openprequal.checks.passwords import parse_passwords
from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict
from openprequal.checks.verifications import Verifications
from openprequal.checks.watched_file import WatchedFile

CHALLENGE = (b"WWW-Authenticate", b'Basic realm="staff", charset="UTF-8"')


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


class Case:
    """A check whose threads are counted, and run at once unless held."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.clock = Clock()
        self.path = folder / "users"
        self.path.write_text(f"ann:{hashed('secret')}\n")
        self.verified = 0
        self.held: list[Callable[[], None]] | None = None
        settings: dict[str, object] = {"user_field": b"X-User", "keep_authorization": False, "remember_s": 60.0}
        self.check = BasicCheck(
            "staff",
            WatchedFile(str(self.path), lambda content: parse_passwords(content, "users"), "users"),
            Verifications(self.in_thread, 1, 2),
            now=self.clock.seconds,
            secret=SECRET,
            realm="staff",
            timeout_s=5.0,
            **{**settings, **options},  # type: ignore[arg-type]
        )

    def in_thread(self, verify: Callable[[], bool]) -> "Deferred[bool]":
        self.verified += 1
        if self.held is None:
            return succeed(verify())
        result: Deferred[bool] = Deferred()
        self.held.append(lambda: result.callback(verify()))
        return result

    def judge(self, *lines: bytes, client: str = "192.0.2.1") -> Verdict:
        return now_of(self.check.judge(request(*lines, client=client)))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def test_who_knows_the_password_goes_on_by_name(case: Case) -> None:
    assert case.judge(basic("ann", "secret")) == Admitted(((b"X-User", b"ann"),))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), Reason.MISSING),
        ((bearer("token"),), Reason.MISSING),
        ((b"Authorization: Basic *",), Reason.MALFORMED),
        ((b"Authorization: Basic YWFh",), Reason.MALFORMED),
        ((basic("ann", "secret"), basic("ann", "secret")), Reason.MALFORMED),
        ((basic("ann", "Secret"),), Reason.WRONG),
        ((basic("ann", ""),), Reason.WRONG),
        ((basic("bob", "secret"),), Reason.WRONG),
    ],
)
def test_others_are_asked_for_a_password(case: Case, lines: tuple[bytes, ...], reason: Reason) -> None:
    assert case.judge(*lines) == Refused(401, reason, (CHALLENGE,))


def test_a_right_password_is_verified_once_in_a_while(case: Case) -> None:
    for _ in range(3):
        case.judge(basic("ann", "secret"))
    assert case.verified == 1
    case.clock.advance(60.0)
    assert case.judge(basic("ann", "secret")) == Admitted(((b"X-User", b"ann"),))
    assert case.verified == 2


def test_a_wrong_password_is_verified_once_in_a_shorter_while(case: Case) -> None:
    for _ in range(3):
        assert isinstance(case.judge(basic("ann", "no")), Refused)
    assert case.verified == 1
    case.clock.advance(10.0)
    case.judge(basic("ann", "no"))
    assert case.verified == 2


def test_many_wrong_passwords_drive_out_no_right_one(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openprequal.checks.passwords.Passwords.verify", lambda self, user, password: user == "ann")
    case.judge(basic("ann", "secret"))
    for number in range(5000):
        case.judge(basic("bob", str(number)))
    before = case.verified
    case.judge(basic("ann", "secret"))
    assert case.verified == before


def test_nothing_is_remembered_if_so_wanted(tmp_path: Path) -> None:
    case = Case(tmp_path, remember_s=0.0)
    case.judge(basic("ann", "secret"))
    case.judge(basic("ann", "secret"))
    assert case.verified == 2


def test_a_user_who_does_not_exist_takes_a_verification_too(case: Case) -> None:
    case.judge(basic("bob", "secret"))
    assert case.verified == 1


def test_a_password_that_was_changed_is_no_longer_right(case: Case) -> None:
    case.judge(basic("ann", "secret"))
    case.path.write_text(f"# changed\nann:{hashed('other')}\n")
    case.check.tick()
    assert isinstance(case.judge(basic("ann", "secret")), Refused)
    assert isinstance(case.judge(basic("ann", "other")), Admitted)


def test_a_password_that_is_changed_while_it_is_verified_is_not_remembered(case: Case) -> None:
    case.held = []
    answer = case.check.judge(request(basic("ann", "secret")))
    case.path.write_text("# nobody\n")
    case.check.tick()
    case.held.pop()()
    assert isinstance(now_of(answer), Admitted)
    case.held = None
    assert isinstance(case.judge(basic("ann", "secret")), Refused)


def test_when_too_many_wait_the_next_is_to_come_again(case: Case) -> None:
    case.held = []
    for number in range(3):
        assert isinstance(case.check.judge(request(basic("ann", str(number)), client=str(number))), Deferred)
    assert case.judge(basic("ann", "secret"), client="3") == Refused(503, Reason.BUSY, ((b"Retry-After", b"1"),))


@pytest.mark.parametrize(
    ("options", "sets"),
    [
        ({}, {b"x-user", b"authorization"}),
        ({"keep_authorization": True}, {b"x-user"}),
        ({"user_field": None}, {b"authorization"}),
    ],
)
def test_the_fields_that_clients_may_not_bring(tmp_path: Path, options: dict[str, object], sets: set[bytes]) -> None:
    assert Case(tmp_path, **options).check.sets == sets


def test_the_backend_is_not_told_who_it_is_if_so_wanted(tmp_path: Path) -> None:
    assert Case(tmp_path, user_field=None).judge(basic("ann", "secret")) == Admitted()
