from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

import rtdet


def test_empty_detections_and_tracks_are_zero_by_four():
    assert rtdet.Detections().boxes.shape == (0, 4)
    assert rtdet.Tracks([]).boxes.shape == (0, 4)
    assert rtdet.Tracks().since_update_s.shape == (0,)


def test_detections_take_plain_lists_and_index_by_mask():
    found = rtdet.Detections([[0, 0, 2, 2], [1, 1, 5, 5]], [0.9, 0.4], [1, 0], ("car", "bus"))
    strong = found[found.scores > 0.5]
    assert len(strong) == 1
    assert strong.name_of(0) == "bus"


@pytest.mark.parametrize(
    ("boxes", "scores", "labels"),
    [([[1, 2, 3]], [1], [0]), ([[1, 2, 3, 4]], [1, 1], [0]), ([[1, 2, 3, 4]], [1], [])],
)
def test_shapes_that_do_not_fit_are_refused(boxes, scores, labels):
    with pytest.raises(ValueError):
        rtdet.Detections(boxes, scores, labels)


def test_rows_of_tracks_are_what_their_columns_make_anew():
    rng = np.random.default_rng(0)
    columns = (rng.random((5, 4)), np.arange(1, 6), rng.random(5), np.arange(5), rng.random(5))
    known = {"speed_mps": rng.random(5)}
    tracks = rtdet.Tracks(*columns, ("car", "person"), rng.random(5), known, rng.random((5, 2, 3)))
    for keep in (
        np.array([True, False, True, True, False]),
        np.array([3, 1]),
        slice(1, 3),
        np.zeros(5, dtype=bool),
    ):
        some = tracks[keep]
        anew = rtdet.Tracks(
            *(column[keep] for column in columns),
            tracks.class_names,
            tracks.uncertainty[keep],
            {"speed_mps": known["speed_mps"][keep]},
            tracks.points[keep],
        )
        for field in fields(rtdet.Tracks):
            np.testing.assert_equal(getattr(some, field.name), getattr(anew, field.name))
    with pytest.raises(ValueError, match=r"boxes are \(N, 4\)"):
        tracks[3]


def test_values_are_frozen():
    with pytest.raises(AttributeError):
        rtdet.Detections().boxes = np.zeros((1, 4))


def test_a_frame_is_a_colour_picture_of_bytes():
    assert rtdet.Frame(np.zeros((4, 6, 3), np.uint8), t=0.0, index=0).size == (6, 4)
    with pytest.raises(ValueError):
        rtdet.Frame(np.zeros((4, 6)), t=0.0, index=0)


def test_every_public_name_exists():
    for name in rtdet.__all__:
        assert getattr(rtdet, name) is not None
    with pytest.raises(AttributeError):
        _ = rtdet.nothing


@pytest.mark.parametrize(
    ("name", "known", "called"),
    [
        ("person", ("person", "car"), "person"),
        ("Person", ("person", "car"), "person"),
        ("TRAFFIC_LIGHT", ("traffic light",), "traffic light"),
        ("fire-hydrant ", ("fire hydrant",), "fire hydrant"),
        ("CAR", ("car", "CAR"), "CAR"),
        ("caravan", ("car",), None),
    ],
)
def test_a_class_may_be_spelt_with_other_capitals_and_blanks(name, known, called):
    from rtdet.types import class_called

    assert class_called(name, known) == called
