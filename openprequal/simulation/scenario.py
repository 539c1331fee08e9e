"""What is a scenario? A fleet, its clients, and what happens to them, described so that two runs see the same."""

from math import inf
from random import Random

from attrs import evolve, field, frozen


@frozen
class Servers:
    """So many servers of one kind."""

    count: int
    cores: float = 2.0
    """Jobs that run at full speed together; infinite: a mere delay."""
    speed: float = 1.0
    """Work done in a second by one job that has a core of its own."""
    queued: bool = False
    """More jobs than cores wait in a queue; False: they share the cores."""
    allotted: float | None = None
    """Work a second that the load is relative to; None: what the cores and the speed give."""
    reports: bool = True
    """They tell their load."""
    streams: bool = False
    """A response begins when its job does, and ends with it: what counts is the time to its first byte."""
    weight: float = 1.0
    """As it is registered."""

    @property
    def nominal(self) -> float:
        """Work a second that one of them is good for."""
        return self.cores * self.speed if self.allotted is None else self.allotted


@frozen
class Work:
    """How long requests take on an idle server of speed 1."""

    mean_s: float = 0.03
    shape: str = "normal"
    """``normal``: standard deviation as the mean, at least 5 % of the mean (the trial model); ``cut``: the same, cut at
    0 (the paper's); ``exponential``; ``constant``; ``heavy``: log-normal with a standard deviation of five times the
    mean."""
    samples: tuple[float, ...] = ()
    """Service times to draw from instead, in seconds."""

    @property
    def reckoned_s(self) -> float:
        """The mean that a load is reckoned with: the true one, but for ``normal``, where the trial took ``mean_s``."""
        if self.samples:
            return sum(self.samples) / len(self.samples)
        # E max(0, X) = m (Φ(1) + φ(1)) for X ~ Normal(m, m).
        return self.mean_s * (1.083315 if self.shape == "cut" else 1.0)

    def draw(self, rng: Random) -> float:
        """Work of one request, in seconds."""
        if self.samples:
            return self.samples[int(rng.random() * len(self.samples))]
        mean_s = self.mean_s
        if self.shape == "normal":
            return max(0.05 * mean_s, rng.gauss(mean_s, mean_s))
        if self.shape == "cut":
            return max(0.0, rng.gauss(mean_s, mean_s))
        if self.shape == "exponential":
            return rng.expovariate(1.0 / mean_s)
        if self.shape == "heavy":
            # ln(1 + 5²) = 3.258 is the variance of the logarithm; minus half of it keeps the mean.
            return mean_s * rng.lognormvariate(-1.629, 1.805)
        return mean_s


@frozen
class Antagonists:
    """Other tenants of the machines: each server's cores are multiplied by a factor that is redrawn now and then."""

    mean_s: float = 3.0
    """Mean time between two draws, exponential."""
    chance: float = 0.4
    """Probability of ``low``, else ``high``."""
    low: tuple[float, float] = (0.7, 1.0)
    high: tuple[float, float] = (1.0, 2.0)

    def draw(self, rng: Random) -> float:
        """A factor."""
        return rng.uniform(*(self.low if rng.random() < self.chance else self.high))


@frozen
class Bursts:
    """Arrivals come at ``factor`` times the mean rate for ``burst_s``, every ``every_s``, and fewer between."""

    every_s: float = 2.0
    burst_s: float = 0.2
    factor: float = 2.5

    def rate(self, at_s: float) -> float:
        """Multiple of the mean rate at *at_s*."""
        if at_s % self.every_s < self.burst_s:
            return self.factor
        return (self.every_s - self.factor * self.burst_s) / (self.every_s - self.burst_s)


@frozen
class Ramp:
    """The load grows by steps of equal length, each ``factor`` times the one before; the scenario's is the mean."""

    levels: int = 9
    factor: float = 10 / 9

    def rate(self, share: float) -> float:
        """Multiple of the mean rate when that *share* of the run is over."""
        levels = [self.factor**level for level in range(self.levels)]
        return levels[min(self.levels - 1, int(share * self.levels))] * self.levels / sum(levels)


@frozen
class Failing:
    """The first server answers a share of its requests with 503, at once, for part of the run."""

    share: float = 1.0
    begin: float = 0.3
    """Share of the run that is over."""
    end: float = 0.8
    after_s: float = 0.001


@frozen
class Joining:
    """The last server joins during the run, cold: for a time it works at a fraction of its speed."""

    at: float = 0.4
    """Share of the run that is over."""
    cold_s: float = 3.0
    cold_speed: float = 0.2


@frozen
class Restarting:
    """Every server in its turn drains, is away, and comes back cold."""

    drain_s: float = 1.0
    away_s: float = 0.5
    cold_s: float = 1.0
    cold_speed: float = 0.3


@frozen
class Scenario:
    """A fleet under load."""

    name: str
    title: str
    servers: tuple[Servers, ...]
    proxies: int
    load: float
    """Rate of arrivals times mean work, over the sum of what the servers are nominally good for."""
    work: Work = field(factory=Work)
    antagonists: Antagonists | None = None
    bursts: Bursts | None = None
    ramp: Ramp | None = None
    failing: Failing | None = None
    joining: Joining | None = None
    restarting: Restarting | None = None
    deadline_s: float | None = None
    polled_s: float | None = None
    """Servers tell their RIF and nothing else, and only when they are asked: by each gateway once in so long."""
    round_trip_s: float = 0.0005
    requests: int = 50_000
    warm_up: float = 0.15
    """Share of the requests that comes first and is not counted."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        nominal = sum(servers.count * servers.nominal for servers in self.servers)
        rate = self.load * nominal / self.work.reckoned_s
        if not 0 < rate < inf:
            raise ValueError(f"{self.name}: servers without limit need allotted")
        return rate

    @property
    def seconds(self) -> float:
        """How long its arrivals last, nearly."""
        return self.requests / self.rate

    def lasting(self, seconds: float) -> "Scenario":
        """The same for so long."""
        return evolve(self, requests=max(1, round(seconds * self.rate)))
