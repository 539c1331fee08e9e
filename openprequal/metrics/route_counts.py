"""How many requests took each route, to which service, and how did they end?"""

from collections.abc import Callable, Mapping


class RouteCounts:
    """Counts by route, service and status; those of a route go on when the settings are read again."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], dict[int, int]] = {}

    def counter(self, route: str, service: str) -> Callable[[int], None]:
        """What counts the status of one request.

        :param service: that the route leads to; ``-`` where the gateway answers by itself.
        """
        counts = self._counts.setdefault((route, service), {})

        def count(status: int) -> None:
            counts[status] = counts.get(status, 0) + 1

        return count

    def counts(self) -> Mapping[tuple[str, str], Mapping[int, int]]:
        """(route, service): how many ended with each status."""
        return self._counts
