"""Where is the Redis that a URL means, and who are we there?"""

from urllib.parse import unquote, urlsplit

from attrs import field, frozen

DEFAULT_PORT = 6379


@frozen
class RedisAddress:
    """``redis://[user:password@]host[:port][/db]``, ``rediss://`` with TLS, or ``unix://[user:password@]/path[?db=n]``."""

    host: str
    """Empty for a Unix socket."""
    port: int
    path: str
    """Of the Unix socket; empty for TCP."""
    secure: bool
    database: int
    user: str
    """Empty: the default user."""
    password: str = field(repr=False)
    """Empty: none is wanted."""

    def __str__(self) -> str:
        """Without what is secret."""
        if self.path:
            return f"unix://{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.secure else 'redis'}://{host}:{self.port}/{self.database}"


def read_address(url: str) -> RedisAddress:
    """The address that *url* means.

    :raises ValueError: it means none; the message holds nothing of the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    local = parts.scheme == "unix"
    if local and not parts.path.strip("/"):
        raise ValueError("names no socket: must be unix:///path")
    if not local and not parts.hostname:
        raise ValueError("names no host")
    database = parts.query.removeprefix("db=") if local else parts.path.strip("/")
    if (parts.query and not local) or parts.fragment:
        raise ValueError("must end with the number of the database")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError("must name the database by its number")
    return RedisAddress(
        host="" if local else parts.hostname or "",
        port=port or DEFAULT_PORT,
        path=parts.path if local else "",
        secure=parts.scheme == "rediss",
        database=int(database or 0),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
