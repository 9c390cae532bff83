"""What drawing does to the pixels, and which colours it takes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from rtdet.types import Tracks
from rtdet.video.draw import DrawStyle, TrailStore, color_of, draw_tracks, label_text, marks_of
from rtdet.video.draw.marks import label_words, missed, opacities
from rtdet.video.draw.placing import overlap, place_labels

GREY = np.full((360, 480, 3), 120, np.uint8)
BARE = DrawStyle(show_labels=False, show_ids=False, show_scores=False)


def one(box: list[float], track_id: int = 4, since: float = 0.0, name: str = "person") -> Tracks:
    return Tracks([box], [track_id], [0.87], [0], [since], (name,))


def changed(image: np.ndarray, ground: np.ndarray = GREY) -> np.ndarray:
    return (image != ground).any(axis=2)


def luminance(rgb: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(rgb) / 255]
    return float(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])


def contrast(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_drawing_leaves_the_given_picture_alone_and_draws_the_box_where_it_is() -> None:
    ground = GREY.copy()
    drawn = draw_tracks(ground, one([100, 80, 200, 300]), BARE)
    assert (ground == GREY).all()
    rows, columns = np.nonzero(changed(drawn))
    assert (columns.min(), columns.max()) == pytest.approx((100, 200), abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((80, 300), abs=2)
    assert not changed(drawn)[90:290, 110:190].any()
    assert tuple(drawn[200, 100, ::-1]) == color_of(4)


def test_no_tracks_give_an_equal_picture_that_is_a_copy() -> None:
    drawn = draw_tracks(GREY, Tracks())
    assert (drawn == GREY).all()
    assert drawn is not GREY


def test_a_colour_stays_with_its_id_and_neighbours_differ_in_hue_and_lightness() -> None:
    colors = [color_of(i) for i in range(1, 61)]
    assert colors == [color_of(i) for i in range(1, 61)]
    assert len(set(colors)) == 60
    for a, b in pairwise(colors):
        assert max(abs(x - y) for x, y in zip(a, b, strict=True)) > 60
        assert abs(luminance(a) - luminance(b)) > 0.03  # told apart without seeing hue


def test_text_stands_out_on_every_chip() -> None:
    for track_id in range(1, 200):
        color = color_of(track_id)
        drawn = draw_tracks(GREY, one([100, 80, 200, 300], track_id))
        chip = drawn[60:78, 100:150, ::-1].reshape(-1, 3)
        inked = {tuple(pixel) for pixel in chip.tolist()}
        assert max(contrast(color, pixel) for pixel in inked) > 4.5, track_id


def test_the_chip_stays_inside_the_picture() -> None:
    for box in ([-50, -40, 60, 90], [440, 2, 520, 100], [200, 350, 300, 420], [0, 0, 480, 360]):
        drawn = draw_tracks(GREY, one(box, name="a rather long class name"))
        chip = (drawn == np.array(color_of(4))[::-1]).all(axis=2)
        assert chip.sum() > 800


def test_style_chooses_what_the_chip_says() -> None:
    full = draw_tracks(GREY, one([100, 80, 200, 300]))
    short = draw_tracks(GREY, one([100, 80, 200, 300]), DrawStyle(show_labels=False, show_scores=False))
    assert changed(short)[:78].sum() < changed(full)[:78].sum()


def test_a_track_that_the_newest_detections_missed_is_dashed() -> None:
    boxes = [[100.0, 80.0, 200.0, 300.0], [300.0, 80.0, 400.0, 300.0]]
    for delay in (0.0, 0.3):  # of the detector: it makes nothing dashed
        drawn = draw_tracks(GREY, Tracks(boxes, [1, 2], since_update_s=[delay + 0.2, delay]), BARE)
        assert 0.3 < changed(drawn)[90:290, 100].mean() < 0.8
        assert changed(drawn)[90:290, 300].all()


def test_a_box_fades_as_its_place_gets_uncertain_and_as_time_goes_by() -> None:
    box = [[100.0, 80.0, 200.0, 300.0]]

    def strength(**columns: list[float]) -> int:
        return int(np.abs(draw_tracks(GREY, Tracks(box, [1], **columns), BARE).astype(int) - GREY).sum())

    assert (
        strength()
        > strength(uncertainty=[0.2])
        > strength(uncertainty=[0.6])
        > strength(uncertainty=[9.0])
        > 0
    )
    assert strength() > strength(since_update_s=[0.2]) > strength(since_update_s=[0.5])


def test_opacity_falls_from_one_to_a_floor_by_the_greater_doubt() -> None:
    tracks = Tracks(np.zeros((5, 4)), since_update_s=[0, 0, 1, 1, 50], uncertainty=[0, 0.5, 0, 0.8, np.nan])
    np.testing.assert_allclose(opacities(tracks, 2.0), [1, 0.625, 0.625, 0.4, 0.25])
    assert missed(Tracks()).shape == opacities(Tracks(), 2.0).shape == (0,)


def test_lines_grow_with_the_picture() -> None:
    def line_width(height: int) -> int:
        ground = np.full((height, height * 16 // 9, 3), 120, np.uint8)
        drawn = draw_tracks(ground, one([height / 4, height / 4, height / 2, height / 2]), BARE)
        return int((changed(drawn, ground)[height * 3 // 8, : height * 3 // 8]).sum())

    assert line_width(240) < line_width(1080) < line_width(2160)


@pytest.mark.parametrize(
    "box",
    [
        [np.nan, 0, 10, 10],
        [0, 0, np.inf, 10],
        [300, 300, 100, 100],
        [50, 50, 50, 50],
        [-1e12, -1e12, 1e12, 1e12],
        [900, 900, 990, 990],
    ],
    ids=["nan", "infinite", "inverted", "no area", "enormous", "outside"],
)
def test_boxes_that_make_no_sense_do_not_stop_the_drawing(box: list[float]) -> None:
    for since in (0.0, 0.5):
        tracks = Tracks([box, [10, 40, 50, 90]], [1, 2], since_update_s=[since, 0.0], class_names=("x",))
        trails = TrailStore()
        for t in (0.0, 0.1, 0.2):
            trails.update(tracks, t)
        assert tuple(draw_tracks(GREY, tracks, trails=trails)[70, 10, ::-1]) == color_of(2)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (8, 200), (200, 8)])
def test_tiny_pictures_are_drawn_on_too(size: tuple[int, int]) -> None:
    ground = np.zeros((*size, 3), np.uint8)
    assert draw_tracks(ground, one([0, 0, 5, 5], name="person with a long name")).shape == ground.shape


def test_without_a_tracker_boxes_take_the_colour_of_their_class_and_show_no_id() -> None:
    tracks = Tracks([[10, 40, 60, 90], [100, 40, 160, 90], [200, 40, 260, 90]], [0, 0, 0], labels=[0, 1, 1])
    drawn = draw_tracks(GREY, tracks, BARE)
    first, second, third = (tuple(drawn[70, x]) for x in (10, 100, 200))
    assert second == third != first


def test_trails_follow_the_foot_points_and_end_after_their_time() -> None:
    trails = TrailStore(seconds=1.0)
    for i in range(50):
        trails.update(one([10 + i, 20, 30 + i, 60]), i / 25)
    points = trails.points(4)
    assert len(points) == 26
    assert points[-1].tolist() == [69.0, 60.0]
    drawn = draw_tracks(GREY, one([59, 20, 79, 60]), BARE, trails)
    assert changed(drawn)[60, 46:58].all()
    trails.update(Tracks(), 10.0)
    assert len(trails) == 0
    assert trails.points(4).shape == (0, 2)


def test_trails_forget_the_past_after_a_seek_back_and_stay_bounded() -> None:
    trails = TrailStore(seconds=1e9, max_points=100)
    for i in range(500):
        trails.update(one([i, 0, i + 1, 1]), float(i))
    assert len(trails.points(4)) == 100
    trails.update(one([0, 0, 1, 1]), 3.0)
    assert len(trails.points(4)) == 1


def test_labels_of_crowded_boxes_lie_beside_each_other_and_inside_the_picture() -> None:
    boxes = [(50, 60, 130, 150), (52, 62, 128, 148), (55, 58, 120, 160), (0, 0, 60, 90), (300, 190, 320, 200)]
    places = place_labels(boxes, [(72.0, 18.0)] * 5, (0, 0, 320, 200))
    for left, top, right, bottom in places:
        assert 0 <= left < right <= 320
        assert 0 <= top < bottom <= 200
    assert [(a, b) for i, a in enumerate(places) for b in places[:i] if overlap(a, b)] == []


def test_a_label_names_class_id_and_score_and_leaves_out_an_id_that_is_none() -> None:
    tracks = Tracks(
        [[0, 0, 1, 1]] * 2, ids=[12, 0], scores=[0.5, 0.9], labels=[1, 0], class_names=("a", "car")
    )
    assert label_text(label_words(tracks, 0, DrawStyle())) == "car #12  0.50"
    assert label_text(label_words(tracks, 1, DrawStyle())) == "a  0.90"
    assert label_text(label_words(tracks, 0, DrawStyle(show_ids=False))) == "car  0.50"
    assert label_words(tracks, 0, BARE) == ()


def test_a_style_chooses_boxes_labels_and_trails() -> None:
    trails = TrailStore()
    for i in range(20):
        trails.update(one([100 + 5 * i, 80, 200 + 5 * i, 300]), i / 25)
    tracks = one([195, 80, 295, 300])
    nothing = replace(BARE, show_boxes=False, show_trails=False)
    assert not changed(draw_tracks(GREY, tracks, nothing, trails)).any()
    box = changed(draw_tracks(GREY, tracks, replace(nothing, show_boxes=True), trails))
    trail = changed(draw_tracks(GREY, tracks, replace(nothing, show_trails=True), trails))
    label = changed(draw_tracks(GREY, tracks, replace(nothing, show_labels=True), trails))
    assert box[200, 195]
    assert not box[295:305, 160:190].any()
    assert trail[295:305, 160:190].any()
    assert not trail[200, 195]
    assert label[:80].any()
    assert not label[90:].any()


def test_what_was_just_seen_lies_over_what_is_faint() -> None:
    boxes = [[100, 80, 200, 300], [100, 80, 200, 300]]
    marks = marks_of(Tracks(boxes, [1, 2], since_update_s=[0.0, 1.0]), DrawStyle())
    assert [mark.color for mark in marks] == [color_of(2), color_of(1)]
    assert marks[0].opacity < marks[1].opacity
    assert [mark.is_dashed for mark in marks] == [True, False]


def test_of_many_labels_none_lies_on_another_that_has_a_place() -> None:
    from rtdet.video.draw.placing import overlap, place_labels

    random = np.random.default_rng(5)
    corners = random.uniform(0, 3000, (200, 2))
    boxes = [(x, y, x + 40.0, y + 60.0) for x, y in corners.tolist()]
    sizes = [(float(width), 14.0) for width in random.uniform(30, 90, 200)]
    clip = (0.0, 0.0, 3200.0, 3200.0)
    placed = place_labels(boxes, sizes, clip)
    taken: list[tuple[float, float, float, float]] = []
    for (x1, y1, _, y2), (width, height), rect in zip(boxes[::-1], sizes[::-1], placed[::-1], strict=True):
        left = max(min(x1 - 1, clip[2] - width), 0.0)
        tops = [at for at in (y1 - height - 1, y1 + 1, y2 + 1) if 0 <= at <= clip[3] - height]
        rects = [(left, at, left + width, at + height) for at in tops]
        free = [one for one in rects if not any(overlap(one, other) for other in taken)]
        assert rect == (free or rects)[0]
        taken.append(rect)


def person(**changed: tuple[float, float, float]) -> np.ndarray:
    """Key points that are all hidden but for the named ones."""
    places = {"left_shoulder": 5, "left_elbow": 7, "left_wrist": 9}
    points = np.zeros((1, 17, 3))
    for name, values in changed.items():
        points[0, places[name]] = values
    return points


def test_a_skeleton_joins_the_key_points_that_are_confident() -> None:
    arm = person(left_shoulder=(120, 120, 0.9), left_elbow=(180, 120, 0.8), left_wrist=(180, 260, 0.3))
    drawn = changed(draw_tracks(GREY, replace(one([100, 80, 200, 300]), points=arm), BARE))
    assert drawn[118:123, 130:170].any(axis=0).all()
    assert drawn[112:128, 112:128].any()
    assert not drawn[140:290, 110:190].any()
    without = DrawStyle(show_boxes=False, show_labels=False, show_ids=False, show_scores=False)
    assert not changed(draw_tracks(GREY, replace(one([100, 80, 200, 300]), points=arm), without)).any()


def test_points_that_are_no_persons_or_not_finite_or_far_outside_are_harmless() -> None:
    boxes = one([100, 80, 200, 300])
    five = replace(boxes, points=np.full((1, 5, 3), 150.0))
    assert (draw_tracks(GREY, five, BARE) == draw_tracks(GREY, boxes, BARE)).all()
    strange = person(left_shoulder=(1e9, -1e9, 0.9), left_elbow=(np.nan, 0, 0.9), left_wrist=(150, 150, 0.9))
    drawn = changed(draw_tracks(GREY, replace(boxes, points=strange), BARE))
    assert drawn[145:156, 145:156].any()
