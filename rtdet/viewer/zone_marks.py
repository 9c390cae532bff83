"""The lines and zones of the window with their counts, as marks for every painter."""

from __future__ import annotations

from collections.abc import Mapping

from rtdet.counting import Line, Zone, Zones
from rtdet.video.draw.colors import Color
from rtdet.video.draw.zone_marks import ZoneMark, zone_mark
from rtdet.viewer.tallies import LineTally, Tallies, Tally, ZoneTally


def marks_of_zones(
    zones: Zones, size: tuple[int, int], tallies: Tallies, inside: Mapping[str, int]
) -> tuple[ZoneMark, ...]:
    """In pixels of a picture of this size."""
    return tuple(
        zone_mark(
            shape.points,
            number,
            color=shape.color,
            is_closed=isinstance(shape, Zone),
            words=words_of(shape, tallies.get(shape.name), inside.get(shape.name, 0)),
        )
        for number, shape in enumerate(zones.in_pixels(size))
    )


def words_of(shape: Line | Zone, tally: Tally | None, inside: int) -> tuple[str, ...]:
    """("door", "in 12", "out 7"), or ("square", "3 inside", "14 entered")"""
    if isinstance(shape, Line):
        known = tally if isinstance(tally, LineTally) else LineTally()
        amounts = zip(shape.directions, (known.first, known.second), strict=True)
        return (shape.name, *(f"{what} {amount.total:,}" for what, amount in amounts))
    seen = tally if isinstance(tally, ZoneTally) else ZoneTally()
    return shape.name, f"{inside:,} inside", f"{seen.entered.total:,} entered"


def colors_of(zones: Zones) -> dict[str, Color]:
    """The colour in which each is drawn, by its name."""
    return {
        shape.name: zone_mark(shape.points, number, color=shape.color, is_closed=True, words=()).color
        for number, shape in enumerate(zones)
    }
