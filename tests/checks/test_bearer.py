"""Tokens: which are believed, what the others are told, and what the backend gets to know."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from judged import SECRET, basic, bearer, now_of, request
from tokens import AUDIENCE, EPOCH, ISSUER, ec_key, ed_key, jwk, key_set, rsa_key, token
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from openprequal.checks.bearer import BearerCheck, TokenRules
from openprequal.checks.keys import ASYMMETRIC, SYMMETRIC, KeySet, parse_key_set, secret_key
from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict

KEYS = parse_key_set(key_set(jwk(rsa_key(), kid="k1"), jwk(ec_key(), kid="e1"), jwk(ed_key(), kid="o1")))
HMAC = b"0123456789abcdef0123456789abcdef"


class Source:
    """Keys that come when the test says so."""

    def __init__(self, keys: KeySet | None) -> None:
        self.keys = keys
        self.waiting: Deferred[None] | None = None

    def refresh(self) -> "Deferred[None] | None":
        return self.waiting

    def tick(self) -> None: ...


class Case:
    def __init__(self, keys: KeySet | None = KEYS, **rules: Any) -> None:
        self.clock = Clock()
        self.source = Source(keys)
        settings: dict[str, Any] = {
            "algorithms": frozenset(ASYMMETRIC),
            "issuers": [ISSUER],
            "audiences": [AUDIENCE],
            **rules,
        }
        fields: Mapping[str, bytes] = {"sub": b"X-User", "org.name": b"X-Org"}
        self.check = BearerCheck(
            "api",
            self.source,
            TokenRules(**settings),
            now=self.clock.seconds,
            wall_clock=lambda: EPOCH + self.clock.seconds(),
            secret=SECRET,
            realm="api",
            claim_fields=fields,
            keep_authorization=False,
            timeout_s=5.0,
        )

    def judge(self, given: str | bytes) -> Verdict:
        return now_of(self.check.judge(request(bearer(given))))

    def words(self, given: str | bytes) -> bytes:
        """What is said of a token that is refused as one."""
        verdict = self.judge(given)
        assert isinstance(verdict, Refused)
        assert (verdict.status, verdict.reason) == (401, Reason.WRONG)
        ((name, value),) = verdict.fields
        assert name == b"WWW-Authenticate"
        prefix = b'Bearer realm="api", error="invalid_token", error_description="'
        assert value.startswith(prefix)
        return value[len(prefix) : -1]


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (rsa_key(), "RS256", "k1"),
        (rsa_key(), "PS512", "k1"),
        (ec_key(), "ES256", "e1"),
        (ed_key(), "EdDSA", "o1"),
        (ed_key(), "EdDSA", None),
    ],
)
def test_a_token_signed_with_one_of_the_keys_goes_on(key: Any, algorithm: str, kid: str | None) -> None:
    assert Case().judge(token(key, algorithm, kid)) == Admitted(((b"X-User", b"ann"),))


def test_the_backend_is_told_what_the_token_says() -> None:
    assert Case().judge(token(org={"name": "acme"})) == Admitted(((b"X-User", b"ann"), (b"X-Org", b"acme")))


@pytest.mark.parametrize("line", [b"X-Nothing: here", basic("ann", "secret")])
def test_who_brings_no_token_is_asked_for_one(line: bytes) -> None:
    verdict = now_of(Case().check.judge(request(line)))
    assert verdict == Refused(401, Reason.MISSING, ((b"WWW-Authenticate", b'Bearer realm="api"'),))


def test_what_cannot_be_read_is_a_bad_request_for_one() -> None:
    verdict = now_of(Case().check.judge(request(b"Authorization: Bearer a b")))
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.reason) == (400, Reason.MALFORMED)
    assert b'error="invalid_request"' in verdict.fields[0][1]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"exp": EPOCH - 31}, b"expired"),
        ({"exp": None}, b"does not expire"),
        ({"exp": "never"}, b"exp is no time"),
        ({"nbf": EPOCH + 31}, b"not valid yet"),
        ({"nbf": True}, b"nbf is no time"),
        ({"iss": "https://other.test"}, b"not of this issuer"),
        ({"iss": None}, b"a claim is missing"),
        ({"aud": "other"}, b"not for this audience"),
        ({"aud": []}, b"a claim is missing"),
        ({"aud": None}, b"a claim is missing"),
    ],
)
def test_a_token_that_is_not_for_here_and_now(claims: dict[str, Any], words: bytes) -> None:
    assert Case().words(token(**claims)) == words


@pytest.mark.parametrize("claims", [{"exp": EPOCH - 29}, {"nbf": EPOCH + 29}, {"aud": ["x", AUDIENCE]}])
def test_clocks_may_differ_a_little_and_audiences_be_several(claims: dict[str, Any]) -> None:
    assert isinstance(Case().judge(token(**claims)), Admitted)


def test_what_is_not_asked_for_need_not_be_said() -> None:
    case = Case(issuers=(), audiences=(), must_expire=False)
    assert isinstance(case.judge(token(iss=None, aud="any", exp=None)), Admitted)


def test_a_signature_by_another_key_is_not_believed() -> None:
    assert Case().words(token(rsa_key(2048, 1))) == b"signature wrong"


def test_a_token_that_was_changed_is_not_believed() -> None:
    head, _, signature = token().split(".")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "admin", "exp": EPOCH + 300}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    assert Case().words(f"{head}.{body}.{signature}") == b"signature wrong"


def test_a_token_without_a_signature_is_not_believed() -> None:
    unsigned = jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": EPOCH + 300}, None, "none")
    assert Case().words(unsigned) == b"algorithm not allowed"


def test_a_public_key_is_no_secret() -> None:
    """A token made by HMAC with the public key, which everybody knows (RFC 8725 section 2.1)."""
    pem = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT","kid":"k1"}').rstrip(b"=")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "admin", "exp": EPOCH + 300}
    signed = head + b"." + base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    signature = jwt.get_algorithm_by_name("HS256").sign(signed, pem)
    forged = signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")
    assert Case().words(forged) == b"algorithm not allowed"
    # Even where somebody allows everything.
    assert isinstance(Case(algorithms=frozenset((*ASYMMETRIC, *SYMMETRIC))).judge(forged), Refused)


def test_only_the_algorithms_that_are_allowed() -> None:
    assert Case(algorithms=frozenset(["RS256"])).words(token(algorithm="RS512")) == b"algorithm not allowed"


def test_a_secret_shared_with_the_issuer() -> None:
    case = Case(secret_key(HMAC, ["HS256"]), algorithms=frozenset(["HS256"]))
    assert isinstance(case.judge(token(HMAC, "HS256")), Admitted)
    assert case.words(token(b"another" * 5, "HS256")) == b"signature wrong"


@given(st.from_regex(rb"[A-Za-z0-9._~+/-]{1,60}=?", fullmatch=True))
def test_no_token_raises(given: bytes) -> None:
    assert isinstance(Case().judge(given), Refused)


heads = st.dictionaries(
    st.sampled_from(["alg", "kid", "crit", "b64", "typ", "jku", "jwk"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["RS256", "HS256", "none", "k1"])
    | st.lists(st.sampled_from(["b64", "exp", ""])),
)


@given(heads, st.binary(max_size=20), st.binary(max_size=20))
def test_no_head_of_a_token_raises(head: dict[str, Any], body: bytes, signature: bytes) -> None:
    parts = [json.dumps(head).encode(), body, signature]
    assert isinstance(Case().judge(b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)), Refused)


def test_scopes_that_are_missing_are_named() -> None:
    verdict = Case(scopes=["read", "write"]).judge(token(scope="read"))
    field = b'Bearer realm="api", error="insufficient_scope", scope="read write"'
    assert verdict == Refused(403, Reason.FORBIDDEN, ((b"WWW-Authenticate", field),))
    assert isinstance(Case(scopes=["read", "write"]).judge(token(scope="write x read")), Admitted)


def test_claims_that_are_asked_for() -> None:
    case = Case(claims={"realm_access.roles": ["admin", "ops"], "tenant": ["acme"]})
    assert isinstance(case.judge(token(realm_access={"roles": ["ops"]}, tenant="acme")), Admitted)
    verdict = case.judge(token(realm_access={"roles": ["ops"]}, tenant="other"))
    assert isinstance(verdict, Refused)
    assert (verdict.status, verdict.reason) == (403, Reason.FORBIDDEN)


def test_a_token_is_verified_once(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case()
    given = token()
    first = case.judge(given)
    monkeypatch.setattr(case.check, "_verified", None)
    assert case.judge(given) is first


@pytest.mark.parametrize(("expires", "seconds"), [(60, 90), (10_000, 300)])
def test_a_token_that_was_believed_is_not_for_longer_than_it_is_good(expires: float, seconds: float) -> None:
    case = Case()
    given = token(exp=EPOCH + expires)
    case.judge(given)
    verified = case.check._verified
    count = 0

    def counting(given: bytes) -> Mapping[str, Any]:
        nonlocal count
        count += 1
        return verified(given)

    case.check._verified = counting  # type: ignore[method-assign]
    case.clock.advance(seconds - 0.1)
    case.judge(given)
    assert count == 0
    case.clock.advance(0.2)
    assert isinstance(case.judge(given), Admitted if expires > seconds else Refused)
    assert count == 1


def test_a_token_is_not_believed_any_more_when_its_key_is_gone() -> None:
    case = Case()
    given = token()
    assert isinstance(case.judge(given), Admitted)
    case.source.keys = parse_key_set(key_set(jwk(rsa_key(2048, 1), kid="k2")))
    assert case.words(given) == b"unknown key"


def test_a_key_that_is_missed_is_waited_for() -> None:
    case = Case()
    case.source.waiting = Deferred()
    verdict = case.check.judge(request(bearer(token(rsa_key(2048, 1), kid="k2"))))
    assert isinstance(verdict, Deferred)
    case.source.keys = parse_key_set(key_set(jwk(rsa_key(2048, 1), kid="k2")))
    case.source.waiting.callback(None)
    assert isinstance(now_of(verdict), Admitted)


def test_a_key_that_does_not_come_is_not_asked_for_again() -> None:
    case = Case()
    case.source.waiting = Deferred()
    verdict = case.check.judge(request(bearer(token(kid="k9"))))
    waiting, case.source.waiting = case.source.waiting, None
    waiting.callback(None)
    assert isinstance(now_of(verdict), Refused)


def test_without_any_keys_nobody_can_tell() -> None:
    assert Case(None).judge(token()) == Refused(503, Reason.UNAVAILABLE, ((b"Retry-After", b"1"),))


def test_who_waits_no_more_cancels() -> None:
    case = Case()
    case.source.waiting = Deferred()
    verdict = case.check.judge(request(bearer(token(kid="k9"))))
    assert isinstance(verdict, Deferred)
    failures: list[object] = []
    verdict.addErrback(failures.append)
    verdict.cancel()
    assert len(failures) == 1


def test_the_fields_that_clients_may_not_bring() -> None:
    assert Case().check.sets == {b"x-user", b"x-org", b"authorization"}
