"""What a person does to tracks: verbs for what is selected, at the picture on screen. Free of Qt.

All of them raise UsageError, one line for the person, where they cannot be done; nothing has changed then.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rtdet.errors import UsageError
from rtdet.tracks.offline import Edit
from rtdet.tracks.table import TrackTable
from rtdet.types import Frame
from rtdet.viewer.box_drag import within_picture
from rtdet.viewer.review import Review
from rtdet.viewer.timeline.state import Timeline


class Mending:
    """Turns what is selected into edits of the review."""

    def __init__(self, review: Review, timeline: Timeline) -> None:
        self._review, self._timeline = review, timeline

    def merge(self) -> None:
        """The selected tracks become one, under the ID of the one that begins first."""
        ids = self._in_time()
        if len(ids) < 2:
            raise UsageError("select the tracks that are one object first, with Ctrl and a click")
        for other in ids[1:]:
            self._review.apply(Edit.of("merge", first=ids[0], second=other))
        self._timeline.selected = (ids[0],)

    def split(self, number: int) -> None:
        """From the frame of this number on the track is another one."""
        self._review.apply(Edit.of("split", track_id=self._one(), frame=number))

    def swap(self, number: int) -> None:
        """From the frame of this number on the two selected tracks have each other's ID."""
        if len(self._timeline.selected) != 2:
            raise UsageError("select the two tracks that were confused first, with Ctrl and a click")
        first, second = self._timeline.selected
        self._review.apply(Edit.of("swap", first=first, second=second, frame=number))

    def delete(self, start: int | None = None, end: int | None = None) -> None:
        """Deletes the selected tracks, all of each or what lies in these frames."""
        for track_id in self._timeline.selected or (self._one(),):
            self._review.apply(Edit.of("delete", track_id=track_id, start=start, end=end))

    def rename(self, text: str) -> None:
        """Gives the track the ID that was typed."""
        old, new = self._one(), text.strip().lstrip("#")
        if not (new.isascii() and new.isdecimal()):
            raise UsageError(f"an ID is a whole number, not {text.strip() or 'nothing'}")
        self._review.apply(Edit.of("rename", old=old, new=int(new)))
        self._timeline.selected = (int(new),)

    def set_class(self, name: str) -> None:
        """Makes the selected tracks objects of another class."""
        if not name.strip():
            raise UsageError("a class needs a name")
        for track_id in self._timeline.selected or (self._one(),):
            self._review.apply(Edit.of("set_class", track_id=track_id, name=name.strip()))

    def lacks(self, number: int) -> int | None:
        """The chosen track, where it has no box in the frame: a box that is drawn there is its; None: a new one's."""
        table, chosen = self._table(), self._timeline.chosen
        return chosen if chosen is not None and chosen not in table.at(number).ids else None

    def draw(self, frame: Frame, box: Sequence[float], class_name: str | None = None) -> None:
        """Adds a box to the chosen track, or a track of a new ID where that one is in the frame already."""
        number, drawn = frame.index + 1, _in_picture(frame, box)
        known = self.lacks(number)
        track_id = known if known is not None else int(self._table().ids.max(initial=0)) + 1
        name = class_name if known is None else None
        self._review.apply(Edit.of("draw", track_id=track_id, frame=number, box=drawn, class_name=name))
        self._timeline.selected = (track_id,)

    def correct(self, frame: Frame, track_id: int, box: Sequence[float]) -> None:
        """Puts a track's box in a frame right; those of the frames around follow."""
        drawn = _in_picture(frame, box)
        self._review.apply(Edit.of("correct", track_id=track_id, frame=frame.index + 1, box=drawn))

    def class_names(self) -> list[str]:
        """The classes of the tracks, those that occur first."""
        table = self._review.table
        if table is None:
            return []
        return list(dict.fromkeys([*self._timeline.spans.classes(), *table.class_names]))

    def _one(self) -> int:
        if self._timeline.chosen is None:
            raise UsageError("select a track first: click on its lane, or on its box")
        return self._timeline.chosen

    def _in_time(self) -> list[int]:
        spans = self._timeline.spans
        places = [(spans.place_of(one), one) for one in self._timeline.selected]
        return [one for _, one in sorted((place, one) for place, one in places if place is not None)]

    def _table(self) -> TrackTable:
        if self._review.table is None:
            raise UsageError("there are no tracks to mend yet")
        return self._review.table


def _in_picture(frame: Frame, box: Sequence[float]) -> tuple[float, ...]:
    inside = within_picture(box, *frame.size)
    if inside is None:
        raise UsageError("that box is too small, or not in the picture")
    return tuple(np.round(inside, 2).tolist())
