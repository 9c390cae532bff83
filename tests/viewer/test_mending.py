"""Verbs for what is selected, at the picture on screen."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.types import Frame
from rtdet.viewer.mending import Mending
from rtdet.viewer.review import FixedReview
from rtdet.viewer.timeline.spans import spans_of
from rtdet.viewer.timeline.state import Timeline
from tests.viewer.timeline.tables import table_of


class Desk:
    """A review with its timeline, whose spans are always up to date."""

    def __init__(self, **frames_of) -> None:
        self.review, self.timeline = FixedReview(), Timeline()
        self.review.watch("table", lambda table: self.timeline.show(spans_of(table)))
        self.mending = Mending(self.review, self.timeline)
        self.review.show(table_of({int(name[1:]): frames for name, frames in frames_of.items()}))

    def select(self, *ids: int) -> None:
        self.timeline.selected = ids

    def frames(self, track_id: int) -> list[int]:
        table = self.review.table
        return table.frames[table.rows_of(track_id)].tolist()


@pytest.fixture
def desk() -> Desk:
    return Desk(t5=range(1, 6), t2=range(7, 12), t9=range(13, 16))


def frame(number: int) -> Frame:
    return Frame(np.zeros((200, 320, 3), np.uint8), (number - 1) / 10.0, number - 1)


def test_merged_tracks_have_the_id_of_the_one_that_begins_first(desk: Desk) -> None:
    desk.select(9, 2, 5)
    desk.mending.merge()
    assert desk.frames(5) == [*range(1, 6), *range(7, 12), *range(13, 16)]
    assert desk.timeline.selected == (5,)


def test_one_track_alone_cannot_be_merged(desk: Desk) -> None:
    desk.select(5)
    with pytest.raises(UsageError, match="select the tracks that are one object"):
        desk.mending.merge()


def test_a_track_is_split_at_the_picture(desk: Desk) -> None:
    desk.select(2)
    desk.mending.split(9)
    assert desk.frames(2) == [7, 8]
    assert desk.frames(10) == [9, 10, 11]


def test_two_tracks_are_swapped_from_the_picture_on(desk: Desk) -> None:
    desk.select(5, 2)
    desk.mending.swap(4)
    assert desk.frames(5) == [1, 2, 3, *range(7, 12)]
    assert desk.frames(2) == [4, 5]
    desk.select(5)
    with pytest.raises(UsageError, match="select the two tracks"):
        desk.mending.swap(4)


def test_selected_tracks_are_deleted_wholly_or_from_the_picture_on(desk: Desk) -> None:
    desk.select(5, 9)
    desk.mending.delete()
    assert desk.review.table.ids.tolist() == [2] * 5
    desk.select(2)
    desk.mending.delete(10)
    assert desk.frames(2) == [7, 8, 9]


def test_without_a_selection_there_is_a_hint(desk: Desk) -> None:
    with pytest.raises(UsageError, match="select a track first"):
        desk.mending.delete()
    with pytest.raises(UsageError, match="select a track first"):
        desk.mending.split(3)


def test_a_track_gets_another_id(desk: Desk) -> None:
    desk.select(5)
    desk.mending.rename(" #77 ")
    assert desk.frames(77) == [1, 2, 3, 4, 5]
    assert desk.timeline.selected == (77,)
    with pytest.raises(UsageError, match="whole number, not seven"):
        desk.mending.rename("seven")
    with pytest.raises(UsageError, match="there is an ID 2 already"):
        desk.mending.rename("2")


def test_tracks_get_another_class(desk: Desk) -> None:
    desk.select(5, 2)
    desk.mending.set_class("dog")
    classes = {int(i): desk.timeline.spans.class_of(p) for p, i in enumerate(desk.timeline.spans.ids)}
    assert classes == {5: "dog", 2: "dog", 9: "person"}
    assert desk.mending.class_names()[:2] == ["person", "dog"]
    with pytest.raises(UsageError, match="needs a name"):
        desk.mending.set_class(" ")


def test_a_box_is_drawn_for_the_selected_track_where_it_is_missing(desk: Desk) -> None:
    desk.select(5)
    assert desk.mending.lacks(6) == 5
    assert desk.mending.lacks(5) is None
    desk.mending.draw(frame(6), (10.123456, 20, 60, 500))
    assert desk.frames(5) == [1, 2, 3, 4, 5, 6]
    drawn = desk.review.table.at(6)
    assert drawn.boxes.tolist() == [[10.12, 20, 60, 200]]


def test_a_box_of_nothing_known_is_a_new_track(desk: Desk) -> None:
    desk.select(5)
    desk.mending.draw(frame(3), (100, 20, 160, 90), "car")
    assert desk.timeline.selected == (10,)
    assert desk.timeline.spans.class_of(desk.timeline.spans.place_of(10)) == "car"
    with pytest.raises(UsageError, match="too small"):
        desk.mending.draw(frame(3), (400, 20, 460, 90), "car")


def test_a_corrected_box_takes_the_frames_around_with_it(desk: Desk) -> None:
    before = desk.review.table
    desk.mending.correct(frame(9), 2, (40.0, 20.0, 48.0, 28.0))
    table = desk.review.table
    assert table.at(9).boxes.tolist() == [[40, 20, 48, 28]]
    assert table.at(8).boxes[0, 0] > before.at(8).boxes[0, 0]
    with pytest.raises(UsageError, match="draw one instead"):
        desk.mending.correct(frame(12), 2, (40.0, 20.0, 48.0, 28.0))
