"""Why does a request take this route and none of the others? Asked of the very table that decides."""

from typing import Generic, TypeVar

from attrs import frozen

from openprequal.http1.request import RequestHead
from openprequal.routing.table import PRECEDENCE, Entry, RouteTable

T = TypeVar("T")


@frozen
class Explanation(Generic[T]):
    """What was found, and what else had the request's host and path."""

    taken: Entry[T] | None
    """None: no route takes it."""
    others: list[tuple[Entry[T], str]]
    """Each with the reason why it was not taken, in the order of precedence."""


def explain(table: RouteTable[T], request: RequestHead, path: bytes) -> Explanation[T]:
    """What *table* finds for *request*.

    :param path: its normal path.
    """
    taken = table.find(request, path)
    others = [
        (entry, _reason(taken, entry, request))
        for entry in table.candidates(request, path)
        if taken is None or entry.name != taken.name
    ]
    return Explanation(taken, others)


def _reason(taken: Entry[T] | None, other: Entry[T], request: RequestHead) -> str:
    unmet = other.unmet(request)
    if unmet:
        return f"asks for {' and '.join(str(each) for each in unmet)}"
    assert taken is not None
    first = next(number for number, parts in enumerate(zip(taken.order, other.order, strict=True)) if len({*parts}) > 1)
    return f"{taken.name} goes before it: {PRECEDENCE[first]}"
