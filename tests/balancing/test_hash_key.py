"""What stands for a request."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.balancing.hash_key import cookie_value, hash64, rendezvous, request_key
from openprequal.balancing.in_flight_counts import Counted
from openprequal.testing.balancer_contract import AnyRequest, some_backends


def request(client: str = "192.0.2.1", **fields: str) -> AnyRequest:
    pairs = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in fields.items())
    return AnyRequest(client=client, fields=pairs)


def test_by_client_only_the_client_counts() -> None:
    key = request_key("client")
    assert key(request("a", X="1")) == key(request("a", X="2"))
    assert key(request("a")) != key(request("b"))


def test_by_header_only_its_value_counts_whatever_the_case_of_its_name() -> None:
    key = request_key("header:X-User")
    assert key(request("a", x_user="1")) == key(request("b", X_USER="1"))
    assert key(request("a", x_user="1")) != key(request("a", x_user="2"))


def test_by_cookie_only_its_value_counts() -> None:
    key = request_key("cookie:sid")
    assert key(request("a", Cookie="x=1; sid=7")) == key(request("b", cookie="sid=7; y=2"))
    assert key(request("a", Cookie="sid=7")) != key(request("a", Cookie="sid=8"))


@pytest.mark.parametrize("hash_on", ["header:X-User", "cookie:sid"])
@pytest.mark.parametrize("fields", [{}, {"X_User": "", "Cookie": "sid="}, {"Cookie": "Sid=3; xsid=4"}])
def test_what_lacks_it_is_known_by_its_client(hash_on: str, fields: dict[str, str]) -> None:
    assert request_key(hash_on)(request("a", **fields)) == request_key("client")(request("a"))


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        (["sid=1"], b"1"),
        (["a=b", "c=d; sid=1 ; e"], b"1"),
        (["sid=1; sid=2"], b"1"),
        (["sid=a=b"], b"a=b"),
        (["sid"], None),
        (["SID=1"], None),
        ([], None),
    ],
)
def test_cookies_are_found(lines: list[str], value: bytes | None) -> None:
    fields = [(b"Accept", b"sid=9"), *((b"Cookie", line.encode()) for line in lines)]
    assert cookie_value(fields, b"sid") == value


@given(line=st.binary(max_size=60))
def test_no_cookie_line_raises(line: bytes) -> None:
    assert isinstance(request_key("cookie:a")(AnyRequest(fields=[(b"cookie", line)])), int)


class _Seeded(Counted):
    __slots__ = ("seed",)


def test_by_rendezvous_only_what_belonged_to_the_one_that_left_moves() -> None:
    members = [_Seeded(backend) for backend in some_backends(8)]
    for member in members:
        member.seed = hash64(member.id.encode())
    keys = [hash64(b"%d" % number) for number in range(4000)]
    before = [rendezvous(members, key) for key in keys]
    after = [rendezvous(members[1:], key) for key in keys]
    assert all(old is new for old, new in zip(before, after, strict=True) if old is not members[0])
    assert all(350 < count < 650 for count in Counter(member.id for member in before).values())
