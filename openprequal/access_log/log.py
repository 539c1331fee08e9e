"""Which requests are written down? All, or those that failed or were slow, and a share of the others."""

from collections.abc import Callable

from openprequal.access_log.formats import Format
from openprequal.access_log.writer import Writer
from openprequal.forwarding.journey import Journey


class AccessLog:
    """A :class:`~openprequal.forwarding.journey.Witness` that writes down journeys."""

    __slots__ = ("_draw", "_format", "_share", "_slow_s", "_write")

    def __init__(
        self, writer: Writer, make_line: Format, draw: Callable[[], float], *, share: float, slow_s: float | None
    ) -> None:
        """
        :param draw: a random number from 0 to 1, 1 excluded.
        :param share: of those that neither failed nor were slow.
        :param slow_s: as long as that is slow; None: nothing is.
        """
        self._write = writer.write
        self._format = make_line
        self._draw = draw
        self._share = share
        self._slow_s = slow_s

    def began(self, journey: Journey) -> None:
        """It is written down when it is over."""

    def ended(self, journey: Journey) -> None:
        if self._share == 1.0 or self._stands_out(journey) or self._draw() < self._share:
            self._write(journey, self._format)

    def _stands_out(self, journey: Journey) -> bool:
        if (journey.status or 0) >= 500 or journey.broken:
            return True
        return self._slow_s is not None and journey.ended_at - journey.began_at >= self._slow_s
