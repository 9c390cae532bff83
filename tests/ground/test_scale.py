"""A scale of the ground maps pixels to metres, says how sure that is, and is refused in one line if it is wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.ground import needed_scale, read_scale, scale_of
from rtdet.ground.places import places_of
from tests.ground.street import CORNERS, HORIZON, SIZE, boxes_at, description, pixels, the_scale

PLACES = np.array([[0.0, 15.0], [3.0, 20.0], [-6.0, 28.0]])


def test_four_points_give_the_place_of_every_other_and_the_way_back():
    ground = the_scale().on(SIZE)
    assert ground.metres(pixels(PLACES)) == pytest.approx(PLACES)
    assert ground.pixels(PLACES) == pytest.approx(pixels(PLACES))


def test_more_points_than_four_are_fitted_by_least_squares():
    rng = np.random.default_rng(1)
    grid = np.array([(x, depth) for x in np.linspace(-6, 6, 5) for depth in np.linspace(10, 30, 5)])
    measured = {"points": (pixels(grid) + rng.normal(0, 1, (25, 2))).tolist(), "metres": grid.tolist()}
    four = {name: [values[i] for i in (0, 4, 20, 24)] for name, values in measured.items()}
    off = [
        np.abs(scale_of(one, SIZE).on(SIZE).metres(pixels(PLACES)) - PLACES).max() for one in (measured, four)
    ]
    assert off[0] < min(0.1, off[1])


def test_fractions_fit_a_picture_of_any_size():
    relative = {"points": (pixels(CORNERS) / SIZE).tolist(), "metres": CORNERS.tolist()}
    ground = scale_of(relative).on((640, 360))
    assert ground.metres(pixels(PLACES) / 2) == pytest.approx(PLACES)


def test_points_of_one_size_are_carried_to_pictures_of_another():
    assert the_scale().on((640, 360)).metres(pixels(PLACES) / 2) == pytest.approx(PLACES)


def test_metres_per_pixel_are_those_of_the_picture_that_is_meant():
    boxes = np.array([[0.0, 0.0, 10.0, 20.0]])
    alone = scale_of({"metres_per_pixel": 0.1})
    assert alone.on((640, 360)).metres(alone.on((640, 360)).feet(boxes)) == pytest.approx(
        np.array([[0.5, 1.0]])
    )
    sized = scale_of({"metres_per_pixel": 0.1, "point": "feet"}, (1280, 720)).on((640, 360))
    assert sized.metres(sized.feet(boxes)) == pytest.approx(np.array([[1.0, 4.0]]))


def test_what_is_at_the_horizon_or_above_it_has_no_place():
    ground = the_scale().on(SIZE)
    above = np.array([[600.0, HORIZON - 50], [600.0, HORIZON]])
    assert np.isnan(ground.metres(above)).all()
    boxes = np.array([[600.0, 100, 640, HORIZON - 50], [600, 100, 640, HORIZON + 3], [600, 300, 640, 400]])
    assert places_of(ground, boxes).usable.tolist() == [False, False, True]


def test_the_error_of_a_place_is_that_of_the_box_carried_to_the_ground():
    ground, rng = the_scale().on(SIZE), np.random.default_rng(0)
    place = np.array([[4.0, 22.0]])
    found = places_of(ground, boxes_at(place))
    jittered = ground.feet(boxes_at(place)) + rng.normal(0, 1, (20_000, 2)) * (0.5, 1.0)
    really = np.cov(ground.metres(jittered).T)
    jacobian = ground.jacobians(pixels(place))[0]
    assert jacobian @ np.diag([0.25, 1.0]) @ jacobian.T == pytest.approx(really, rel=0.06)
    root = found.roots[0]
    assert (root @ root.T)[1, 1] > 3 * (root @ root.T)[0, 0]  # depth is the least sure


def test_a_box_that_the_border_cuts_off_has_no_place():
    ground = the_scale().on(SIZE)
    boxes = np.array(
        [[0.0, 300, 60, 500], [1200, 300, 1280, 500], [500, 500, 600, 720], [500, 300, 600, 500]]
    )
    assert places_of(ground, boxes).usable.tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, r'needs either "points" with their "metres", or "metres_per_pixel"$'),
        ({**description(), "metres_per_pixel": 1}, r"not both"),
        ([1], r'"ground" is an object'),
        (description(CORNERS[:3]), r"needs four points or more, not 3"),
        ({**description(), "metres": [[0, 0]] * 3}, r"4 points but 3 places"),
        (description(np.array([[0, 12], [0, 16], [0, 20], [0, 24]])), r"determine no plane: three of four"),
        (description(np.array([[0, 12], [0, 16], [0, 20], [5, 24]])), r"determine no plane: three of four"),
        (description(CORNERS[[0, 1, 2, 2]]), r"determine no plane"),
        ({**description(), "metres": [[1, 1]] * 4}, r"all the same"),
        ({**description(), "metres": [[0, 0], [1, 0], [2, 0], [3, 0]]}, r"determine no plane"),
        (
            {**description(), "metres": CORNERS[[0, 3, 2, 1]].tolist()},
            r"behind the camera; give both lists in the",
        ),
        ({**description(), "metres": [[0, math.nan], [1, 0], [1, 1], [0, 1]]}, r"number 1 is \[0, nan\]"),
        ({**description(), "metres": [[0, 0], [1, "x"], [1, 1], [0, 1]]}, r"number 2 is \[1, 'x'\]"),
        ({**description(), "metres": [[0, 0], [10**400, 0], [1, 1], [0, 1]]}, r"not two numbers"),
        ({**description(), "points": [1, 2, 3, 4]}, r"a list of pairs"),
        ({**description(), "points": "abcd"}, r"a list of pairs"),
        ({**description(), "point": "nose"}, r"is feet or center, not 'nose'"),
        ({"points": [[0, 0]] * 2000, "metres": [[0, 0]] * 2000}, r"1000 are the most"),
        ({"metres_per_pixel": 0}, r"above 0, not 0"),
        ({"metres_per_pixel": -1}, r"above 0"),
        ({"metres_per_pixel": "0.1"}, r"above 0, not '0.1'"),
        ({"metres_per_pixel": True}, r"above 0"),
        ({"metres_per_pixel": 1e-320}, r"at least 1e-06"),
        (
            {**description(), "metres": [[0, 0], [1e-200, 0], [1e-200, 1e-200], [0, 1e-200]]},
            r"all within 0.0001 metres",
        ),
    ],
)
def test_a_wrong_scale_is_refused_in_one_line_that_names_the_file(wrong, message):
    with pytest.raises(SourceError, match=message) as raised:
        scale_of(wrong, SIZE, "zones.json")
    assert str(raised.value).startswith("zones.json: ")
    assert "\n" not in str(raised.value)


def test_pixels_without_the_pictures_size_are_refused():
    with pytest.raises(SourceError, match=r'add the picture\'s "size"'):
        scale_of(description())


def test_fractions_need_the_size_of_the_picture():
    relative = {"points": (pixels(CORNERS) / SIZE).tolist(), "metres": CORNERS.tolist()}
    with pytest.raises(SourceError, match=r"its size is not known"):
        scale_of(relative).on(None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"is no zones file: expecting"),
        ("[" * 100_000, r"is no zones file"),
        ("[]", r"is no zones file"),
        (
            '{"properties": {"size": [0, 5], "ground": {"metres_per_pixel": 1}}}',
            r'"size" is the picture\'s width',
        ),
        ('{"properties": {}}', r'has no scale: add to its "properties"'),
    ],
)
def test_a_file_without_a_sound_scale_is_refused(tmp_path, text, message):
    (tmp_path / "z.json").write_text(text)
    with pytest.raises(SourceError, match=message):
        needed_scale(tmp_path / "z.json")


def test_a_zones_file_needs_no_scale(tmp_path):
    (tmp_path / "z.json").write_text('{"type": "FeatureCollection", "features": []}')
    assert read_scale(tmp_path / "z.json") is None
    with pytest.raises(SourceError, match=r"cannot read the zones of .*absent\.json: no such file"):
        read_scale(tmp_path / "absent.json")
