"""Which path does a request name, however it is spelled (RFC 3986 section 6.2.2)?

A route must not be dodged by another spelling of the path, and the backend must not see another path than the one that
was decided about. So dot segments are removed and what need not be encoded is decoded, once, and what comes out is both
matched and sent. Encoded slashes stay what they are: data inside a segment.
"""

import re
from typing import Final

_SIMPLE: Final = re.compile(rb"(?:/(?!\.)[^/%\\;\x80-\xff]*)+")
"""By far most paths: nothing encoded or to be encoded, no segment that begins with a dot, no parameters."""
_ENCODED: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_NOT_ASCII: Final = re.compile(rb"[\x80-\xff]")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Servers there are that take "\" or an encoded slash or backslash for a slash, or that cut ";x" off a segment. Where
# one of them would see a dot segment that we do not, nobody knows which path is meant.
_HIDDEN_DOTS: Final = re.compile(rb"(?:\A|/|\\|%2[fF]|%5[cC])\.\.?(?:/|\\|%2[fF]|%5[cC]|;|\Z)")


def normal_path(path: bytes) -> bytes | None:
    """*path* without dot segments (section 5.2.4), unreserved characters decoded, all beyond ASCII encoded, and
    ``%XX`` in upper case.

    Empty segments and a slash at the end stay. What is normal is returned as it is.

    :return: None: it is ambiguous, because it hides a dot segment.
    """
    if _SIMPLE.fullmatch(path) is not None:
        return path
    if b"%" in path:
        path = _ENCODED.sub(_decoded, path)
    path = _NOT_ASCII.sub(lambda match: b"%%%02X" % match[0][0], path)
    if b"/." in path:
        path = _without_dot_segments(path)
    return None if _HIDDEN_DOTS.search(path) is not None else path


def _decoded(match: re.Match[bytes]) -> bytes:
    octet = int(match[1], 16)
    return bytes((octet,)) if octet in _UNRESERVED else match[0].upper()


def _without_dot_segments(path: bytes) -> bytes:
    segments = path.split(b"/")[1:]
    kept: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


_SLASHES: Final = re.compile(rb"/{2,}")


def with_single_slashes(path: bytes) -> bytes:
    """*path* with runs of slashes as one: so many servers take them so that routes do too."""
    return _SLASHES.sub(b"/", path) if b"//" in path else path
