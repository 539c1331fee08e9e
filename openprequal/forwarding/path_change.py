"""Which target is a backend asked for, or a client sent to, when a route changes the path?

What a template puts in stands in the request's normal path (``routing/normal_path.py``): encoded where it was, without
a dot segment, without anything in which a line or a path could end.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from openprequal.errors import ConfigurationError
from openprequal.http1.request import RequestHead
from openprequal.routing.host_pattern import host_and_port
from openprequal.routing.normal_path import normal_path, with_single_slashes
from openprequal.routing.path_pattern import REST, PathPattern

Target = Callable[[RequestHead], bytes]
Values = Mapping[str, bytes]

_PLACEHOLDER: Final = re.compile(r"\{(\w*)\}")
_ELSEWHERE: Final = re.compile(
    r"https?://(?:\{host\}|[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?=[/?#]|\{(?:path|rest|query)\}|\Z)"
)
# What a browser would read otherwise than we do (a backslash is a slash to it) or what is no part of a URL.
_UNSAFE: Final = re.compile(rb"[^!#-;=?-\[\]_a-z~]")


def as_it_is(request: RequestHead) -> bytes:
    """The normal path, as the route was found by it."""
    path = normal_path(request.path)
    return request.target if path is None or path == request.path else path + request.target[len(request.path) :]


def without_prefix(pattern: PathPattern) -> Target:
    """What follows the prefix, slashes as they came."""
    count = len(pattern.segments)

    def target(request: RequestHead) -> bytes:
        rest = normal_path(request.path) or request.path
        for _ in range(count):
            rest = rest.lstrip(b"/").partition(b"/")[2]
        return b"/" + rest.lstrip(b"/") + request.target[len(request.path) :]

    return target if count else as_it_is


def rewritten(template: str, pattern: PathPattern | None, where: str) -> Target:
    """The path that *template* makes of the pattern's variables, ``{rest}`` and ``{path}``; the query stays.

    :param where: names the place in the configuration, for the error.
    :raises ConfigurationError: it holds another name, or makes no path.
    """
    printable = template.isascii() and template.isprintable() and not set(template) & set(" ?#\\")
    if not printable or not template.startswith(("/", "{path}")):
        raise ConfigurationError(
            f"{where}: {template!r} cannot be used: must be a path that starts with /, without spaces, ?, # and \\"
        )
    fill = _filled(template, pattern, {"path"}, where)

    def target(request: RequestHead) -> bytes:
        if not request.path.startswith(b"/"):  # the * of OPTIONS
            return request.target
        path = with_single_slashes(fill(_values(request, pattern)))
        return path + request.target[len(request.path) :]

    return target


def location(template: str, pattern: PathPattern | None, where: str) -> Callable[[RequestHead], bytes | None]:
    """The URL that *template* makes of ``{host}``, ``{path}``, ``{query}`` (its ``?`` included) and those of
    :func:`rewritten`; None where it wants the host and the request names none.

    It leads to a host that the template or the request names, never to one that a path or a query makes up.

    :raises ConfigurationError: it is no URL of that kind.
    """
    if not template.isascii() or not template.isprintable() or set(template) & set(' "<>\\^`|'):
        raise ConfigurationError(f"{where}: {template!r} cannot be used: must be a URL")
    here = template.startswith(("/", "{path}")) and not template.startswith("//")
    if not here and not _ELSEWHERE.match(template):
        raise ConfigurationError(
            f"{where}: {template!r} cannot be used: must be a path, or http(s):// and a host or {{host}} and a path"
        )
    fill = _filled(template, pattern, {"host", "path", "query"}, where)

    def url(request: RequestHead) -> bytes | None:
        values = _values(request, pattern)
        if not values["host"] and "{host}" in template:
            return None
        made = _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], fill(values))
        # Two slashes at the start would make a host of what follows (RFC 3986 section 4.2).
        return b"/" + made.lstrip(b"/") if here else made

    return url


def _values(request: RequestHead, pattern: PathPattern | None) -> Values:
    path = with_single_slashes(normal_path(request.path) or request.path)
    values = {
        "host": host_and_port(request.host)[0],
        "path": path if path.startswith(b"/") else b"/",
        "query": request.target[len(request.path) :],
    }
    return values if pattern is None else {**values, **pattern.variables(path)}


def _filled(
    template: str, pattern: PathPattern | None, known: Collection[str], where: str
) -> Callable[[Values], bytes]:
    allowed = [*sorted(known), *(pattern.names if pattern is not None else ())]
    parts = _PLACEHOLDER.split(template)
    for name in parts[1::2]:
        if name not in allowed:
            hint = ", which a path_prefix has" if name == REST else ""
            raise ConfigurationError(
                f"{where}: {{{name}}} stands for nothing here{hint}: must be one of "
                + ", ".join(f"{{{each}}}" for each in allowed)
            )
    texts = [part.encode("ascii") for part in parts[::2]]
    names = parts[1::2]
    return lambda values: b"".join(
        [texts[0], *(values[name] + text for name, text in zip(names, texts[1:], strict=True))]
    )
