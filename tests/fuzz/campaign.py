"""A run of the fuzzer: case after case, each under several cuttings, and one report for each kind of failure."""

import re
from random import Random

from tests.fuzz.case import Case
from tests.fuzz.cutting import differing, uncut, ways_of_cutting
from tests.fuzz.drive import run
from tests.fuzz.judge import judge
from tests.fuzz.minimise import minimise
from tests.fuzz.plan import next_case


class Campaign:
    """
    :ivar cases: so far.
    :ivar runs: so far: each case is run several times.
    :ivar findings: one text for each kind of failure.
    """

    def __init__(self, rng: Random, *, thorough_one_in: int | None = 40) -> None:
        """:param thorough_one_in: every boundary there is, for one case in so many."""
        self.cases = 0
        self.runs = 0
        self.findings: dict[str, str] = {}
        self._rng = rng
        self._thorough_one_in = thorough_one_in

    def step(self) -> str | None:
        """One more case; the finding if it failed in a way not seen before."""
        self.cases += 1
        case = next_case(self._rng, self.cases)
        reference = uncut(case)
        expected = judge(reference, run(reference))
        self.runs += 1
        if expected.complaints:
            return self._found(reference, expected.complaints)
        one_in = self._thorough_one_in
        thoroughly = one_in is not None and self._rng.randrange(one_in) == 0
        for variant in (case, *ways_of_cutting(case, self._rng, thoroughly=thoroughly)):
            got = judge(variant, run(variant))
            self.runs += 1
            if got.complaints or got.invariant != expected.invariant:
                return self._found(variant, got.complaints or differing(variant, reference))
        return None

    def _found(self, case: Case, complaints: list[str]) -> str | None:
        kind = _kind(complaints)
        if kind in self.findings:
            return None
        smaller = minimise(case, lambda one: _kind(differing(one, uncut(one))) == kind)
        text = "\n".join(differing(smaller, uncut(smaller)) or complaints)
        self.findings[kind] = f"{text}\n{smaller!r}"
        return self.findings[kind]


def _kind(complaints: list[str]) -> str:
    """What two failures of the same cause have in common: the first complaint without what is quoted in it."""
    first = complaints[0].partition("\n")[0] if complaints else ""
    return re.sub(r"b'(?:\\.|[^'\\])*'|b\"(?:\\.|[^\"\\])*\"|\d+", "…", first)[:120]
