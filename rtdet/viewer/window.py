"""The state of the window: how pictures are shown, and what it remembers of the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rtdet.video.draw import DrawStyle
from rtdet.video.draw.zone_marks import ZoneMark
from rtdet.viewer.player import PlayerState, Speaking

RECENT_LIMIT = 10


@dataclass(eq=False)
class WindowState(Speaking):
    """The state that exists once per window, however many sources it shows.

    message: what is said of none of them in particular.

    show_boxes, show_labels, show_trails, show_numbers, show_zones: what is drawn over every picture.
    as_detected: boxes are drawn where they were detected, and not where they should be in the picture on screen.
    panel_open, zones_open: which panel is at the side, that of the settings or that of lines and zones.
    lanes_open: the timeline is under the picture; in it are how many objects there were (chart_open) and what is
        worth a look (doubts_open).
    lanes_height: of the timeline, in logical pixels.
    recent: what was opened, newest first.
    source_count: how many sources it shows.
    """

    show_boxes: bool = True
    show_labels: bool = True
    show_trails: bool = True
    show_numbers: bool = False
    show_zones: bool = True
    as_detected: bool = False
    panel_open: bool = True
    zones_open: bool = False
    lanes_open: bool = False
    chart_open: bool = True
    doubts_open: bool = False
    lanes_height: int = 260
    recent: tuple[str, ...] = ()
    last_folder: str = ""
    source_count: int = 1

    REMEMBERED: ClassVar[tuple[str, ...]] = (
        "show_boxes", "show_labels", "show_trails", "show_numbers", "show_zones", "panel_open", "zones_open",
        "lanes_open", "chart_open", "doubts_open", "lanes_height", "recent", "last_folder",
    )  # fmt: skip

    @property
    def has_several(self) -> bool:
        """Whether it shows more than one source."""
        return self.source_count > 1

    def style(self, zones: tuple[ZoneMark, ...]) -> DrawStyle:
        """How the switches want a source's tracks and zones drawn: on screen, in snapshots and in recordings. Other
        threads ask a `SharedStyle` of it."""
        labels = self.show_labels
        return DrawStyle(
            show_boxes=self.show_boxes,
            show_labels=labels,
            show_ids=labels,
            show_scores=labels,
            show_trails=self.show_trails,
            zones=zones if self.show_zones or self.zones_open else (),
        )

    def add_recent(self, source: str) -> None:
        others = tuple(name for name in self.recent if name != source)
        self.recent = (source, *others)[:RECENT_LIMIT]


class SharedStyle:
    """The style of a source in a window for threads of their own: kept by the GUI's, so that they never read the
    states, which may be half changed. To be made in the GUI's thread."""

    def __init__(self, window: WindowState, player: PlayerState) -> None:
        self._window, self._player = window, player
        names = ("show_boxes", "show_labels", "show_trails", "show_zones", "zones_open")
        self._unwatch = [window.watch(name, self._changed) for name in names]
        player.watch("zones", self._changed, now=True)

    def end(self) -> None:
        """The source is gone: the window's state, which lives on, need not tell it any more."""
        for unwatch in self._unwatch:
            unwatch()

    def _changed(self, _value: object) -> None:
        self._style = self._window.style(self._player.zones)

    def __call__(self) -> DrawStyle:
        return self._style
