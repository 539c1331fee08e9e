"""Which pictures does docs/prequal.md show? Drawn from what the shipped classes did in a simulation of one seed.

``PYTHONPATH=. python docs/pictures.py`` draws them anew into docs/pictures/; a test fails where that was forgotten.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from html import escape
from math import inf
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from openprequal.balancing.prequal import Prequal
from openprequal.explanations import Considered, PickExplanation
from openprequal.probing.estimate import LoadEstimate
from openprequal.probing.probe_pool import ProbePool
from openprequal.probing.reuse import reuse_budget
from openprequal.simulation.catalogue import SCENARIOS
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.fleet import fleet
from openprequal.simulation.gateway import SimulatedRequest
from openprequal.simulation.replica import Replica
from openprequal.simulation.run import Rule, Run
from openprequal.simulation.scenario import Scenario, Servers, Work

FOLDER = Path(__file__).with_suffix("")

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 30, 50
BLUE, RED, GREY, GREEN, ORANGE = "#2b6cb0", "#c53030", "#718096", "#2f855a", "#c05621"

Point = tuple[float, float]


class Picture:
    """A diagram in SVG: axes, and marks by the values they stand for."""

    def __init__(self, x: tuple[float, float, str], y: tuple[float, float, str], says: str) -> None:
        """
        :param x: least and greatest value, and what it is.
        :param y: the same.
        :param says: for who cannot see it.
        """
        self._x, self._y = x, y
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
            f'font-family="sans-serif" font-size="13"><title>{escape(says)}</title>'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        ]
        self.text((WIDTH + LEFT - RIGHT) / 2, HEIGHT - 10, x[2], anchor="middle")
        self.text(16, (HEIGHT + TOP - BOTTOM) / 2, y[2], anchor="middle", turned=True)
        self.line([(x[0], y[1]), (x[0], y[0]), (x[1], y[0])], "black")

    def at(self, point: Point) -> Point:
        """Where that value is, in pixels."""
        (low_x, high_x, _), (low_y, high_y, _) = self._x, self._y
        across = (point[0] - low_x) / (high_x - low_x) * (WIDTH - LEFT - RIGHT)
        up = (point[1] - low_y) / (high_y - low_y) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, HEIGHT - BOTTOM - up

    def ticks(self, xs: Iterable[float] = (), ys: Iterable[float] = ()) -> None:
        """Numbers at the axes."""
        for value in xs:
            x, y = self.at((value, self._y[0]))
            self.text(x, y + 18, f"{value:g}", anchor="middle")
        for value in ys:
            x, y = self.at((self._x[0], value))
            self.text(x - 8, y + 4, f"{value:g}", anchor="end")

    def line(self, points: Sequence[Point], color: str, *, dashed: bool = False, width: float = 1.5) -> None:
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, points))
        dash = ' stroke-dasharray="6 4"' if dashed else ""
        self._parts.append(f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="{width:g}"{dash}/>')

    def dot(self, point: Point, color: str, *, ring: str | None = None) -> None:
        x, y = self.at(point)
        if ring is not None:
            self._parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="none" stroke="{ring}" stroke-width="2"/>'
            )
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>')

    def bar(self, low: Point, high: Point, color: str, *, faint: bool = False) -> None:
        """A rectangle between two corners."""
        (left, bottom), (right, top) = self.at(low), self.at(high)
        opacity = ' fill-opacity="0.15"' if faint else ""
        self._parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
            f'fill="{color}"{opacity}/>'
        )

    def note(self, point: Point, words: str, color: str = "black", *, anchor: str = "start") -> None:
        """Words beside a value."""
        x, y = self.at(point)
        self.text(x, y, words, color, anchor=anchor)

    def text(
        self, x: float, y: float, words: str, color: str = "black", *, anchor: str = "start", turned: bool = False
    ) -> None:
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}"{turn}>{escape(words)}</text>'
        )

    def __str__(self) -> str:
        return "\n".join([*self._parts, "</svg>"]) + "\n"


class Watched(Run):
    """A simulation that can be stopped to look at its first gateway."""

    def __init__(self, scenario: Scenario, rule: Rule, seed: int = 1) -> None:
        super().__init__(scenario, rule, seed)
        self._number = 0
        self._prepare()
        self._arrive(next(self._arrivals))

    def until(self, seconds: float) -> None:
        """Let so many seconds of the run be over."""
        self._clock.run_until(self._began_s + seconds)

    @property
    def clock(self) -> VirtualClock:
        return self._clock

    @property
    def balancer(self) -> Any:
        return self._gateways[0].balancer


@cache
def plane() -> tuple[PickExplanation, list[float]]:
    """What a gateway believed of 20 servers with other tenants at a moment of load 0.9, and the RIFs that θ is of."""
    paper = {"rule": "hot_cold", "slow_limit": inf, "near_ratio": 1}
    run = Watched(SCENARIOS["antagonists-0.9"], Rule("prequal", paper))
    run.until(2.7)
    balancer: Prequal = run.balancer
    return balancer.explain(SimulatedRequest(0, 0.0)), list(balancer._rifs._sorted)


def hot_and_cold() -> Picture:
    """The plane of RIF and latency, with the choice of either rule."""
    seen, _ = plane()
    picture = Picture(
        (0, 8, "requests in flight (RIF), as believed now"),
        (0, 120, "latency, ms"),
        "Twenty backends by requests in flight and latency; those left of θ are cold, the rest hot",
    )
    picture.bar((seen.rif_threshold, 0), (8, 120), RED, faint=True)
    picture.line([(seen.rif_threshold, 0), (seen.rif_threshold, 120)], RED, dashed=True)
    picture.note((seen.rif_threshold, 122), f"θ = {seen.rif_threshold:g}", RED, anchor="middle")
    picture.note((7.9, 114), "hot", RED, anchor="end")
    picture.note((0.1, 114), "cold", BLUE)
    blended = blended_choice(seen)
    for each in seen.pool:
        ring = GREEN if each.id == seen.picked else ORANGE if each == blended else None
        picture.dot((each.rif, each.latency_s * 1000), RED if each.hot else BLUE, ring=ring)
    picture.note((7.9, 100), "◯ chosen by the hot–cold rule", GREEN, anchor="end")
    picture.note((7.9, 93), "◯ chosen by the blended rule", ORANGE, anchor="end")
    picture.ticks(range(0, 9, 2), range(0, 121, 20))
    return picture


def blended_choice(seen: PickExplanation) -> Considered:
    """Whom the default rule takes of the same backends."""
    return min(seen.pool, key=lambda each: each.score)


def rif_distribution() -> Picture:
    """How often each RIF was reported lately, and the quantile of them that θ is."""
    seen, rifs = plane()
    counts = [sum(rif == value for rif in rifs) for value in range(13)]
    picture = Picture(
        (-0.5, 12.5, "RIF, as reported"),
        (0, 40, f"of the last {len(rifs)} reports"),
        "How often each number of requests in flight was reported; from θ on a backend is hot",
    )
    for value, count in enumerate(counts):
        picture.bar((value - 0.4, 0), (value + 0.4, count), RED if value >= seen.rif_threshold else BLUE)
    hot = sum(rif >= seen.rif_threshold for rif in rifs)
    picture.note((seen.rif_threshold - 0.4, 36), f"θ = {seen.rif_threshold:g}: {hot} reports are hot", RED)
    picture.ticks(range(13), range(0, 41, 10))
    return picture


class Response(NamedTuple):
    """One response in the probe pool: when it came and went, in seconds, and why it went."""

    came_s: float
    went_s: float
    why: str


class WatchedPool(ProbePool):
    """The shipped pool, and who was in it, for how long."""

    def __init__(self, size: int, max_age_s: float, seconds: Callable[[], float]) -> None:
        super().__init__(size, max_age_s)
        self._seconds = seconds
        self._since: dict[LoadEstimate, float] = {}
        self.responses: list[Response] = []

    def add(self, load: LoadEstimate, uses: int) -> None:
        if load in self:
            self._gone({load}, "newer")
        before = set(self.loads)
        super().add(load, uses)
        self._gone(before - set(self.loads), "full")
        self._since[load] = self._seconds()

    def spend(self, load: LoadEstimate) -> None:
        before = set(self.loads)
        super().spend(load)
        self._gone(before - set(self.loads), "used up")

    def remove_one(self, threshold: float) -> None:
        before, why = set(self.loads), "oldest" if self._oldest_next else "worst"
        super().remove_one(threshold)
        self._gone(before - set(self.loads), why)

    def expire(self, now_s: float) -> None:
        before = set(self.loads)
        super().expire(now_s)
        self._gone(before - set(self.loads), "too old")

    def _gone(self, loads: Iterable[LoadEstimate], why: str) -> None:
        for load in loads:
            self.responses.append(Response(self._since.pop(load), self._seconds(), why))


POOL_S = (1.0, 1.04)
"""The time that is shown of the pool."""
WHY = {"used up": GREEN, "worst": RED, "oldest": ORANGE, "newer": GREY, "full": BLUE, "too old": "black"}


def responses() -> list[Response]:
    """What was in one gateway's pool in that time: the paper's algorithm with 100 servers and 20 gateways."""
    run = Watched(SCENARIOS["antagonists-100-20"], Rule("prequal", {"preset": "paper"}))
    candidates = run.balancer._candidates
    candidates.probe_pool = pool = WatchedPool(16, 1.0, run.clock.seconds)
    began_s = run.clock.now
    run.until(POOL_S[1] + 0.1)
    shown = [
        Response(each.came_s - began_s, each.went_s - began_s, each.why)
        for each in pool.responses
        if each.went_s - began_s > POOL_S[0] and each.came_s - began_s < POOL_S[1]
    ]
    return sorted(shown)


def pool() -> Picture:
    """Sixteen places, and how long each response kept its own."""
    begin_s, end_s = POOL_S
    picture = Picture(
        (0, (end_s - begin_s) * 1000, "ms"),
        (0, 16, "place in the pool"),
        "Sixteen places of a probe pool; each response stays some milliseconds, until it is used up or removed",
    )
    free_s = [0.0] * 16
    for each in responses():
        place = next(number for number, until_s in enumerate(free_s) if until_s <= each.came_s)
        free_s[place] = each.went_s
        left, right = max(0.0, each.came_s - begin_s), min(end_s, each.went_s) - begin_s
        picture.bar(
            (left * 1000, place + 0.15), (max(left * 1000 + 0.1, right * 1000 - 0.15), place + 0.85), WHY[each.why]
        )
    for number, (why, color) in enumerate(list(WHY.items())[:5]):
        picture.text(LEFT + 10 + number * 130, 20, f"■ {why}", color)
    picture.ticks(range(0, 41, 10), (1, 8, 16))
    return picture


def reuse() -> Picture:
    """How many picks a response may serve, by the formula."""
    picture = Picture(
        (0, 100, "backends (n)"),
        (0, 20, "picks a response may serve"),
        "The paper's reuse budget by number of backends; undefined up to 24",
    )
    worth = {n: reuse_budget(16, n, 3.0, 1.0, 1.0) for n in range(1, 101)}
    undefined = max(n for n, budget in worth.items() if budget is None)
    picture.bar((0, 0), (undefined, 20), GREY, faint=True)
    picture.note((1, 18.5), f"up to {undefined}: not defined", GREY)
    points = [(float(n), budget) for n, budget in worth.items() if budget is not None and budget <= 20]
    picture.line(points, BLUE, width=2)
    picture.note((70, 3), f"n = 100: {worth[100]:.2f}", BLUE)
    picture.ticks(range(0, 101, 20), range(0, 21, 5))
    return picture


SERVERS = 400
"""How many servers the lead of the RIF is averaged over."""
BIN_S = 0.02
BINS = 75
CHANGE_S = 0.5


def lead() -> tuple[list[float], list[float]]:
    """Mean RIF, and mean latency of the requests that end, every 20 ms, relative to what they were before the change.

    The change: a server that is used by a half loses two thirds of its cores.
    """
    rifs, sums, counts = [0.0] * BINS, [0.0] * BINS, [0] * BINS
    scenario = Scenario("lead", "", (Servers(SERVERS),), 1, 0.5, Work(0.03, "exponential"))
    clock, rng = VirtualClock(), Random(1)
    replicas = list(fleet(clock, scenario, 1).values())
    began_s = clock.now + 0.5

    def arrive(replica: Replica) -> None:
        clock.after(rng.expovariate(scenario.rate / SERVERS), arrive, replica)
        came_s = clock.now
        replica.arrive(scenario.work.draw(rng), lambda status, report: ended(came_s))

    def ended(came_s: float) -> None:
        place = int((clock.now - began_s) / BIN_S)
        if 0 <= place < BINS:
            sums[place] += clock.now - came_s
            counts[place] += 1

    for replica in replicas:
        arrive(replica)
        clock.after(0.5 + CHANGE_S, replica.serving.change, replica.serving.cores / 3, 1.0)
    for place in range(BINS):
        clock.run_until(began_s + (place + 0.5) * BIN_S)
        rifs[place] = sum(replica.tracker.rif for replica in replicas)
        clock.run_until(began_s + (place + 1) * BIN_S)
    latencies = [total / count for total, count in zip(sums, counts, strict=True)]
    return _relative(rifs), _relative(latencies)


def _relative(values: Sequence[float]) -> list[float]:
    before = values[: int(CHANGE_S / BIN_S)]
    return [value * len(before) / sum(before) for value in values]


def rif_leads() -> Picture:
    """Which of the two signals tells first."""
    rifs, latencies = lead()
    picture = Picture(
        (-CHANGE_S * 1000, (BINS * BIN_S - CHANGE_S) * 1000, "ms after the server lost two thirds of its cores"),
        (0, 12, "times what it was before"),
        "Requests in flight grow at once when a server gets slow; the latency of requests that end grows later",
    )
    times = [((place + 0.5) * BIN_S - CHANGE_S) * 1000 for place in range(BINS)]
    picture.line([(0, 0), (0, 12)], GREY, dashed=True)
    picture.line(list(zip(times, rifs, strict=True)), RED, width=2)
    picture.line(list(zip(times, latencies, strict=True)), BLUE, width=2)
    picture.note((20, 11), "requests in flight", RED)
    picture.note((20, 10.2), "latency of the requests that end", BLUE)
    picture.ticks(range(-500, 1001, 250), range(0, 13, 2))
    return picture


PICTURES: Mapping[str, Callable[[], Picture]] = {
    "hot-and-cold": hot_and_cold,
    "rif-distribution": rif_distribution,
    "rif-leads": rif_leads,
    "pool": pool,
    "reuse": reuse,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(str(draw()), "utf-8")
