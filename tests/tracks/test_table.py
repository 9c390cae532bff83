"""The table of a run's tracks: what it refuses, and that nobody can write to it."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.tracks.table import FARTHEST, LAST_FRAME, LAST_ID, FrameList, TrackTable


def table(frames=(1, 1, 2), ids=(1, 2, 1), boxes=None, scores=None, frame_list=None, visibility=None):
    count = len(frames)
    boxes = np.tile([1.0, 2.0, 3.0, 4.0], (count, 1)) if boxes is None else boxes
    scores = np.ones(count) if scores is None else scores
    frame_list = FrameList(np.array([1, 2, 5]), np.zeros(3)) if frame_list is None else frame_list
    values = {} if visibility is None else {"visibility": visibility}
    return TrackTable(
        np.array(frames), np.array(ids), boxes, scores, np.zeros(count), frame_list, values=values
    )


def test_columns_cannot_be_written_to_and_the_arrays_that_were_given_still_can():
    boxes = np.zeros((3, 4))
    made = table(boxes=boxes)
    boxes[0] = 7
    assert made.boxes[0, 0] == 0
    for column in (made.frames, made.ids, made.boxes, made.scores, made.labels, made.visibility):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_rows_of_a_track_are_in_order_of_frame_and_tracks_in_order_of_id():
    made = table(frames=(1, 1, 2, 5), ids=(4, 2, 4, 2))
    assert [rows.tolist() for rows in made.tracks()] == [[1, 3], [0, 2]]
    assert made.rows_of(4).tolist() == [0, 2]
    assert made.rows_of(9).tolist() == []
    assert table(frames=(), ids=()).tracks() == []


def test_what_is_in_a_frame_is_a_value_as_trackers_give_it():
    made = table(frames=(1, 1, 5), ids=(4, 2, 4), scores=np.array([0.5, 0.25, 1.0]))
    assert made.at(1).ids.tolist() == [4, 2]
    assert made.at(5).scores.tolist() == [1.0]
    assert len(made.at(2)) == len(made.at(99)) == 0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"ids": (1, 1, 1)}, "frame 1, ID 1: the ID appears twice"),
        ({"ids": (1, -1, 1)}, "frame 1, ID -1: the ID is not a whole number"),
        ({"ids": (1, LAST_ID + 1, 1)}, "the ID is not a whole number"),
        ({"frames": (2, 1, 1)}, "order of frame"),
        ({"frames": (1, 1, 3)}, "frame list"),
        ({"boxes": np.full((3, 4), np.nan)}, "frame 1, ID 1: the box"),
        ({"boxes": np.full((3, 4), 2 * FARTHEST)}, "frame 1, ID 1: the box"),
        ({"scores": np.array([1, np.inf, 1])}, "frame 1, ID 2: the score"),
        ({"visibility": np.array([1, 1, np.nan])}, "frame 2, ID 1: the visibility"),
        ({"scores": np.ones(2)}, "equally long"),
    ],
)
def test_a_wrong_row_is_named(columns, words):
    with pytest.raises(ValueError, match=words):
        table(**columns)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"numbers": [0, 1]}, "frames are numbered 1 to"),
        ({"numbers": [1, LAST_FRAME + 1]}, "frames are numbered 1 to"),
        ({"numbers": [2, 2]}, "do not increase"),
        ({"times_s": [0.0]}, "2 frames, but 1 times"),
        ({"names": ("a.png",)}, "1 names"),
        ({"sizes": np.zeros((3, 2))}, "3 sizes"),
    ],
)
def test_a_list_of_frames_that_does_not_fit_together_is_refused(columns, words):
    given = {"numbers": [1, 2], "times_s": [0.0, 0.1], **columns}
    with pytest.raises(ValueError, match=words):
        FrameList(**{name: v if isinstance(v, tuple) else np.array(v) for name, v in given.items()})
