"""Which pages of other origins may use these responses? (Fetch standard, "CORS protocol")"""

import re
from typing import Final

from attrs import field, frozen

from openprequal.filters.vary import varying
from openprequal.http1.fields import TOKEN, Field, FieldSection
from openprequal.http1.request import RequestHead

ANY: Final = "*"
_TOKENS: Final = re.compile(TOKEN + rb"(?:[ \t]*,[ \t]*" + TOKEN + rb")*")
_METHOD: Final = re.compile(TOKEN)
_MAX_ECHO: Final = 4096
_PREFLIGHT_VARY: Final = (b"Origin", b"Access-Control-Request-Method", b"Access-Control-Request-Headers")
_CREDENTIALS: Final = Field(b"Access-Control-Allow-Credentials", b"true")
_EVERYBODY: Final = Field(b"Access-Control-Allow-Origin", b"*")


@frozen
class CorsRules:
    """Who may ask what of these resources; the browser enforces it."""

    origins: frozenset[bytes] = frozenset()
    """``scheme://host[:port]`` as browsers send it."""
    suffixes: tuple[tuple[bytes, bytes], ...] = ()
    """Scheme with ``://``, and what the host ends with, its dot before: any one below it, however deep."""
    everybody: bool = False
    """Any origin, that of ``null`` included; never together with credentials."""
    methods: tuple[str, ...] = ("GET", "HEAD", "POST")
    """``*``: any."""
    headers: tuple[str, ...] = ()
    """Request fields beyond those that need no permission; ``*``: any."""
    expose: tuple[str, ...] = ()
    """Response fields that scripts may read beyond those that all may."""
    credentials: bool = False
    """Requests may carry cookies and the like."""
    max_age_s: int | None = None
    """How long browsers remember the answer to a preflight; None: as long as they like (5 s)."""
    keep_backends: bool = False
    """A response in which the backend has answered the question itself stays as it is."""
    _exposed: tuple[Field, ...] = field(init=False, eq=False, repr=False)

    @_exposed.default
    def _make_exposed(self) -> tuple[Field, ...]:
        names = ", ".join(self.expose).encode("ascii")
        return (Field(b"Access-Control-Expose-Headers", names),) if names else ()

    def allows(self, origin: bytes | None) -> bool:
        """May pages of *origin* use these resources? A list never lets ``null`` in: anybody can make a page of it."""
        if origin is None:
            return False
        if self.everybody or origin in self.origins:
            return True
        return any(_is_below(origin, scheme, suffix) for scheme, suffix in self.suffixes)

    def is_preflight(self, request: RequestHead) -> bool:
        """Does the browser ask with *request* whether it may send another?"""
        return (
            request.method == b"OPTIONS"
            and request.header(b"origin") is not None
            and request.header(b"access-control-request-method") is not None
        )

    def preflight_fields(self, request: RequestHead) -> list[Field]:
        """What a preflight is answered with, status 204; an origin that may not is told nothing."""
        vary = Field(b"Vary", b", ".join(_PREFLIGHT_VARY))
        origin = request.header(b"origin")
        if not self.allows(origin):
            return [vary]
        fields = [*self._allowance(origin), vary]
        methods = _listed(self.methods, request.header(b"access-control-request-method"), _METHOD)
        if methods:
            fields.append(Field(b"Access-Control-Allow-Methods", methods))
        headers = _listed(self.headers, request.header(b"access-control-request-headers"), _TOKENS)
        if headers:
            fields.append(Field(b"Access-Control-Allow-Headers", headers))
        if self.max_age_s is not None:
            fields.append(Field(b"Access-Control-Max-Age", b"%d" % self.max_age_s))
        return fields

    def head(self, request: RequestHead, section: FieldSection) -> FieldSection:
        """The fields of the response to *request*, an actual one."""
        if any(each.key.startswith(b"access-control-") for each in section.fields):
            if self.keep_backends:
                return section
            section = FieldSection([each for each in section.fields if not each.key.startswith(b"access-control-")])
        origin = request.header(b"origin")
        if self.everybody or self.allows(origin):
            section = section.plus(*self._allowance(origin), *self._exposed)
        # Without an origin too: a cache must not hand what is stored now to a page of one.
        return section if self.everybody else varying(section, b"Origin")

    def _allowance(self, origin: bytes | None) -> list[Field]:
        if self.everybody:
            return [_EVERYBODY]
        fields = [Field(b"Access-Control-Allow-Origin", origin or b"")]
        return [*fields, _CREDENTIALS] if self.credentials else fields


def _is_below(origin: bytes, scheme: bytes, suffix: bytes) -> bool:
    return (
        origin.startswith(scheme)
        and origin.endswith(suffix)
        and _LABELS.fullmatch(origin, len(scheme), len(origin) - len(suffix)) is not None
    )


_LABELS: Final = re.compile(rb"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def _listed(allowed: tuple[str, ...], asked: bytes | None, form: re.Pattern[bytes]) -> bytes:
    """What is allowed, as a list; where anything is, what was asked for, because ``*`` means less with credentials."""
    if ANY not in allowed:
        return ", ".join(allowed).encode("ascii")
    if asked is None or len(asked) > _MAX_ECHO or form.fullmatch(asked) is None:
        return b""
    return asked
