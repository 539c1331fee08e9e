"""Which fenced blocks does the documentation have, and what is said of how each is tried?

Comments of HTML right before a block, which no reader sees, say what a test cannot know:

``<!-- not run: REASON -->``
    Nobody can here; the reason is one of :data:`REASONS`.
``<!-- run by: tests/… -->``
    Another test takes the block from the page, and runs it.
``<!-- file: NAME -->``
    The block is the content of that file, for the commands of the page; several blocks may follow each other in it.
``<!-- before: COMMANDS -->``
    What the page takes for granted: run before the block.
``<!-- numbers vary -->``
    Any number in the output stands for any number.
``<!-- output varies -->``
    Of the output, only the first line is compared.
``<!-- ends with: STATUS -->``
    The last command of the block ends with that status, not with 0.

``python tests/fenced_blocks.py`` lists what is not run, and why.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]

REASONS = (
    *("needs Docker", "needs a cluster", "needs root", "needs the package index"),
    *("needs the collector", "takes minutes", "takes hours", "asks for a password"),
)

_BLOCK = re.compile(
    r"(?P<comments>(?:^<!--(?:(?!-->).)*-->\n+)*)^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COMMENT = re.compile(
    r"<!--\s*(not run|run by|file|before|numbers vary|output varies|ends with)\b:?\s*(.*?)\s*-->", re.DOTALL
)


@frozen
class Block:
    """One fenced block of a page."""

    page: str
    """Its path in the repository."""
    line: int
    language: str
    text: str
    not_run: str | None
    run_by: str | None
    file: str | None
    before: str | None
    numbers_vary: bool
    output_varies: bool
    ends_with: int

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def tried_here(self) -> bool:
        """Whether nobody says that it is tried elsewhere, or nowhere."""
        return self.not_run is None and self.run_by is None


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of *page*, in their order."""
    text = page.read_text("utf-8")
    for found in _BLOCK.finditer(text):
        marks = dict(_COMMENT.findall(found["comments"]))
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(
            str(page.relative_to(ROOT)),
            line,
            found["language"],
            found["text"],
            marks.get("not run"),
            marks.get("run by"),
            marks.get("file"),
            marks.get("before"),
            "numbers vary" in marks,
            "output varies" in marks,
            int(marks.get("ends with", 0)),
        )


ALL = [block for page in PAGES for block in blocks(page)]

if __name__ == "__main__":
    for block in ALL:
        if block.not_run is not None:
            sys.stdout.write(f"{block}: {block.not_run}\n")
