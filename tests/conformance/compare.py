"""On which cases are we laxer than others? ``python -m tests.conformance.compare`` runs all against each and tells.

Run it from the repository's root. It prints a table (case, section, what each gateway did) and lists the cases that we
fail and every peer passes. It ends with status 1 if there are any.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from .backend import Backend
from .case import Case
from .catalogue import CASES
from .gateways import haproxy, nginx, openprequal
from .runner import Target, Verdict, run

GATEWAYS: dict[str, Callable[[Backend], AbstractContextManager[Target]]] = {
    "openprequal": openprequal,
    "haproxy": haproxy,
    "nginx": nginx,
}


def verdicts(name: str, cases: list[Case]) -> dict[str, Verdict]:
    """Run *cases* against the gateway of that name; progress goes to standard error."""
    backend = Backend()
    found = {}
    try:
        with GATEWAYS[name](backend) as target:
            for count, case in enumerate(cases, 1):
                found[case.name] = run(case, target)
                sys.stderr.write(f"\r{name}: {count}/{len(cases)}")
    except (RuntimeError, FileNotFoundError) as error:
        sys.stderr.write(f"{name}: left out: {error}")
    finally:
        backend.stop()
    sys.stderr.write("\n")
    return found


def table(cases: list[Case], results: dict[str, dict[str, Verdict]], complaints: bool) -> list[str]:
    """The lines of the table."""
    lines = [f"{'case':<78}{'section':<28}" + "".join(f"{name:<16}" for name in results)]
    for case in cases:
        told = [verdicts.get(case.name) for verdicts in results.values()]
        lines.append(
            f"{case.name[:76]:<78}{case.section:<28}" + "".join(f"{each.short if each else '-':<16}" for each in told)
        )
        if complaints:
            lines += [
                f"    {name}: {fault}" for name, found in results.items() for fault in found[case.name].complaints
            ]
    return lines


def laxer(cases: list[Case], results: dict[str, dict[str, Verdict]], ours: str) -> list[Case]:
    """The cases that *ours* fails and every other passes."""
    others = [found for name, found in results.items() if name != ours]
    return [
        case
        for case in cases
        if others and results[ours][case.name].complaints and not any(found[case.name].complaints for found in others)
    ]


def main() -> int:
    """Parse the command line, run, print; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.compare", description=__doc__)
    parser.add_argument("--gateways", default=",".join(GATEWAYS), help="which to run, with commas (%(default)s)")
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--complaints", action="store_true", help="say under each case what was wrong")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    tried = {name: verdicts(name, cases) for name in options.gateways.split(",")}
    results = {name: found for name, found in tried.items() if found}
    said = table(cases, results, options.complaints)
    for name, found in results.items():
        good = sum(not verdict.complaints for verdict in found.values())
        said.append(f"{name}: {good} of {len(cases)} as asked")
    lax = laxer(cases, results, "openprequal") if "openprequal" in results else []
    if lax:
        said.append("We fail and all others pass:")
    for case in lax:
        said.append(f"  {case.name}: {'; '.join(results['openprequal'][case.name].complaints)}")
    sys.stdout.write("\n".join(said) + "\n")
    return 1 if lax else 0


if __name__ == "__main__":
    sys.exit(main())
