"""Which runs of a grid have ended already? A file beside the results to come, to which each is added when it ends."""

import os
from collections.abc import Collection
from pathlib import Path

from attrs import frozen

from openprequal.simulation.measured import Measured
from openprequal.simulation.results import HEADER, from_line, to_line


@frozen
class TakenOver:
    """What an earlier start left."""

    runs: dict[str, Measured]
    """By digest."""
    others: int
    """Runs beside them, of other code or other settings."""


class Unfinished:
    """The runs that have ended, in *path*: lines of the CSV that they will be in once all have.

    A line is written at once, so that whatever ends the process loses at most the line that was being written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def taken_over(self, digests: Collection[str]) -> TakenOver:
        """The runs that are there of those with *digests*; lines that are no runs are passed over, and what is left of
        one that was being written is cut off."""
        if not self.path.exists():
            return TakenOver({}, 0)
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        os.truncate(self.path, len(whole))
        # Line by line: a quotation mark without its other half would take the rest of the file with it.
        lines = whole.decode("utf-8", errors="replace").split("\n")
        there = {each.digest: each for line in lines if (each := from_line(line)) is not None}
        wanted = {digest: each for digest, each in there.items() if digest in digests}
        return TakenOver(wanted, len(there) - len(wanted))

    def add(self, ended: Measured) -> None:
        """Keep the result of a run."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            lines = [to_line(ended)] if file.tell() else [HEADER, to_line(ended)]
            file.write("".join(f"{line}\n" for line in lines).encode())

    def forget(self) -> None:
        """All have ended, and are kept elsewhere."""
        self.path.unlink(missing_ok=True)
