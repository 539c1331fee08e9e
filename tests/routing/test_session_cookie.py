"""A session's cookie names its backend to whoever has the key, and nothing to anybody else."""

from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.http1.fields import Field
from openprequal.routing.session_cookie import CookieRules, CookieSessions, without_cookie
from openprequal.testing.balancer_contract import AnyRequest

ONE, OTHER = "web/http://10.1.2.3:8001", "web/http://10.1.2.4:8001"
NAME = b"route"


def sessions(*keys: bytes, **rules: Any) -> CookieSessions:
    made = CookieSessions(keys or (b"k" * 32,), CookieRules(NAME, **rules))
    made.joined(ONE)
    made.joined(OTHER)
    return made


def asking(cookie: bytes | None = None) -> AnyRequest:
    return AnyRequest(fields=() if cookie is None else ((b"Cookie", cookie),))


def set_cookie(made: CookieSessions, backend_id: str = ONE, *, secure: bool = False) -> bytes:
    """What a new session of *backend_id* is given."""
    return made.answered(asking(), backend_id, secure=secure)[0].value


def pair(made: CookieSessions, backend_id: str = ONE) -> bytes:
    """What its client sends back."""
    return set_cookie(made, backend_id).partition(b";")[0]


def test_a_new_session_gets_a_cookie_that_names_its_backend() -> None:
    made = sessions()
    assert made.backend_of(asking(pair(made))) == ONE
    assert made.backend_of(asking(pair(made, OTHER))) == OTHER


def test_a_session_that_stays_gets_none() -> None:
    made = sessions()
    assert made.answered(asking(pair(made)), ONE, secure=False) == ()


def test_one_that_moves_gets_another() -> None:
    made = sessions()
    (cookie, _) = made.answered(asking(pair(made)), OTHER, secure=False)
    assert cookie.value.startswith(pair(made, OTHER))


def test_every_gateway_with_the_key_knows_it_and_no_other_does() -> None:
    cookie = pair(sessions(b"a" * 32))
    assert sessions(b"a" * 32).backend_of(asking(cookie)) == ONE
    assert sessions(b"b" * 32).backend_of(asking(cookie)) is None


def test_a_former_key_is_believed_while_a_new_one_makes_the_cookies() -> None:
    old, new = b"o" * 32, b"n" * 32
    rotating = sessions(new, old)
    assert rotating.backend_of(asking(pair(sessions(old)))) == ONE
    assert pair(rotating) == pair(sessions(new)) != pair(sessions(old))


@pytest.mark.parametrize("backend_id", [ONE, "s/http://a:1", "s/unix:///run/" + "a" * 200])
def test_not_even_how_long_its_name_is_can_be_seen(backend_id: str) -> None:
    value = pair(sessions(), backend_id).partition(b"=")[2]
    assert len(urlsafe_b64decode(value)) == 18


def test_a_cookie_of_a_backend_that_has_gone_is_none_until_it_is_back() -> None:
    made = sessions()
    cookie = pair(made)
    made.left(ONE)
    assert made.backend_of(asking(cookie)) is None
    made.joined(ONE)
    assert made.backend_of(asking(cookie)) == ONE


def test_it_is_found_among_others() -> None:
    made = sessions()
    assert made.backend_of(asking(b"a=b; c; routes=x;" + pair(made) + b" ; d=e")) == ONE
    assert made.backend_of(asking(NAME + b"=forged; " + pair(made))) == ONE
    assert made.backend_of(asking(pair(made).upper())) is None


@given(st.binary(max_size=60))
def test_whatever_else_a_client_sends_is_no_session(value: bytes) -> None:
    made = sessions()
    assert made.backend_of(asking(value)) is None
    assert made.backend_of(asking(NAME + b"=" + value)) is None


@given(at=st.integers(0, 23), bit=st.integers(0, 6))
def test_a_cookie_with_one_bit_changed_is_none(at: int, bit: int) -> None:
    made = sessions()
    forged = bytearray(pair(made))
    forged[len(NAME) + 1 + at] ^= 1 << bit
    assert made.backend_of(asking(bytes(forged))) is None


def test_browsers_keep_it_to_themselves() -> None:
    assert set_cookie(sessions()).endswith(b"; Path=/; HttpOnly; SameSite=Lax")


def test_one_that_came_by_tls_comes_back_by_tls_only() -> None:
    assert set_cookie(sessions(), secure=True).endswith(b"; SameSite=Lax; Secure")


def test_one_for_other_sites_has_to_be_secure() -> None:
    assert set_cookie(sessions(same_site=b"None")).endswith(b"; SameSite=None; Secure")


def test_it_may_outlive_the_browser() -> None:
    assert b"; Max-Age=3600" in set_cookie(sessions(max_age_s=3600))


def test_shared_caches_are_told_not_to_hand_it_on() -> None:
    assert [(field.name, field.value) for field in sessions().answered(asking(), ONE, secure=False)[1:]] == [
        (b"Cache-Control", b"private")
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"route=x", None),
        (b"a=b; route=x", b"a=b"),
        (b"route=x; a=b", b"a=b"),
        (b"a=b; route=x; c=d", b"a=b; c=d"),
        (b"a=b;route=x;c=d; route=y", b"a=b;c=d"),
        (b"routes=x; a=route", b"routes=x; a=route"),
        (b"route", None),
    ],
)
def test_the_backend_does_not_see_it(before: bytes, after: bytes | None) -> None:
    other = Field(b"Accept", b"route=x")
    left = without_cookie([Field(b"Cookie", before), other], NAME)
    assert [field.value for field in left] == ([other.value] if after is None else [after, other.value])


NAMES_OF_COOKIES = st.sampled_from([b"route", b"routes", b"a", b"Route", b""])


@given(st.lists(st.tuples(NAMES_OF_COOKIES, st.binary(max_size=8).map(lambda raw: raw.hex().encode()))))
def test_all_other_cookies_pass_as_they_are(pairs: list[tuple[bytes, bytes]]) -> None:
    sent = [name + b"=" + value for name, value in pairs]
    left = without_cookie([Field(b"Cookie", b"; ".join(sent))], NAME)
    kept = [pair.strip() for field in left for pair in field.value.split(b";") if pair]
    assert kept == [pair for pair, (name, _) in zip(sent, pairs, strict=True) if name != NAME]


def test_fields_without_it_are_the_very_same() -> None:
    fields = [Field(b"Cookie", b"a=b"), Field(b"Accept", b"*/*")]
    assert without_cookie(fields, NAME) is fields
