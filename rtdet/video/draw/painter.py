"""Paints results one after the other, as recordings do: trails are kept from picture to picture."""

from __future__ import annotations

from collections.abc import Callable

from rtdet.types import FrameResult, Image
from rtdet.video.draw.canvas import Canvas, draw_marks
from rtdet.video.draw.marks import Mark, marks_of
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

    @property
    def shows_all(self) -> bool:
        """Whether all of each picture is shown."""
        return self._view is None

    def paint(self, result: FrameResult) -> Image:
        """A new (H, W, 3) BGR image. Results come in order of time; after a step back trails begin anew."""
        frame, style = result.frame, self._style()
        marks = self._marks(result, style)
        if self._view is None:
            canvas = frame.bgr.copy()
        else:
            view = self._view(frame.index)
            canvas, marks, style = view.cut(frame.bgr), view.marks(marks), view.style(style)
        draw_marks(canvas, marks, style)
        return canvas

    def paint_on(self, canvas: Canvas, result: FrameResult) -> None:
        """As `paint`, on all of the result's picture, which is in the canvas already."""
        style = self._style()
        draw_marks(canvas, self._marks(result, style), style)

    def _marks(self, result: FrameResult, style: DrawStyle) -> list[Mark]:
        self._trails.update(result.tracks, result.frame.t)
        return marks_of(result.tracks, style, self._trails)
