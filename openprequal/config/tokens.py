"""Which tokens are valid now? Those that were set, or those in a file, as it is at the moment somebody asks."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import SecretStr

TOKEN_ALLOWED: Final = "one or more of letters, digits and ._~+/=- (RFC 6750 section 2.1), and not none"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")


def is_token(text: str) -> bool:
    """Whether *text* can be a bearer token; ``none``, which elsewhere unsets a setting, is too likely a mistake."""
    return _TOKEN.fullmatch(text) is not None and text.lower() != "none"


def lines_of(text: str) -> list[str]:
    """The tokens in a file: one a line; empty lines and those that begin with ``#`` are none."""
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


class Tokens:
    """Any of them opens; the first is the one to send. More than one, so that they can be changed one after the other.

    The file is read each time, because that is seldom, and nothing has to be told when it changes. While it holds
    nothing that can be used, the tokens it held last stay valid: half of it may be written.
    """

    def __init__(self, tokens: Sequence[SecretStr], file: str | None, complain: Callable[[str], object]) -> None:
        """
        :param tokens: those that were set, or were in the file.
        :param complain: told why the file cannot be used; once, until it can.
        """
        self._tokens = tuple(token.get_secret_value() for token in tokens)
        self._file = None if file is None else Path(os.path.abspath(file))
        self._complain = complain
        self._complaint = ""

    def now(self) -> tuple[str, ...]:
        """All that are valid; empty: none was ever set."""
        if self._file is not None:
            self._read(self._file)
        return self._tokens

    def first(self) -> str | None:
        """The one to send; None: none was ever set."""
        return next(iter(self.now()), None)

    def _read(self, file: Path) -> None:
        try:
            lines = lines_of(file.read_text("utf-8"))
            complaint = "" if lines and all(map(is_token, lines)) else f"must be {TOKEN_ALLOWED}, a line each"
        except OSError as error:
            complaint = f"cannot be read: {error.strerror}"
        except UnicodeDecodeError:
            complaint = "is not UTF-8"
        if not complaint:
            self._tokens = tuple(lines)
        elif complaint != self._complaint:
            self._complain(f"{file}: {complaint}; the tokens it held before stay valid")
        self._complaint = complaint
