"""Paints results one after the other, as recordings do: trails are kept from picture to picture."""

from __future__ import annotations

from collections.abc import Callable

from rtdet.types import FrameResult, Image
from rtdet.video.draw.canvas import draw_marks
from rtdet.video.draw.marks import marks_of
from rtdet.video.draw.style import DrawStyle
from rtdet.video.draw.trails import TrailStore
from rtdet.video.draw.view import View


class Painter:
    """`paint` gives the picture of a result with its tracks drawn on it.

    style: asked for the look of each picture. view: asked, by Frame.index, which part of the picture is shown; all of
    it where it is None. What is drawn has the same widths and letters in a part as in the whole.
    """

    def __init__(
        self, style: Callable[[], DrawStyle] = DrawStyle, view: Callable[[int], View] | None = None
    ) -> None:
        self._style, self._view = style, view
        self._trails = TrailStore(style().trail_s)

    def paint(self, result: FrameResult) -> Image:
        """A new (H, W, 3) BGR image. Results come in order of time; after a step back trails begin anew."""
        frame, style = result.frame, self._style()
        self._trails.update(result.tracks, frame.t)
        marks = marks_of(result.tracks, style, self._trails)
        if self._view is None:
            canvas = frame.bgr.copy()
        else:
            view = self._view(frame.index)
            canvas, marks, style = view.cut(frame.bgr), view.marks(marks), view.style(style)
        draw_marks(canvas, marks, style)
        return canvas
