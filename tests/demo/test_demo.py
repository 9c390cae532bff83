"""The demo: a rendered street with exact truth."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.demo import CLASS_NAMES, DemoScene
from rtdet.demo.placed import Placed
from rtdet.errors import UsageError
from rtdet.geometry.boxes import iou
from rtdet.types import FloatArray

SMALL = {"width": 640, "height": 360, "duration_s": 20.0}


@pytest.fixture(scope="module")
def scene() -> DemoScene:
    return DemoScene(0, **SMALL)


def test_the_same_seed_gives_the_same_bytes_in_any_order() -> None:
    forwards, backwards = DemoScene(5, 320, 240), DemoScene(5, 320, 240)
    frames = [0, 1, 40, 222, 499]
    first = {i: forwards.render(i) for i in frames}
    second = {i: backwards.render(i) for i in reversed(frames)}
    for i in frames:
        assert np.array_equal(first[i], second[i])
        assert np.array_equal(forwards.truth(i).boxes, backwards.truth(i).boxes)


def test_rendering_a_frame_twice_does_not_draw_on_the_street_itself() -> None:
    scene = DemoScene(1, 320, 180)
    before = scene.render(30)
    scene.render(31)[:] = 0
    assert np.array_equal(scene.render(30), before)


def test_another_seed_gives_another_street_and_other_traffic() -> None:
    one, other = DemoScene(1, 320, 240), DemoScene(2, 320, 240)
    assert (one.render(0) != other.render(0)).mean() > 0.5
    assert one.truth(0).boxes.shape != other.truth(0).boxes.shape or not np.allclose(
        one.truth(0).boxes, other.truth(0).boxes
    )


def _bounds_of_what_is_drawn(one: Placed, width: int, height: int) -> FloatArray | None:
    """The object alone on a flat ground; an anti-aliased edge lies where half a pixel is covered."""
    black, white = (np.full((height, width, 3), level, dtype=np.uint8) for level in (0, 255))
    one.blend(black)
    one.blend(white)
    # What shows through is the difference between the two grounds.
    covered = 255 - (white.astype(int) - black).max(axis=2) >= 128
    ys, xs = np.nonzero(covered)
    if len(xs) == 0:
        return None
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], dtype=np.float64)


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("size", [(1280, 720), (641, 361)])
def test_boxes_fit_the_drawn_pixels_exactly(size: tuple[int, int], moving: bool) -> None:
    width, height = size
    scene = DemoScene(3, width, height, duration_s=20, moving_camera=moving)
    seen = set()
    for i in (20, 133, 290):
        truth = scene.truth(i)
        boxes = dict(zip(truth.ids.tolist(), truth.boxes, strict=True))
        for one in scene.placed(i):
            drawn = _bounds_of_what_is_drawn(one, width, height)
            if one.label < 0 or drawn is None or one.actor_id not in boxes:
                continue
            seen.add(one.label)
            assert np.abs(boxes[one.actor_id] - drawn).max() <= 1.3, (i, one.actor_id, one.label)
    assert {0, 2} <= seen


def test_every_class_is_drawn_within_its_box() -> None:
    missing = set(range(len(CLASS_NAMES)))
    for seed in range(4):
        scene = DemoScene(seed, 960, 540)
        for i in range(0, scene.frame_count, 50):
            truth = scene.truth(i)
            rows = {int(k): row for row, k in enumerate(truth.ids)}
            for one in scene.placed(i):
                row = rows.get(one.actor_id)
                if row is None or one.label not in missing:
                    continue
                drawn = _bounds_of_what_is_drawn(one, 960, 540)
                assert drawn is not None
                assert np.abs(truth.boxes[row] - drawn).max() <= 1.3
                missing.discard(one.label)
        if not missing:
            return
    assert not missing


def test_objects_keep_their_id_and_class_and_move_smoothly(scene: DemoScene) -> None:
    labels: dict[int, int] = {}
    before = scene.truth(0)
    for i in range(1, scene.frame_count):
        now = scene.truth(i)
        assert len(set(now.ids.tolist())) == len(now)
        assert now.ids.min(initial=1) >= 1
        for object_id, label in zip(now.ids.tolist(), now.labels.tolist(), strict=True):
            assert labels.setdefault(object_id, label) == label
        _, rows_before, rows_now = np.intersect1d(before.ids, now.ids, return_indices=True)
        inside = (now.boxes[rows_now, 0] > 0) & (now.boxes[rows_now, 2] < scene.width)
        moved = np.abs(now.boxes[rows_now] - before.boxes[rows_before])[inside]
        assert moved[:, [1, 3]].max(initial=0) < 9
        assert moved.max(initial=0) < 24
        before = now
    assert len(labels) > 25


def test_objects_come_and_go(scene: DemoScene) -> None:
    first, last = set(scene.truth(0).ids.tolist()), set(scene.truth(scene.frame_count - 1).ids.tolist())
    assert first - last
    assert last - first


def test_the_default_demo_shows_people_cars_bicycles_and_something_large(scene: DemoScene) -> None:
    counts, seen = [], set()
    for i in range(0, scene.frame_count, 10):
        truth = scene.truth(i)
        counts.append(len(truth))
        seen |= {truth.name_of(row) for row in range(len(truth))}
    assert {"person", "bicycle", "car"} <= seen
    assert seen & {"bus", "truck"}
    assert min(counts) >= 5
    assert 8 <= np.mean(counts) <= 18


def test_objects_hide_each_other_and_come_out_again(scene: DemoScene) -> None:
    history: dict[int, list[float]] = {}
    for i in range(0, scene.frame_count, 5):
        parts = scene.visibility(i)
        assert parts.shape == (len(scene.truth(i)),)
        assert ((parts >= 0) & (parts <= 1)).all()
        for object_id, part in zip(scene.truth(i).ids.tolist(), parts.tolist(), strict=True):
            history.setdefault(object_id, []).append(part)
    hidden_between = [
        parts
        for parts in history.values()
        if min(parts[1:-1], default=1) < 0.3 and min(parts[0], parts[-1]) > 0.8
    ]
    assert len(hidden_between) >= 3


def test_a_rider_and_the_bicycle_are_two_objects(scene: DemoScene) -> None:
    for i in range(0, scene.frame_count, 5):
        truth = scene.truth(i)
        bicycles, people = truth.boxes[truth.labels == 1], truth.boxes[truth.labels == 0]
        inside = (bicycles[:, 0] > 60) & (bicycles[:, 2] < scene.width - 60)
        if inside.any():
            assert iou(bicycles[inside], people).max(axis=1).min() > 0.2
            return
    pytest.fail("no bicycle was wholly in the picture")


@pytest.mark.parametrize("size", [(16, 16), (320, 240), (641, 361), (240, 320), (1920, 1080)])
def test_any_size_works(size: tuple[int, int]) -> None:
    width, height = size
    scene = DemoScene(0, width, height, duration_s=2.0)
    image, truth = scene.render(25), scene.truth(25)
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    assert (truth.boxes >= 0).all()
    assert (truth.boxes[:, [0, 2]] <= width).all()
    assert (truth.boxes[:, [1, 3]] <= height).all()


def test_a_picture_twice_as_large_shows_the_same_scene() -> None:
    small, large = DemoScene(4, 480, 270), DemoScene(4, 960, 540)
    a, b = small.truth(100), large.truth(100)
    both, rows_a, rows_b = np.intersect1d(a.ids, b.ids, return_indices=True)
    assert len(both) >= len(b) - 1
    assert np.abs(2 * a.boxes[rows_a] - b.boxes[rows_b]).max() < 3


def test_the_truth_moves_with_the_camera() -> None:
    scene = DemoScene(0, 640, 360, moving_camera=True)
    later = 60
    (x0, y0), (x1, y1) = scene.camera(0), scene.camera(later)
    assert abs(x1 - x0) > 30
    still = {one.actor_id: one for one in scene.placed(0) if one.label < 0}
    moved = {one.actor_id: one for one in scene.placed(later) if one.label < 0}
    for k, one in still.items():
        assert moved[k].x - one.x == pytest.approx(x0 - x1)
        assert moved[k].y - one.y == pytest.approx(y0 - y1)
    # The houses move by the same number of pixels.
    dx, dy = x1 - x0, y1 - y0
    before, after = scene.render(0), scene.render(later)
    assert np.array_equal(before[20:60, dx + 10 : dx + 200], after[20 - dy : 60 - dy, 10:200])


def test_impossible_sizes_rates_and_frames_are_refused() -> None:
    for bad in ({"width": 0}, {"height": 8}, {"fps": 0.0}, {"duration_s": -1.0}, {"fps": float("nan")}):
        with pytest.raises(UsageError):
            DemoScene(0, **bad)
    scene = DemoScene(0, 160, 120, duration_s=1.0)
    for i in (-1, 25):
        with pytest.raises(IndexError):
            scene.render(i)


def test_people_cross_when_no_vehicle_comes() -> None:
    scene = DemoScene(0, 320, 180, duration_s=40.0)
    for i in range(0, scene.frame_count, 4):
        placed = [one for one in scene.placed(i) if one.label >= 0]
        vehicles = [one for one in placed if one.label in (2, 4, 5)]
        walkers = [one for one in placed if one.label == 0 and one.order == round(one.order, 9)]
        for walker in walkers:
            for vehicle in vehicles:
                left, _, right, _ = vehicle.box
                is_beside = abs(walker.order - vehicle.order) > 0.5 or not left < walker.x < right
                assert is_beside, (i, walker.actor_id, vehicle.actor_id)
