"""Under which names does an inference server tell how many requests it has?"""

from attrs import frozen


@frozen
class QueueMetrics:
    """Requests running and requests waiting are two metrics; together they are the RIF."""

    running: str
    waiting: str | None = None
    """None: there is none, or the first counts them too."""
