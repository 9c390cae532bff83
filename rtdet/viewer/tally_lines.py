"""What was counted, in the words of the window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rtdet.counting import Line, Zone
from rtdet.viewer.rates import clock
from rtdet.viewer.tallies import LineTally, Tally, ZoneTally

_MOST_CLASSES = 3

# (what, amount, further)
Texts = tuple[str, str, str]


def lines_of(shape: Line | Zone, tally: Tally | None, inside: int = 0) -> list[Texts]:
    """One line for each direction of a line; for a zone who is inside now, who came and went, and for how long."""
    if isinstance(shape, Line):
        known = tally if isinstance(tally, LineTally) else LineTally()
        amounts = (known.first, known.second)
        return [
            (direction, f"{amount.total:,}", classes_of(amount.by_class))
            for direction, amount in zip(shape.directions, amounts, strict=True)
        ]
    seen = tally if isinstance(tally, ZoneTally) else ZoneTally()
    lines = [
        ("now", f"{inside:,}", f"most {seen.most:,}" if seen.most else ""),
        ("entered", f"{seen.entered.total:,}", classes_of(seen.entered.by_class)),
        ("left", f"{seen.left.total:,}", classes_of(seen.left.by_class)),
    ]
    visits = seen.entered.total + seen.appeared.total
    if seen.dwell_s is not None and seen.longest_s is not None:
        lasted = f"{seconds(seen.dwell_s)}, max {seconds(seen.longest_s)}"
        lines.append(("visits", f"{visits:,}", lasted))
    return lines


def classes_of(by_class: Mapping[str, int]) -> str:
    """car 8, person 4"""
    ranked = sorted(by_class.items(), key=lambda one: (-one[1], one[0]))
    texts = [f"{name} {number:,}" for name, number in ranked[:_MOST_CLASSES]]
    rest = sum(number for _, number in ranked[_MOST_CLASSES:])
    return ", ".join([*texts, f"other {rest:,}"] if rest else texts)


def seconds(duration_s: float) -> str:
    """8.4 s, or 1:05 from a minute on."""
    return f"{duration_s:.1f} s" if duration_s < 59.95 else clock(duration_s)


def spoken(shape: Line | Zone, lines: Sequence[Texts]) -> str:
    """For a screen reader: door, line: in 12, car 8, person 4; out 7"""
    kind = "line" if isinstance(shape, Line) else "zone"
    parts = [
        ", ".join(text for text in (f"{what} {amount}", further) if text) for what, amount, further in lines
    ]
    return f"{shape.name}, {kind}: {'; '.join(parts)}"


def doubts_of(shape: Line | Zone, tally: Tally | None) -> str:
    """Between how many and how many the true counts are, for a tool tip; "" where that is no question."""
    if isinstance(shape, Line) and isinstance(tally, LineTally):
        named = zip(shape.directions, (tally.first, tally.second), strict=True)
    elif isinstance(tally, ZoneTally):
        named = zip(("entered", "left"), (tally.entered, tally.left), strict=True)
    else:
        return ""
    between = [(what, *one.interval()) for what, one in named]
    texts = [f"{what} {low:,} to {high:,}" for what, low, high in between if low < high]
    return f"As sure as the tracks are, 95 of 100: {', '.join(texts)}" if texts else ""


def tip_of(shape: Line | Zone, lines: Sequence[Texts], tally: Tally | None) -> str:
    """All of it in lines, with how sure it is."""
    rows = ["  ".join(text for text in line if text) for line in lines]
    return "\n".join([shape.name, *rows, *filter(None, [doubts_of(shape, tally)])])
