"""Is what a command said what the page shows?"""

import re
from collections.abc import Iterator


def session(text: str) -> Iterator[tuple[str, str]]:
    """Each command of a console, after ``$ ``, and the output below it; a command goes on in lines after ``> ``."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        count = next((number for number, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        yield "\n".join(line.removeprefix("> ") for line in lines[:count]), "\n".join(lines[count:])


def fits(said: str, told: str, *, numbers_vary: bool = False) -> bool:
    """Whether *said* is the output that the page tells, however wide the gaps are; where none is told, any does.

    :param told: ``…`` in it stands for anything; alone in its line, for any number of lines.
    :param numbers_vary: any number in it stands for any number.
    """
    lines = []
    for line in told.splitlines():
        text = re.escape(" ".join(line.split())).replace("\\ ", r"[ \t]+").replace("…", ".*")
        if numbers_vary:
            text = re.sub(r"\d+(?:(?:\\\.|,)\d+)*", r"\\d+(?:[.,]\\d+)*", text)
        lines.append(r"(?:.*\n)*?" if line.strip() == "…" else rf"[ \t]*{text}[ \t]*\n")
    return not lines or re.fullmatch("".join(lines), f"{said.strip()}\n") is not None
