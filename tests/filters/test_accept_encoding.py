"""Accept-Encoding is read as RFC 9110 sections 12.4.2 and 12.5.3 say, and garbage asks for nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openprequal.filters.accept_encoding import qualities, wanted_coding

OFFERED = (b"zstd", b"br", b"gzip")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"gzip", b"gzip"),
        (b"GZIP", b"gzip"),
        (b"x-gzip", b"gzip"),
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip, br", b"br"),
        (b"gzip;q=1.0, br;q=0.9", b"gzip"),
        (b"gzip ; q=0.5 , br\t;\tq=0.25", b"gzip"),
        (b"gzip;Q=0.5", b"gzip"),
        (b"*", b"zstd"),
        (b"*;q=0.1", b"zstd"),
        (b"zstd;q=0, *", b"br"),
        (b"br;q=0, zstd;q=0.0, gzip;q=0.000", None),
        (b"gzip;q=0.001", b"gzip"),
        (b"*;q=0", None),
        (b"identity", None),
        (b"deflate", None),
        (b"gzip;q=0.5, identity", None),
        (b"gzip, identity;q=0.5", b"gzip"),
        (b"identity;q=0, gzip;q=0.1", b"gzip"),
        (b"identity;q=0", None),
        (b"gzip;q=0, gzip", None),
        (b"", None),
        (None, None),
    ],
)
def test_the_coding_the_client_likes_best_is_taken(value: bytes | None, wanted: bytes | None) -> None:
    assert wanted_coding(value, OFFERED) == wanted


@pytest.mark.parametrize(
    "value",
    [
        b"gzip;q=2",
        b"gzip;q=0.1234",
        b"gzip;q=",
        b"gzip;q=-1",
        b"gzip;level=9",
        b"gz ip",
        b";q=1",
        b"gzip;q=1;q=1",
        b"\xff",
    ],
)
def test_a_member_that_is_none_asks_for_nothing(value: bytes) -> None:
    assert qualities(value) == {}
    assert wanted_coding(value + b", br;q=0.1", OFFERED) == b"br"


@given(st.dictionaries(st.sampled_from([*OFFERED, b"identity", b"deflate"]), st.integers(0, 1000), min_size=1))
def test_what_is_taken_is_allowed_and_nothing_offered_is_liked_better(asked: dict[bytes, int]) -> None:
    value = b", ".join(b"%b;q=%d.%03d" % (name, *divmod(weight, 1000)) for name, weight in asked.items())
    wanted = wanted_coding(value, OFFERED)
    weights = [asked.get(name, 0) for name in OFFERED]
    if wanted is None:
        assert max(weights) == 0 or max(weights) < asked.get(b"identity", 0)
    else:
        assert asked[wanted] == max(weights) > 0


@given(st.binary(max_size=60))
def test_whatever_a_client_sends_is_read(value: bytes) -> None:
    assert all(0 <= weight <= 1 for weight in qualities(value).values())
