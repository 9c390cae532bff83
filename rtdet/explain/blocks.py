"""What a page of an explanation is made of: sections of text, pictures with marks on them, tables and bars.

Only values are here. All text goes through the template, which escapes it; `image` and `href` hold data URIs only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Box:
    """A rectangle, in the figure's units. kind: how it is drawn (a CSS class). note: shown when pointed at. label:
    written at its top. color: #rrggbb, or empty for the kind's own."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "kept"
    note: str = ""
    label: str = ""
    color: str = ""


@dataclass(frozen=True)
class Dot:
    """A point; see Box."""

    x: float
    y: float
    kind: str = "kept"
    note: str = ""
    color: str = ""


@dataclass(frozen=True)
class Lines:
    """Lines as SVG path data, which holds numbers only."""

    path: str
    kind: str = "grid"


Mark = Box | Dot | Lines


@dataclass(frozen=True)
class Layer:
    """A picture over the figure's own, stretched to a rectangle in its units."""

    image: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Figure:
    """A picture with marks, in units of (width, height). image: a data URI; empty: the page's own picture, which is
    in the file once. is_coarse: its pixels are cells, drawn as squares. share: of the page's width, by which letters
    are sized."""

    width: float
    height: float
    caption: str = ""
    image: str = ""
    layers: tuple[Layer, ...] = ()
    marks: tuple[Mark, ...] = ()
    is_coarse: bool = False
    title: str = ""


@dataclass(frozen=True)
class Figures:
    """Figures side by side, `columns` in a row."""

    items: Sequence[Figure]
    columns: int = 1


@dataclass(frozen=True)
class Text:
    """A paragraph. kind: "" or "note", "heading", "formula"."""

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Cell:
    """A table's cell. share: draws a bar of that share behind the text. color: a swatch before it. kind: "strong",
    "faint", "good" or "bad"."""

    text: str
    share: float | None = None
    color: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """head: of each column. rows: a Cell or plain text for each. words: the first columns, which are text and not
    figures. caption: above it. folded: further rows, shown when asked for."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    words: int = 1
    caption: str = ""
    note: str = ""
    folded: Sequence[Sequence[Cell | str]] = ()


@dataclass(frozen=True)
class Step:
    """A station of the way through a network: a count, of what, and what happens there."""

    count: str
    what: str
    detail: str = ""


@dataclass(frozen=True)
class Steps:
    items: Sequence[Step]


@dataclass(frozen=True)
class Pixels:
    """A few pixels as the numbers that they are: rows of (number, #rrggbb)."""

    rows: Sequence[Sequence[tuple[str, str]]]
    caption: str = ""


@dataclass(frozen=True)
class StepChart:
    """How a count falls as a threshold rises. path: SVG data in a plot of 100 by 50. marks: (x, label). top: the
    largest count. extra: a second line, e.g. of those that are right."""

    path: str
    top: int
    mark: float
    mark_label: str
    extra: str = ""
    extra_label: str = ""
    label: str = "boxes"


@dataclass(frozen=True)
class Beside:
    """Tables next to each other."""

    items: Sequence[Table]


@dataclass(frozen=True)
class Split:
    """A figure with what is said of it to its right."""

    figure: Figure
    beside: Sequence[Table | Pixels]


Block = Figures | Text | Table | Steps | Pixels | StepChart | Beside | Split


@dataclass(frozen=True)
class Section:
    """A chapter: a question as its title, an answer in a sentence or two, and what shows it."""

    title: str
    blocks: Sequence[Block] = field(default_factory=list)
    lead: str = ""
