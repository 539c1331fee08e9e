"""How is a table written for a terminal, a pipe, or a log: aligned, one line a row, nothing but text?"""

from collections.abc import Collection, Iterator, Sequence

GAP = "  "


def printable(text: str) -> str:
    """*text* without what a terminal would obey: parts of it come from whoever registered."""
    return "".join(character if character.isprintable() else "?" for character in text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> Iterator[str]:
    """The lines of a table, the header first.

    :param right: columns, by their headers, that end on the right, as numbers do.
    """
    lines = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(line, widths, header, strict=True)
        )
        yield GAP.join(cells).rstrip()


def seconds(value: float | None) -> str:
    """A latency, in the unit that fits; ``-``: not known."""
    if value is None:
        return "-"
    if value >= 10:
        return f"{value:.0f} s"
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.3g} ms"


def number(value: float | None) -> str:
    """A count, or a rate; ``-``: not known."""
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def share(value: float | None) -> str:
    """A part of the whole, in percent; ``-``: not known."""
    return "-" if value is None else f"{value:.0%}"
