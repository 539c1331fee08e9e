"""Which status codes does a list like ``200-299,304`` name?"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator

from openprequal.config.schema import Texts


def statuses_of(ranges: Iterable[str]) -> frozenset[int] | None:
    """The status codes that *ranges* name together; None if there are no ranges.

    :raises ValueError: one of them is no status code from 100 to 599 nor two of them with - between, the lower first.
    """
    statuses: set[int] = set()
    for text in ranges:
        first, dash, last = text.partition("-")
        low, high = _status(first), _status(last if dash else first)
        if low > high:
            raise ValueError(f"{text}: the lower first")
        statuses.update(range(low, high + 1))
    return frozenset(statuses) or None


def _status(text: str) -> int:
    if not (len(text) == 3 and text.isascii() and text.isdigit() and "100" <= text <= "599"):
        raise ValueError("status codes like 200, or ranges like 200-299")
    return int(text)


def _check(ranges: tuple[str, ...]) -> tuple[str, ...]:
    statuses_of(ranges)
    return ranges


def _check_errors(ranges: tuple[str, ...]) -> tuple[str, ...]:
    if min(statuses_of(ranges) or {500}) < 500:
        raise ValueError("status codes like 503, or ranges like 502-504, all from 500")
    return ranges


Statuses = Annotated[Texts, AfterValidator(_check)]
"""Status codes and ranges of them."""
ErrorStatuses = Annotated[Texts, AfterValidator(_check_errors)]
"""The same of failures of the server."""
