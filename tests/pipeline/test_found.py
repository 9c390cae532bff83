"""Detections shown as tracks, and tracks put together: what is known of a track goes with it."""

from __future__ import annotations

import numpy as np

from rtdet.pipeline.found import together, with_ids
from rtdet.types import Detections, Tracks

NAMES = ("person", "car")


def _tracks(ids: list[int], visibility: list[float] | None = None) -> Tracks:
    boxes = [[20.0 * i, 0, 20.0 * i + 10, 10] for i in ids]
    values = {} if visibility is None else {"visibility": np.array(visibility)}
    return Tracks(np.array(boxes), np.array(ids), np.full(len(ids), 0.5), class_names=NAMES, values=values)


def test_a_detection_takes_the_id_and_the_values_of_the_track_that_it_covers():
    tracks = _tracks([1, 2], [0.25, 0.75])
    detections = Detections(np.array([[41.0, 0, 50, 10], [200, 0, 210, 10]]), [0.9, 0.8], [0, 0], NAMES)
    shown = with_ids(detections, tracks)
    assert shown.ids.tolist() == [2, 0]
    assert shown.values["visibility"].tolist() == [0.75, 1.0]
    assert with_ids(detections, _tracks([2])).values == {}


def test_of_rows_put_together_those_without_a_value_have_its_default():
    both = together(_tracks([1]), _tracks([2, 3], [0.5, 0.25]))
    assert both.ids.tolist() == [1, 2, 3]
    assert both.values["visibility"].tolist() == [1.0, 0.5, 0.25]
    assert together(_tracks([1]), _tracks([2])).values == {}


def test_key_points_go_with_the_detections_and_are_none_where_nobody_has_any():
    points = np.full((1, 17, 3), 0.5)
    shown = with_ids(Detections([[20.0, 0, 30, 10]], [0.9], [0], NAMES, points), _tracks([1, 2]))
    assert shown.ids.tolist() == [1]
    both = together(shown, _tracks([2]))
    assert both.points is not None
    assert both.points[:, 0, 2].tolist() == [0.5, 0.0]
    assert together(_tracks([1]), _tracks([2])).points is None
