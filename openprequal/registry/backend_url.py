"""Which address does a backend's URL mean, written in the one way that two registrations compare by?"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NoReturn
from urllib.parse import urlsplit

from openprequal.errors import RegistrationRefused

MAX_LENGTH: Final = 2048
MAX_SOCKET_PATH: Final = 107
"""sizeof(sun_path) - 1 on Linux."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AUTHORITY: Final = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(?::(?P<port>[0-9]*))?")
# Underscores are no part of a host name (RFC 1123 section 2.1), but of names that container networks give.
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")


def canonical_url(url: str, port: int | None = None) -> str:
    """*url* as :attr:`openprequal.values.Backend.url`: ``scheme://host:port`` in lower case.

    :param port: the port as told beside the URL; decides if the URL has none, and must agree if it has one.
    :raises RegistrationRefused: naming ``url`` or ``port`` and what is wrong with it.
    """
    if len(url) > MAX_LENGTH:
        _refuse(f"has more than {MAX_LENGTH} characters")
    if not url.isascii():
        _refuse("may hold ASCII only: give an international name in its xn-- form", url)
    if not url.isprintable() or " " in url or "\\" in url:
        _refuse("holds a space, a control character or a backslash", url)
    if url.startswith("unix:"):
        return _unix_url(url, port)
    scheme, authority = _split(url)
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        _refuse("has no valid host and port", url)
    host = _canonical_host(match["host"], url)
    own_port = _port(match["port"], url)
    if own_port is not None and port is not None and own_port != port:
        raise RegistrationRefused(f"port: {port} disagrees with port {own_port} of the url", field="port")
    return f"{scheme}://{host}:{own_port or port or _DEFAULT_PORTS[scheme]}"


def _unix_url(url: str, port: int | None) -> str:
    path = url.removeprefix("unix:")
    path = path.removeprefix("//") if path.startswith("///") else path
    if not path.startswith("/") or path.startswith("//") or ".." in path.split("/") or "?" in path or "#" in path:
        _refuse("must be unix:// and the absolute path of a socket", url)
    if port is not None:
        raise RegistrationRefused("port: a Unix socket has none", field="port")
    if len(path) > MAX_SOCKET_PATH:
        _refuse(f"has a socket path of more than {MAX_SOCKET_PATH} bytes", url)
    return f"unix://{path}"


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        _refuse("is no URL", url)
    if parts.scheme not in _DEFAULT_PORTS or not url[len(parts.scheme) :].startswith("://"):
        _refuse("must start with http://, https:// or unix:///", url)
    if "@" in parts.netloc:
        _refuse("may not hold credentials")  # nor are they repeated
    if "?" in url or "#" in url:
        _refuse("may have neither a query nor a fragment", url)
    if parts.path not in ("", "/"):
        _refuse("may have no path", url)
    return parts.scheme, parts.netloc.lower()


def _canonical_host(host: str, url: str) -> str:
    try:
        if host.startswith("["):
            address = IPv6Address(host[1:-1])
            if address.scope_id is not None:
                _refuse("may not name a zone", url)
            return f"[{address}]"
        labels = host.removesuffix(".").split(".")
        if _NUMBER.fullmatch(labels[-1]):
            # Anything that ends in a number is an IPv4 address to somebody; only the dotted form is one to all
            # (WHATWG URL, "ends in a number").
            return str(IPv4Address(host))
    except AddressValueError:
        _refuse("holds no valid IP address", url)
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse("has no valid host", url)
    return host


def _port(digits: str | None, url: str) -> int | None:
    if digits is None:
        return None
    # Of a long run of digits only the length counts: int() would refuse thousands of them with an error of its own.
    port = int(digits) if 0 < len(digits) <= 8 else 0
    if not 1 <= port <= 65535:
        _refuse("has no port from 1 to 65535 after its colon", url)
    return port


def _refuse(problem: str, url: str | None = None) -> NoReturn:
    shown = "" if url is None else f", not {ascii(url)[:80]}"
    raise RegistrationRefused(f"url: {problem}{shown}", field="url")
