"""The style of drawing: what is shown, and the measures that every painter uses."""

from __future__ import annotations

from dataclasses import dataclass

from rtdet.video.draw.zone_marks import ZoneMark

# Around each line, black at this opacity: a box stays visible on a ground of its own colour.
RIM_OPACITY = 0.43
# Below this, text cannot be read on any ground.
LEAST_TEXT_OPACITY = 0.7
# A dash and the gap after it, in widths of the line.
DASH, GAP = 5.0, 4.0


@dataclass(frozen=True)
class DrawStyle:
    """What is drawn: boxes, labels (class names, IDs, scores), trails.

    `scale` multiplies line widths and text; `thickness` is the width of a line in pixels (None: it grows with the
    picture); `trail_s` is how many seconds a trail lasts (0: none); a track fades over `fade_s` seconds without a
    detection, or as its place gets uncertain. `zones` are drawn under all tracks, their
    labels over them.
    """

    show_boxes: bool = True
    show_labels: bool = True
    show_ids: bool = True
    show_scores: bool = True
    show_trails: bool = True
    scale: float = 1.0
    thickness: int | None = None
    trail_s: float = 2.0
    fade_s: float = 1.5
    zones: tuple[ZoneMark, ...] = ()


@dataclass(frozen=True)
class Pen:
    """Widths in pixels: of a box's line, and the height of a capital letter."""

    line: int
    text: int

    @staticmethod
    def of(width: int, height: int, scale: float = 1.0, thickness: int | None = None) -> Pen:
        """The pen for a picture of this size: lines and letters grow with it. `thickness`: of lines, where they do
        not."""
        side = min(width, height) * scale
        return Pen(thickness or max(1, round(side / 360)), max(7, round(side / 64)))

    @property
    def joint(self) -> int:
        """Radius of a key point."""
        return self.line + 1

    @property
    def rim(self) -> int:
        """Width of the rim with the line in it; 0 where the line is too thin for one."""
        return self.line + 2 if self.line > 1 else 0
