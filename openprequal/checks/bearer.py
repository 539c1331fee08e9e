"""Does the client bring a token that we believe? (JSON Web Tokens by RFC 7519 and RFC 8725, as RFC 6750 brings them)"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from attrs import field, frozen
from twisted.internet.defer import Deferred

from openprequal.checks.authorization import AUTHORIZATION, authorization_of, quoted
from openprequal.checks.claims import Claims, Scalar, fields_of, has_one_of, scopes_of, time_of
from openprequal.checks.extra import library
from openprequal.checks.key_sources import KeySource
from openprequal.checks.remembered import Remembered
from openprequal.checks.verdict import Admitted, Reason, Refused, Verdict, unavailable
from openprequal.http1.request import RequestHead

MOST_REMEMBERED_S: Final = 300.0


@frozen
class TokenRules:
    """What a token must be like."""

    algorithms: frozenset[str]
    """It may be signed by; the keys allow fewer still."""
    issuers: Sequence[str] = ()
    """Who may have made it; empty: whoever has the key."""
    audiences: Sequence[str] = ()
    """Whom it must be for, one of these; empty: whomever."""
    leeway_s: float = 30.0
    """By which clocks may differ."""
    must_expire: bool = True
    scopes: Sequence[str] = ()
    """It must have all of these."""
    claims: Mapping[str, Sequence[Scalar]] = field(factory=dict)
    """Of each of these claims it must have one of the values."""


class NotBelieved(Exception):
    """Why a token is not taken, in words that the client may be told."""


class _UnknownKey(Exception):
    """It is signed by a key that we do not have."""


class BearerCheck:
    """Takes JSON Web Tokens that are signed with one of our keys."""

    def __init__(
        self,
        name: str,
        source: KeySource,
        rules: TokenRules,
        *,
        now: Callable[[], float],
        wall_clock: Callable[[], float],
        secret: bytes,
        realm: str,
        claim_fields: Mapping[str, bytes],
        keep_authorization: bool,
        timeout_s: float,
    ) -> None:
        """
        :param now: monotonic seconds.
        :param wall_clock: seconds since 1970, which tokens expire by.
        :param secret: see :class:`~openprequal.checks.remembered.Remembered`.
        :param claim_fields: fields that tell the backend what the token says, by claim.
        :param keep_authorization: the backend gets the token too.
        :raises ConfigurationError: the library is not installed.
        """
        self.name = name
        self.timeout_s = timeout_s
        self.sets = frozenset(
            [each.lower() for each in claim_fields.values()] + ([] if keep_authorization else [AUTHORIZATION])
        )
        self._source = source
        self._rules = rules
        self._wall_clock = wall_clock
        self._realm = b"Bearer realm=" + quoted(realm)
        self._claim_fields = claim_fields
        self._jwt = library("jwt", f"checks.{name}")
        library("cryptography", f"checks.{name}")
        self._believed: Remembered[Verdict] = Remembered(now, secret)
        self._believed_by = source.keys

    def judge(self, request: RequestHead) -> "Verdict | Deferred[Verdict]":
        given = authorization_of(request)
        if given is None or given.scheme not in (b"bearer", b""):
            return self._refuse(401, Reason.MISSING)
        if not given.credentials:
            return self._refuse(400, Reason.MALFORMED, "invalid_request", "Authorization cannot be read")
        if self._believed_by is not self._source.keys:
            self._believed.clear()
            self._believed_by = self._source.keys
        token = given.credentials
        key = self._believed.key(token)
        remembered = self._believed.get(key)
        if remembered is not None:
            return remembered
        try:
            return self._verdict(token, key)
        except _UnknownKey:
            waiting = self._source.refresh()
            if waiting is None:
                return self._last_verdict(None, token, key)
            return waiting.addCallback(partial(self._last_verdict, token=token, key=key))

    def tick(self) -> None:
        self._source.tick()

    def _last_verdict(self, _: object, token: bytes, key: bytes) -> Verdict:
        """The verdict with the keys that there are."""
        try:
            return self._verdict(token, key)
        except _UnknownKey:
            if self._source.keys is None:
                return unavailable(Reason.UNAVAILABLE)
            return self._refuse(401, Reason.WRONG, "invalid_token", "unknown key")

    def _verdict(self, token: bytes, key: bytes) -> Verdict:
        """:raises _UnknownKey: as it says."""
        wall_time = self._wall_clock()
        try:
            claims = self._verified(token)
            until = _believed_until(claims, self._rules, wall_time)
        except NotBelieved as reason:
            return self._refuse(401, Reason.WRONG, "invalid_token", str(reason))
        verdict = self._allowed(claims)
        self._believed.put(key, verdict, min(until - wall_time, MOST_REMEMBERED_S))
        return verdict

    def _verified(self, token: bytes) -> Claims:
        """What the token says, if its signature, issuer and audience are right; its times have not been looked at.

        :raises NotBelieved: they are not.
        :raises _UnknownKey: as it says.
        """
        rules, jwt = self._rules, self._jwt
        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if not isinstance(algorithm, str) or algorithm not in rules.algorithms:
                raise NotBelieved("algorithm not allowed")
            keys = self._source.keys
            key = keys.find(header.get("kid"), algorithm) if keys is not None else None
            if key is None:
                raise _UnknownKey
            claims: Claims = jwt.decode(
                token,
                key.material,
                algorithms=[algorithm],
                issuer=list(rules.issuers) or None,
                audience=list(rules.audiences) or None,
                # The library has no clock to be handed; _believed_until looks at the times.
                options={
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "verify_aud": bool(rules.audiences),
                    "verify_iss": bool(rules.issuers),
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as error:
            raise NotBelieved(_words(jwt, error)) from None
        return claims

    def _allowed(self, claims: Claims) -> Verdict:
        rules = self._rules
        if not set(rules.scopes) <= set(scopes_of(claims)):
            return self._refuse(403, Reason.FORBIDDEN, "insufficient_scope", scope=" ".join(rules.scopes))
        if not all(has_one_of(claims, name, allowed) for name, allowed in rules.claims.items()):
            return self._refuse(403, Reason.FORBIDDEN, "insufficient_scope")
        return Admitted(fields_of(claims, self._claim_fields))

    def _refuse(self, status: int, reason: Reason, error: str = "", description: str = "", scope: str = "") -> Refused:
        """RFC 6750 section 3."""
        words = {"error": error, "error_description": description, "scope": scope}
        parts = [self._realm, *(name.encode() + b"=" + quoted(text) for name, text in words.items() if text)]
        return Refused(status, reason, ((b"WWW-Authenticate", b", ".join(parts)),))


def _believed_until(claims: Claims, rules: TokenRules, wall_time: float) -> float:
    """Seconds since 1970 until which the token is good (RFC 7519 sections 4.1.4 and 4.1.5).

    :raises NotBelieved: it is not now.
    """
    try:
        expires, begins = time_of(claims, "exp"), time_of(claims, "nbf")
    except ValueError as error:
        raise NotBelieved(str(error)) from None
    if expires is None and rules.must_expire:
        raise NotBelieved("does not expire")
    if begins is not None and begins > wall_time + rules.leeway_s:
        raise NotBelieved("not valid yet")
    until = float("inf") if expires is None else expires + rules.leeway_s
    if until <= wall_time:
        raise NotBelieved("expired")
    return until


def _words(jwt: Any, error: Exception) -> str:
    """Nothing of what the token says, which anybody may have made up."""
    if isinstance(error, jwt.InvalidAudienceError):
        return "not for this audience"
    if isinstance(error, jwt.InvalidIssuerError):
        return "not of this issuer"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return "a claim is missing"
    return "signature wrong" if isinstance(error, jwt.InvalidSignatureError) else "cannot be read"
