"""The plan, the heat map and the trails show where objects were: at the right place, for the right time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.ground import scale_of
from rtdet.ground.over_picture import backdrop, draw_heat, draw_trails, empty_backdrop, feet_of, heat
from rtdet.ground.paper import Paper, nice_step
from rtdet.ground.plan import draw_plan, paths_of
from rtdet.video.draw import color_of
from tests.ground.street import SIZE, boxes_at, table_of, the_scale

SECONDS = np.arange(50) / 25


def walk(start, end, noise_px=0.5):
    places = np.linspace(start, end, 50)
    return boxes_at(places, np.random.default_rng(1), noise_px)


def pixels_of(image, color):
    """(N, 2) x and y of the pixels that have this colour, or nearly."""
    off = np.abs(image.astype(int) - np.array(color[::-1])).max(axis=2)
    return np.argwhere(off < 12)[:, ::-1]


@pytest.fixture
def street():
    """ID 1 walks to the right, far away; ID 2 comes nearer; ID 3 stands."""
    walks = {1: walk((-3, 20), (3, 20)), 2: walk((0, 18), (0, 14)), 3: walk((3, 16), (3, 16))}
    return table_of(walks, SECONDS)


def test_a_plan_has_each_track_in_its_colour_from_above_far_is_up(street):
    image = draw_plan(street, the_scale())
    first, second = (pixels_of(image, color_of(one)) for one in (1, 2))
    assert np.ptp(first[:, 0]) > 4 * np.ptp(first[:, 1])
    assert np.ptp(second[:, 1]) > 4 * np.ptp(second[:, 0])
    assert first[:, 1].max() < second[:, 1].min()  # 20 m away is above 18 m
    # 6 m across and 4 m along, by the same scale; arrow heads and dots add their size to both.
    assert np.ptp(first[:, 0]) / np.ptp(second[:, 1]) == pytest.approx(1.5, abs=0.1)


def test_a_plan_is_never_mirrored(street):
    """Whoever measures Y toward the camera gets the same plan, but for the numbers."""
    far, near = the_scale(), the_scale()
    near = replace(near, metres=near.metres * (1, -1))
    assert far.on(SIZE).is_mirrored
    assert not near.on(SIZE).is_mirrored
    one, two = (pixels_of(draw_plan(street, scale), color_of(1)) for scale in (far, near))
    assert one.mean(axis=0) == pytest.approx(two.mean(axis=0), abs=3)


def test_a_path_is_smoother_than_its_boxes(street):
    table = table_of({1: walk((-3, 20), (3, 20), noise_px=2.0)}, SECONDS)
    (path,) = paths_of(table, the_scale())
    raw = the_scale().on(SIZE).metres(feet_of(table.boxes))
    assert np.abs(path.places[:, 1] - 20).mean() < np.abs(raw[:, 1] - 20).mean() / 2


def test_the_ground_that_the_picture_shows_is_white_and_the_rest_grey():
    """At 12 m the picture is 17 m wide, at 30 m 43 m."""
    table = table_of({1: walk((-4, 12), (-18, 30)), 2: walk((4, 12), (18, 30))}, SECONDS)
    image = draw_plan(table, the_scale())
    white = (image == 255).all(axis=2)
    near, far = white[int(len(white) * 0.8)].mean(), white[int(len(white) * 0.1)].mean()
    assert 0.3 < near < far - 0.2


def test_tracks_above_the_horizon_alone_have_no_plan():
    bird = np.tile([600.0, 20.0, 640.0, 60.0], (50, 1)) + np.outer(np.arange(50), [1, 0, 1, 0])
    with pytest.raises(SourceError, match=r"none of these tracks has a place on the ground"):
        draw_plan(table_of({1: bird}, SECONDS), the_scale())


def test_a_plan_of_one_who_stands_has_some_ground_around_it():
    table = table_of({1: np.tile([100.0, 100.0, 120.0, 140.0], (50, 1))}, SECONDS, sizes=False)
    image = draw_plan(table, scale_of({"metres_per_pixel": 0.05}))
    assert 200 < image.shape[0] < 3000
    assert len(pixels_of(image, color_of(1)))


def test_heat_is_the_seconds_that_somebody_was_there():
    """One stands for 2 s, one for 1 s; a path passes for far less at each place."""
    here, there = np.tile([100.0, 100, 120, 160], (50, 1)), np.tile([300.0, 100, 320, 160], (50, 1))
    table = table_of({1: here, 2: there}, SECONDS, sizes=False)
    keep = np.flatnonzero((table.ids == 1) | (table.frames <= 25))
    columns = {name: getattr(table, name)[keep] for name in ("frames", "ids", "boxes", "scores", "labels")}
    values = heat(replace(table, **columns, values={}), (400, 200))
    assert values[159, 110] == pytest.approx(2.0, rel=0.05)
    assert values[159, 310] == pytest.approx(1.0, rel=0.05)
    assert values[20, 200] == 0


def test_heat_counts_true_time_not_frames():
    standing = np.tile([100.0, 100, 120, 160], (20, 1))
    slow, quick = (table_of({1: standing}, np.arange(20) / fps, sizes=False) for fps in (5, 25))
    assert heat(slow, (400, 200)).max() == pytest.approx(5 * heat(quick, (400, 200)).max(), rel=0.01)


def test_a_pause_of_the_source_is_not_time_that_somebody_stood_there():
    standing = np.tile([100.0, 100, 120, 160], (20, 1))
    seconds = np.arange(20) / 10 + np.where(np.arange(20) >= 10, 600, 0)
    assert heat(table_of({1: standing}, seconds, sizes=False), (400, 200)).max() < 4


def test_what_is_outside_of_the_picture_is_left_out(street):
    outside = replace(street, boxes=street.boxes + 5000)
    assert heat(outside, SIZE).max() == 0
    assert draw_heat(outside, empty_backdrop(outside)).shape == (720, 1280, 3)
    assert draw_trails(outside, empty_backdrop(outside)).shape == (720, 1280, 3)


def test_heat_is_hot_where_somebody_stands(street):
    ground = empty_backdrop(street)
    image = draw_heat(street, ground).astype(int).sum(axis=2)
    feet = np.round(feet_of(street.boxes[street.ids == 3]).mean(axis=0)).astype(int)
    assert image[feet[1] - 1, feet[0]] > 500
    assert image[100, 100] == ground[0, 0].astype(int).sum()


def test_trails_follow_the_feet_and_stop_at_long_gaps(street):
    image = draw_trails(street, empty_backdrop(street))
    found = pixels_of(image, color_of(1))
    feet = feet_of(street.boxes[street.ids == 1])
    assert found[:, 0].min() == pytest.approx(feet[:, 0].min(), abs=8)
    assert found[:, 1].mean() == pytest.approx(feet[:, 1].mean(), abs=3)
    gap = np.flatnonzero((street.frames < 10) | (street.frames > 40))
    columns = {name: getattr(street, name)[gap] for name in ("frames", "ids", "boxes", "scores", "labels")}
    seconds = street.frame_list.times_s + np.where(street.frame_list.numbers > 20, 10, 0)
    listed = replace(street.frame_list, times_s=seconds)
    parted = replace(street, **columns, values={}, frame_list=listed)
    middle = pixels_of(draw_trails(parted, empty_backdrop(parted)), color_of(1))
    inside = np.abs(middle[:, 0] - feet[24, 0]) < 30
    assert not inside.any()


def test_what_moves_is_not_in_the_calm_picture_under_a_drawing():
    pictures = []
    for i in range(5):
        picture = np.full((60, 100, 3), 120, dtype=np.uint8)
        picture[20:40, 20 * i : 20 * i + 15] = (0, 0, 255)
        pictures.append(picture)
    calm = backdrop(pictures)
    assert np.unique(calm).size == 1
    assert backdrop([]) is None


def test_without_a_picture_the_size_is_that_of_the_frames_or_of_all_boxes(street):
    assert empty_backdrop(street).shape == (720, 1280, 3)
    unknown = table_of({1: np.tile([10.0, 10.0, 330.0, 220.0], (50, 1))}, SECONDS, sizes=False)
    assert empty_backdrop(unknown).shape == (240, 350, 3)
    assert empty_backdrop(unknown, (640, 480)).shape == (480, 640, 3)


def test_lines_are_smooth_and_far_ones_do_no_harm():
    paper = Paper.plain(60, 40, (0, 0, 0))
    paper.line(np.array([[5.0, 5.0], [50.0, 30.0]]), (255, 255, 255), 2.0)
    paper.line(np.array([[-1e12, 5.0], [1e12, 5.0]]), (255, 0, 0), 2.0)
    image = paper.finished()
    assert len(np.unique(image[..., 0])) > 10
    assert image[5, 30].tolist() == [0, 0, 255]


def test_steps_of_grids_are_round_numbers():
    assert [nice_step(span, 10) for span in (10, 12, 37, 99, 0.3)] == pytest.approx([1, 2, 5, 10, 0.05])
