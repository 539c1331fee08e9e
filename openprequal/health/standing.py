"""A backend's standing: what its checks and its own word add up to, and since when."""

from openprequal.values import Backend, LoadState


class Standing:
    """May one backend be picked, and why not? State only; ``monitor`` acts on it."""

    def __init__(self, backend: Backend, now: float) -> None:
        self.backend = backend
        self.checked_up = False
        """The last checks say it serves."""
        self.state = LoadState.READY
        """Its own word, in load reports."""
        self.reason = "waiting for its first health check"
        """Why it may (not) be picked, for people."""
        self.since = now
        self.failures = 0
        """Failed checks in a row."""
        self.next_check = now
        self.offered = False
        """The balancer has been told that it may be picked."""

    @property
    def pickable(self) -> bool:
        return self.checked_up and self.state is not LoadState.DRAINING

    def passed(self, now: float) -> None:
        """A check passed."""
        self.failures = 0
        if not self.checked_up:
            self.checked_up = True
            self.since = now
        self.reason = "draining" if self.state is LoadState.DRAINING else "serving"

    def failed(self, why: str, now: float, fall: int) -> None:
        """A check failed; *fall* failures in a row bring it down."""
        self.failures += 1
        if self.checked_up and self.failures >= fall:
            self.checked_up = False
            self.since = now
        if not self.checked_up:
            self.reason = f"health check: {why}"

    def told(self, state: LoadState, now: float) -> None:
        """It said itself how it is."""
        if state is not self.state:
            self.state = state
            self.since = now
            if self.checked_up:
                self.reason = "draining" if state is LoadState.DRAINING else "serving"
