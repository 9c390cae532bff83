"""Drawing tracks on pictures: one look for the window, snapshots and recordings.

`marks_of` says what is drawn of each track and how (colour, opacity, dashes, label, trail), by a `DrawStyle`; who
paints it, `draw_marks` with OpenCV or the window with Qt, makes the last drawing calls and decides nothing.
"""

from rtdet.video.draw.canvas import draw_marks, draw_tracks
from rtdet.video.draw.colors import color_of, ink_on
from rtdet.video.draw.marks import Mark, label_text, marks_of
from rtdet.video.draw.painter import Painter
from rtdet.video.draw.style import DrawStyle
from rtdet.video.draw.trails import TrailStore
from rtdet.video.draw.view import View

__all__ = [
    "DrawStyle",
    "Mark",
    "Painter",
    "TrailStore",
    "View",
    "color_of",
    "draw_marks",
    "draw_tracks",
    "ink_on",
    "label_text",
    "marks_of",
]
