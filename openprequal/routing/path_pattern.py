"""Which paths does a route take, and what of a path do its variables stand for?

A pattern is a row of segments, so that it is matched by walking down a tree, in time linear in the path whatever the
pattern is. Regular expressions are not offered: they cannot be indexed, nor told apart, nor trusted to end.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Final
from urllib.parse import quote

from attrs import frozen

from openprequal.errors import ConfigurationError
from openprequal.routing.normal_path import normal_path, with_single_slashes

REST: Final = "rest"
"""What follows a prefix, to be used in ``rewrite``: nothing, or a slash and more."""
TAKEN: Final = frozenset((REST, "host", "path", "query"))
"""Names with a meaning of their own in ``rewrite`` and ``redirect``."""
_VARIABLE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}")


class End(IntEnum):
    """What may follow the last segment; the lower is the more exact."""

    NOTHING = 1
    TAIL = 2
    """A slash and anything."""
    ANYTHING = 3
    """The same, or nothing."""


@frozen
class PathPattern:
    """Segments, each a text or a variable, and what may follow them."""

    text: str
    segments: tuple[bytes | None, ...]
    """None: a variable, which is any segment but an empty one."""
    end: End
    names: tuple[str, ...] = ()
    """Of its variables in order; the last is what follows, if something may."""

    @property
    def rank(self) -> tuple[int, ...]:
        """The lower goes before. Segment by segment: a text, then a variable, then whatever follows."""
        return (*(int(segment is None) for segment in self.segments), int(self.end))

    def variables(self, path: bytes) -> Mapping[str, bytes]:
        """What the names stand for in *path*, which this pattern takes and which has single slashes."""
        parts = path.split(b"/", len(self.segments) + 1)[1:]
        values = [part for part, segment in zip(parts, self.segments, strict=False) if segment is None]
        rest = parts[len(self.segments)] if len(parts) > len(self.segments) else None
        if self.end is End.ANYTHING:
            values.append(b"" if rest is None else b"/" + rest)
        elif self.end is End.TAIL:
            values.append(rest or b"")
        return dict(zip(self.names, values, strict=True))

    def __str__(self) -> str:
        return self.text


ANY_PATH_RANK: Final = (4,)
"""The rank of a route that names no path."""


def exact_path(text: str, where: str) -> PathPattern:
    """This path alone.

    :param where: names the place in the configuration, for the error.
    :raises ConfigurationError: it is no path, or no request for it can come.
    """
    return PathPattern(text, tuple(_normal(text, where).split(b"/")[1:]), End.NOTHING)


def path_prefix(text: str, where: str) -> PathPattern:
    """This path, with or without a slash at its end, and all below it.

    :raises ConfigurationError: as :func:`exact_path`.
    """
    segments = tuple(segment for segment in _normal(text, where).split(b"/") if segment)
    return PathPattern(f"{text.rstrip('/')}/*", segments, End.ANYTHING, (REST,))


def path_template(text: str, where: str) -> PathPattern:
    """A path in which ``{name}`` is any segment, and ``{name...}`` at the end anything.

    :raises ConfigurationError: as :func:`exact_path`, or the braces are used otherwise.
    """
    _normal(text, where)
    segments: list[bytes | None] = []
    names: list[str] = []
    end = End.NOTHING
    parts = text.split("/")[1:]
    for number, part in enumerate(parts, 1):
        variable = _VARIABLE.fullmatch(part)
        if variable is None:
            if "{" in part or "}" in part:
                raise ConfigurationError(f"{where}: {text!r} cannot be used: {{name}} must be a whole segment")
            segments.append(_normal("/" + part, where)[1:])
            continue
        if variable[1] in TAKEN:
            raise ConfigurationError(f"{where}: {text!r} cannot be used: {{{variable[1]}}} stands for something else")
        if variable[1] in names:
            raise ConfigurationError(f"{where}: {text!r} cannot be used: {{{variable[1]}}} is there twice")
        names.append(variable[1])
        if not variable[2]:
            segments.append(None)
        elif number < len(parts):
            raise ConfigurationError(f"{where}: {text!r} cannot be used: {part} must be the last segment")
        else:
            end = End.TAIL
    return PathPattern(text, tuple(segments), end, tuple(names))


def _normal(text: str, where: str) -> bytes:
    """*text* as paths are compared."""
    if not text.startswith("/") or set(text) & set(" ?#\\") or not text.isprintable():
        raise ConfigurationError(
            f"{where}: {text!r} cannot be used: must be a path that starts with /, without spaces, ?, # and \\"
        )
    path = quote(text, safe="/%{}!$&'()*+,;=:@~|^`\"<>[]").encode("ascii")
    normal = normal_path(path)
    if normal is None or normal.count(b"/") != path.count(b"/"):
        raise ConfigurationError(f"{where}: {text!r} cannot be used: must have no dot segments")
    if with_single_slashes(normal) != normal:
        raise ConfigurationError(f"{where}: {text!r} cannot be used: must have single slashes, which match several too")
    return normal
