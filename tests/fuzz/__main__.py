"""The command: ``python -m tests.fuzz --minutes 30 --seed 1``, ``python -m tests.fuzz --replay FILE``."""

import argparse
import sys
import time
from pathlib import Path
from random import Random

from tests.fuzz.campaign import Campaign
from tests.fuzz.case import read_case
from tests.fuzz.cutting import differing, uncut

PROGRESS_EVERY_S = 10.0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _replay(path: Path) -> int:
    case = read_case(path)
    found = differing(case, uncut(case))
    _say("\n".join(found) or "nothing wrong")
    return bool(found)


def main() -> int:
    """Run it; the status is 1 if something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None, help="default: from the clock")
    parser.add_argument("--cases", type=int, default=None, help="stop after this many")
    parser.add_argument("--replay", type=Path, default=None, help="a file with one case as it was printed")
    parser.add_argument("--keep", type=int, default=20, help="stop after this many different findings")
    options = parser.parse_args()
    if options.replay is not None:
        return _replay(options.replay)
    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000
    _say(f"seed {seed}")
    began = said = time.monotonic()
    campaign = Campaign(Random(seed))
    while True:
        now = time.monotonic()
        done = now - began > options.minutes * 60 or len(campaign.findings) >= options.keep
        done = done or (options.cases is not None and campaign.cases >= options.cases)
        if done or now - said > PROGRESS_EVERY_S:
            said = now
            _say(
                f"{now - began:.0f} s: {campaign.cases} cases, {campaign.runs} runs, "
                f"{campaign.runs / max(now - began, 1e-9):.0f} runs/s, {len(campaign.findings)} findings, seed {seed}"
            )
        if done:
            break
        if (finding := campaign.step()) is not None:
            _say(f"--- case {campaign.cases}\n{finding}\n---")
    return bool(campaign.findings)


if __name__ == "__main__":
    sys.exit(main())
