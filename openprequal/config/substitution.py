"""What do ``${NAME}`` and ``${file:PATH}`` in a file's values stand for, and what must not be shown of it?

Values are replaced after the file was read as TOML, so that what stands in a variable can never be more than a text.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from openprequal.errors import ConfigurationError, KeyPath

ALLOWED = "${NAME}, ${NAME:-default}, ${file:PATH}, or $$ for a dollar sign"
_REFERENCE = re.compile(r"\$\$|\$\{([^}]*)\}?")
_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(:-.*)?", re.DOTALL)
_SHORT = 4
"""Shorter texts are taken out of messages between quotes only: alone they stand for anything."""


class Substitution:
    """Replaces references in texts, and remembers by what.

    :ivar mistakes: of the references that stand for nothing.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.mistakes: list[ConfigurationError] = []
        self._environ = environ
        self._secrets: dict[str, str] = {}

    def replaced(self, value: object, at: KeyPath) -> object:
        """*value* with the references in all its texts replaced; those that stand for nothing stay, and are noted."""
        if isinstance(value, dict):
            return {key: self.replaced(each, (*at, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [self.replaced(each, (*at, index)) for index, each in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        try:
            text = _REFERENCE.sub(self._meaning, value)
        except ConfigurationError as error:
            self.mistakes.append(ConfigurationError(error.reason, about=at))
            return value
        if text != value.replace("$$", "$"):
            self._secrets[text] = value
        return text

    def masked(self, text: str) -> str:
        """*text*, a message, with what was put in the place of references taken out again."""
        for secret, reference in sorted(self._secrets.items(), key=lambda item: -len(item[0])):
            for shown in (secret, repr(secret)[1:-1]):
                if len(shown) >= _SHORT:
                    text = text.replace(shown, reference)
                elif shown:
                    text = text.replace(f"'{shown}'", f"'{reference}'")
        return text

    def _meaning(self, found: re.Match[str]) -> str:
        reference, inside = found[0], found[1]
        if reference == "$$":
            return "$"
        if reference.endswith("}") and inside.startswith("file:"):
            return self._remembered(reference, _content(inside.removeprefix("file:")))
        named = _NAME.fullmatch(inside)
        if named is None or not reference.endswith("}"):
            raise ConfigurationError(f"{reference!r} cannot be used: must be {ALLOWED}")
        # As everywhere, an empty variable is not set.
        meaning = self._environ.get(named[1]) or (named[2] or "").removeprefix(":-")
        if not meaning and named[2] is None:
            raise ConfigurationError(f"{reference}: the environment variable {named[1]} is not set")
        return self._remembered(reference, meaning)

    def _remembered(self, reference: str, meaning: str) -> str:
        self._secrets[meaning] = reference
        return meaning


def _content(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"${{file:{file}}}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"${{file:{file}}}: is no text") from None


def refers(value: object) -> bool:
    """Does *value* take something from elsewhere?"""
    return isinstance(value, str) and any(found[0] != "$$" for found in _REFERENCE.finditer(value))
