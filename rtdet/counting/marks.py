"""Lines and zones with their counts, as marks for every painter."""

from __future__ import annotations

from rtdet.counting.counter import Counter
from rtdet.counting.events import ENTERED
from rtdet.counting.zones import Line
from rtdet.video.draw.zone_marks import ZoneMark, zone_mark


def marks_of_counter(counter: Counter) -> tuple[ZoneMark, ...]:
    """The lines and zones in pixels of the counter's pictures, with what was counted up to now."""
    inside = counter.inside_counts()
    marks = []
    for number, shape in enumerate(counter.outlines.shapes):
        if isinstance(shape, Line):
            counts = [f"{what} {counter.count(shape.name, what)}" for what in shape.directions]
        else:
            counts = [f"{inside[shape.name]} inside", f"{counter.count(shape.name, ENTERED)} entered"]
        is_zone = not isinstance(shape, Line)
        words = (shape.name, *counts)
        marks.append(zone_mark(shape.points, number, color=shape.color, is_closed=is_zone, words=words))
    return tuple(marks)
