"""Key sets: which keys are taken, and for which algorithms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokens import ec_key, ed_key, jwk, key_set, rsa_key

from openprequal.checks.keys import ASYMMETRIC, parse_key_set, secret_key

RSA = jwk(rsa_key(), kid="k1")


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
        (jwk(rsa_key(), alg="PS256"), {"PS256"}),
        (jwk(ec_key()), {"ES256"}),
        (jwk(ed_key()), {"EdDSA"}),
        (jwk(rsa_key(), use="sig", key_ops=["verify"]), {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ],
)
def test_a_key_is_for_the_algorithms_of_its_kind(key: dict[str, object], algorithms: set[str]) -> None:
    keys = parse_key_set(key_set(key))
    kid = key.get("kid")
    assert {name for name in (*ASYMMETRIC, "HS256", "none") if keys.find(kid, name)} == algorithms


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "alg": "HS256"},
        jwk(rsa_key(), use="enc"),
        jwk(rsa_key(), key_ops=["encrypt"]),
        jwk(rsa_key(), alg="HS256"),
        jwk(rsa_key(), alg="none"),
        jwk(rsa_key(), alg=["RS256"]),
        jwk(rsa_key(1024)),
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "RSA", "n": 1, "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
        {"kty": "new"},
        {"kty": ["RSA"]},
        {},
    ],
)
def test_keys_for_something_else_are_left_out(key: dict[str, object]) -> None:
    assert len(parse_key_set(key_set(key, RSA))) == 1
    with pytest.raises(ValueError, match="no public key that can be used"):
        parse_key_set(key_set(key))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": []}', b'{"keys": [1]}', b"\xff"])
def test_what_is_no_key_set(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(is|holds) no|^is not JSON"):
        parse_key_set(content)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["RSA", "EC", "OKP", "P-256"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list("nexy")), inner, max_size=4),
    max_leaves=8,
)
entries = st.dictionaries(
    st.sampled_from(["kty", "crv", "n", "e", "x", "y", "alg", "use", "kid", "key_ops"]), json_values
)


@given(st.lists(entries, max_size=3))
def test_no_key_set_raises_anything_else(keys: list[dict[str, object]]) -> None:
    assert len(parse_key_set(key_set(*keys, RSA))) >= 1


def test_a_private_key_that_was_published_serves_as_a_public_one() -> None:
    numbers = rsa_key().private_numbers()
    keys = parse_key_set(key_set({**RSA, "d": hex(numbers.d)}))
    found = keys.find("k1", "RS256")
    assert found is not None
    assert not hasattr(found.material, "private_numbers")


def test_a_token_names_its_key() -> None:
    keys = parse_key_set(key_set(RSA, jwk(rsa_key(2048, 1), kid="k2")))
    assert keys.find("k1", "RS256") is not keys.find("k2", "RS256")
    assert keys.find("k3", "RS256") is None
    assert keys.find(["k1"], "RS256") is None


def test_a_token_that_names_none_means_the_only_one_of_its_kind() -> None:
    keys = parse_key_set(key_set(RSA, jwk(ec_key(), kid="k2")))
    assert keys.find(None, "ES256") is keys.find("k2", "ES256")
    assert parse_key_set(key_set(RSA, jwk(rsa_key(2048, 1), kid="k2"))).find(None, "RS256") is None


def test_a_key_without_a_name_is_meant_by_any_if_it_is_the_only_one() -> None:
    assert parse_key_set(key_set(jwk(rsa_key()))).find("k9", "RS256") is not None


def test_a_secret_is_for_the_symmetric_algorithms_alone() -> None:
    keys = secret_key(b"x" * 64, ["HS256", "HS512"])
    assert keys.find("any", "HS256") is keys.find(None, "HS512") is not None
    assert keys.find(None, "RS256") is None


def test_a_short_secret_is_refused_and_not_shown() -> None:
    for algorithms, least in ((["HS256"], 32), (["HS256", "HS384"], 48), (["HS512"], 64)):
        with pytest.raises(ValueError, match=f"needs {least} bytes") as error:
            secret_key(b"7" * (least - 1), algorithms)
        assert "777" not in str(error.value)


def test_keys_are_not_shown() -> None:
    assert "xxxx" not in repr(secret_key(b"x" * 32, ["HS256"]).find(None, "HS256"))
