"""A table that fits a terminal: words may wrap, numbers never break.

Where the columns do not fit beside each other even so, every row stands below the other as a list
of its values. Colour and signs are the caller's; all text is `Text`, where rich's markup has no
meaning.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

_GAPS: Final = (3, 2, 1)
# A longer word, of a name from a log, is folded.
_LONGEST_WORD: Final = 16

Row = Sequence[Text]


class Column(NamedTuple):
    """A column by its title; a `whole` one, such as a number or an id, has cells never broken."""

    title: str
    right: bool = False
    whole: bool = False


def safe(text: str) -> str:
    """`text` on one line, with every control or invisible character written as its escape."""
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def columns(*titles: str) -> tuple[Column, ...]:
    """Columns of words and, where a title begins with `>`, of numbers, which are aligned right."""
    return tuple(
        Column(title.removeprefix(">"), title.startswith(">"), title.startswith(">"))
        for title in titles
    )


def fitted_table(columns: Sequence[Column], rows: Iterable[Row], width: int) -> RenderableType:
    """The rows as a table of at most `width` columns of text, or one below the other.

    A first column without a title holds a sign, which then stands before the second's text.
    """
    rows = list(rows)
    cells = [
        [Text(column.title), *(row[index] for row in rows)] for index, column in enumerate(columns)
    ]
    natural = [_widest(column) for column in cells]
    if sum(natural) + _GAPS[0] * (len(columns) - 1) <= width:
        return _table(columns, rows, natural, _GAPS[0])
    for wrapping in (False, True):
        needed = [_needed(column, of, wrapping) for column, of in zip(columns, cells, strict=True)]
        for gap in _GAPS:
            spare = width - sum(needed) - gap * (len(columns) - 1)
            if spare >= 0:
                return _table(columns, rows, _shared(needed, natural, spare), gap)
    return _stacked(columns, rows)


def _needed(column: Column, cells: Sequence[Text], wrapping: bool) -> int:
    """The least width of a column whose title wraps, and, where `wrapping`, its words too."""
    title, *values = cells
    whole = column.whole or not wrapping
    words = [title, *([] if whole else values)]
    longest = max((cell_len(word) for cell in words for word in cell.plain.split()), default=0)
    return max(min(longest, _LONGEST_WORD), _widest(values) if whole else 0)


def _widest(cells: Iterable[Text]) -> int:
    lines = (line for cell in cells for line in cell.plain.splitlines())
    return max(map(cell_len, lines), default=0)


def _shared(needed: Iterable[int], natural: Iterable[int], spare: int) -> list[int]:
    """The widths that use up the room there is, from the left."""
    widths = []
    for least, most in zip(needed, natural, strict=True):
        widths.append(least + min(spare, max(0, most - least)))
        spare -= widths[-1] - least
    return widths


def _table(
    columns: Sequence[Column], rows: Iterable[Row], widths: Sequence[int], gap: int
) -> Table:
    # Between two cells is a line too, one column wide and blank.
    padding = (0, 0, 0, gap - 1)
    table = Table(
        box=SIMPLE_HEAD, padding=padding, pad_edge=False, show_edge=False, header_style="dim"
    )
    for column, width in zip(columns, widths, strict=True):
        justify: JustifyMethod = "right" if column.right else "left"
        table.add_column(Text(column.title), justify=justify, overflow="fold", width=width)
    for row in rows:
        table.add_row(*row)
    return table


def _stacked(columns: Sequence[Column], rows: Iterable[Row]) -> Group:
    """Each row as its first text, and under it, by its title, each other that says something."""
    heads = 1 if columns[0].title else 2
    parts: list[RenderableType] = []
    for row in rows:
        parts.append(Text(" ").join(row[:heads]))
        values = Table.grid(padding=(0, 2, 0, 0))
        values.add_column()
        values.add_column(overflow="fold")
        for column, cell in zip(columns[heads:], row[heads:], strict=True):
            if cell.plain:
                values.add_row(Text(f"  {column.title}", "dim"), cell)
        parts.append(values)
    return Group(*parts)
