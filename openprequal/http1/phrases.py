"""Reason phrases, for status lines that we make ourselves (RFC 9112 section 4)."""

from http import HTTPStatus
from typing import Final

PHRASES: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
