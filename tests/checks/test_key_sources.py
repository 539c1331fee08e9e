"""Keys from a server: when it is asked, and what holds while it is away."""

import pytest
from tokens import jwk, key_set, rsa_key
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.web.http_headers import Headers

from openprequal.checks.asking import Answer
from openprequal.checks.key_sources import FetchedKeys

FIRST = key_set(jwk(rsa_key(), kid="k1"))
SECOND = key_set(jwk(rsa_key(2048, 1), kid="k2"))


class Case:
    """A server of keys that answers when it is told to."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[Answer]] = []
        self.source = FetchedKeys(self.clock, self.fetch, "https://issuer.test/keys")
        self.told: list[object] = []

    def fetch(self) -> "Deferred[Answer]":
        answer: Deferred[Answer] = Deferred()
        self.asked.append(answer)
        return answer

    def answer(self, content: bytes | None = FIRST, status: int = 200, cache_control: bytes = b"") -> None:
        headers = Headers({b"Cache-Control": [cache_control]} if cache_control else {})
        self.asked[-1].callback(Answer(status, headers, content))

    def refresh(self) -> "Deferred[None] | None":
        waiting = self.source.refresh()
        if waiting is not None:
            waiting.addBoth(lambda result: self.told.append(result))
        return waiting

    def seconds_until_asked(self, most: int = 100_000) -> int:
        before = len(self.asked)
        for second in range(1, most):
            self.clock.advance(1)
            self.source.tick()
            if len(self.asked) > before:
                return second
        raise AssertionError("not asked")


def test_keys_are_there_when_they_have_come() -> None:
    case = Case()
    case.source.tick()
    assert case.source.keys is None
    case.answer()
    assert case.source.keys is not None
    assert case.source.keys.find("k1", "RS256") is not None


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        (b"", 300),
        (b"public, max-age=900, must-revalidate", 900),
        (b"max-age=0", 60),
        (b"MAX-AGE=999999", 86_400),
        (b"s-maxage=900", 300),
        (b"max-age=soon", 300),
        (b"no-store", 300),
    ],
)
def test_keys_are_fetched_again_when_they_are_old(cache_control: bytes, seconds: int) -> None:
    case = Case()
    case.source.tick()
    case.answer(cache_control=cache_control)
    assert case.seconds_until_asked() == seconds


def test_a_key_that_is_missed_is_waited_for() -> None:
    case = Case()
    case.refresh()
    case.refresh()
    assert len(case.asked) == 1
    assert case.told == []
    case.answer()
    assert case.told == [None, None]


def test_whatever_key_is_missed_the_server_is_asked_once_in_ten_seconds() -> None:
    case = Case()
    case.refresh()
    case.answer()
    case.clock.advance(9.9)
    assert case.refresh() is None
    case.clock.advance(0.1)
    assert case.refresh() is not None
    assert len(case.asked) == 2


@pytest.mark.parametrize(
    "bad", [{"status": 500}, {"status": 302}, {"content": None}, {"content": b"<html>"}, {"content": b'{"keys": []}'}]
)
def test_the_last_good_keys_hold_while_the_server_is_not_well(bad: dict[str, object]) -> None:
    case = Case()
    case.source.tick()
    case.answer()
    good = case.source.keys
    case.seconds_until_asked()
    case.answer(**bad)  # type: ignore[arg-type]
    assert case.source.keys is good
    assert case.seconds_until_asked() == 10
    case.answer(SECOND)
    assert case.source.keys is not good


def test_a_server_that_does_not_answer_is_given_up() -> None:
    case = Case()
    case.refresh()
    case.clock.advance(5.0)
    assert case.told == [None]
    assert case.source.keys is None
    assert case.seconds_until_asked() == 5


def test_the_same_content_is_the_same_keys() -> None:
    case = Case()
    case.source.tick()
    case.answer()
    good = case.source.keys
    case.seconds_until_asked()
    case.answer()
    assert case.source.keys is good


def test_who_waits_no_more_is_not_told() -> None:
    case = Case()
    first = case.refresh()
    case.refresh()
    assert first is not None
    first.addErrback(lambda _: None)
    first.cancel()
    case.answer()
    assert case.told[1:] == [None]
