"""A witness that remembers what it was told."""

from openprequal.forwarding.journey import Journey


class Remembering:
    """:ivar begun: journeys so far. :ivar over: those that have ended."""

    def __init__(self) -> None:
        self.begun: list[Journey] = []
        self.over: list[Journey] = []

    def began(self, journey: Journey) -> None:
        self.begun.append(journey)

    def ended(self, journey: Journey) -> None:
        self.over.append(journey)

    @property
    def journey(self) -> Journey:
        """The only one, which is over."""
        (journey,) = self.over
        return journey
