"""What was measured in a trial, and was it as it should be?"""

from attrs import frozen


@frozen
class Figure:
    """One thing that was measured, and what it should be."""

    what: str
    value: float
    wanted: str
    good: bool

    def __str__(self) -> str:
        return f"{'ok ' if self.good else 'BAD'} {self.what}: {self.value:.4g} (wanted: {self.wanted})"
