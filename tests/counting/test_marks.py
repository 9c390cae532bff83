"""Lines and zones on the picture."""

from __future__ import annotations

import numpy as np

from rtdet.counting import Counter, Line, Zones
from rtdet.counting.marks import marks_of_counter
from rtdet.types import Tracks
from rtdet.video.draw import DrawStyle, draw_tracks
from rtdet.video.draw.view import View
from tests.counting.walks import DOOR, SIZE, SQUARE, steps, walk


def test_the_marks_have_the_counts_the_colour_and_an_arrow_to_where_in_is() -> None:
    line = DOOR.with_color("#ff8000")
    counter = walk(steps((450, 300), (550, 300)), line, SQUARE)
    door, square = marks_of_counter(counter)
    assert door.words == ("door", "in 1", "out 0")
    assert door.color == (255, 128, 0)
    (x0, _), (x1, _) = door.arrow[:2]
    assert x1 > x0
    assert square.words == ("square", "0 inside", "0 entered")
    assert square.is_closed
    assert square.outline[0].tolist() == square.outline[-1].tolist()
    assert square.color != door.color


def test_they_are_drawn_where_they_are_also_in_a_part_of_the_picture() -> None:
    counter = Counter(Zones((Line("l", ((100, 300), (900, 300)), "#00ff00"),), (), SIZE), SIZE)
    style = DrawStyle(zones=marks_of_counter(counter))
    picture = draw_tracks(np.zeros((600, 1000, 3), np.uint8), Tracks(), style)
    assert picture[300, 700].tolist() == [0, 255, 0]
    assert picture[400, 700].tolist() == [0, 0, 0]
    assert picture[280:298, 102:130].any()  # its label
    part = View(500.0, 200.0, 250.0, (500, 400)).style(style)
    assert part.zones[0].points == ((-800, 200), (800, 200))
