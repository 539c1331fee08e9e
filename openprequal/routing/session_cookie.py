"""Sessions by a cookie that the gateway inserts: what is in it, who can make one, who sees it? (RFC 6265)"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from typing import Final

from attrs import frozen

from openprequal.http1.fields import Field
from openprequal.interfaces import IRequest

_REFERENCE_BYTES: Final = 18
"""144 bits: nobody guesses one, and in base64 they need no padding."""
# Shared caches must not hand one client's session to others (RFC 9111 section 5.2.2.7); of directives that contradict
# each other the stricter counts.
_PRIVATE: Final = Field(b"Cache-Control", b"private")


@frozen
class CookieRules:
    """How the cookie looks."""

    name: bytes
    max_age_s: int | None = None
    """How long a browser keeps it; None: as long as it runs."""
    same_site: bytes = b"Lax"
    """Lax, Strict or None."""


class CookieSessions:
    """Sessions that clients keep themselves, so that every gateway with the same keys knows them.

    The cookie holds an HMAC-SHA256 of the backend's id. It says nothing to whoever has no key, not where the backend
    is and not who the client is: it is the same for all sessions of a backend. Whatever is not the reference of a
    backend that is there is no session: forged or garbled, of one that has gone or of a key that is not used any more.
    """

    def __init__(self, keys: Sequence[bytes], rules: CookieRules) -> None:
        """:param keys: the first makes cookies, all of them are believed."""
        self._name = rules.name
        self._rules = rules
        self._keys = keys
        self._owners: dict[bytes, str] = {}
        self._lines: dict[tuple[str, bool], tuple[Field, ...]] = {}

    def joined(self, backend_id: str) -> None:
        for key in self._keys:
            self._owners[reference(key, backend_id)] = backend_id

    def left(self, backend_id: str) -> None:
        for key in self._keys:
            self._owners.pop(reference(key, backend_id), None)
        for secure in (False, True):
            self._lines.pop((backend_id, secure), None)

    def backend_of(self, request: IRequest) -> str | None:
        owners, name = self._owners, self._name
        for field, value in request.fields:
            if len(field) == 6 and field.lower() == b"cookie":
                for pair in value.split(b";"):
                    key, _, text = pair.partition(b"=")
                    if key.strip() == name and (owner := owners.get(text.strip())) is not None:
                        return owner
        return None

    def peek(self, request: IRequest) -> str | None:
        return self.backend_of(request)

    def placed(self, request: IRequest, backend_id: str) -> None:
        """It is the client who remembers, once there is a response."""

    def answered(self, request: IRequest, backend_id: str, *, secure: bool) -> tuple[Field, ...]:
        if self.backend_of(request) == backend_id:
            return ()
        fields = self._lines.get((backend_id, secure))
        if fields is None:
            value = reference(self._keys[0], backend_id)
            fields = self._lines[backend_id, secure] = (self._set_cookie(value, secure=secure), _PRIVATE)
        return fields

    def _set_cookie(self, value: bytes, *, secure: bool) -> Field:
        rules = self._rules
        parts = [rules.name + b"=" + value, b"Path=/", b"HttpOnly", b"SameSite=" + rules.same_site]
        if rules.max_age_s is not None:
            parts.append(b"Max-Age=%d" % rules.max_age_s)
        if secure or rules.same_site == b"None":  # which browsers take from secure cookies only
            parts.append(b"Secure")
        return Field(b"Set-Cookie", b"; ".join(parts))


def reference(key: bytes, backend_id: str) -> bytes:
    """What stands for a backend in a cookie."""
    return urlsafe_b64encode(digest(key, backend_id.encode(), sha256)[:_REFERENCE_BYTES])


def without_cookie(fields: list[Field], name: bytes) -> list[Field]:
    """*fields* without the cookies of that name; the very list if there is none."""
    if not any(field.key == b"cookie" and name in field.value for field in fields):
        return fields
    kept = []
    for field in fields:
        if field.key == b"cookie" and name in field.value:
            pairs = [pair for pair in field.value.split(b";") if pair.partition(b"=")[0].strip() != name]
            rest = b";".join(pairs).strip(b" \t;")
            if rest:
                kept.append(Field(field.name, rest))
        else:
            kept.append(field)
    return kept
