"""What a painter shows of results: trails through time, and parts of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.types import Detections, Frame, FrameResult, Tracks
from rtdet.video.draw import DrawStyle, Painter, TrailStore, View, color_of, marks_of

BARE = DrawStyle(show_labels=False, show_ids=False, show_scores=False)


def squared_picture(left: int = 200, top: int = 120, side: int = 40) -> np.ndarray:
    image = np.full((360, 640, 3), 90, np.uint8)
    image[top : top + side, left : left + side] = 240
    return image


def result(
    number: int, box: tuple[float, float, float, float], image: np.ndarray | None = None
) -> FrameResult:
    frame = Frame(squared_picture() if image is None else image, number / 20, number)
    return FrameResult(frame, Detections(), Tracks([box], [7]))


def color_at(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return np.abs(image[..., ::-1].astype(int) - color).max(axis=2) < 12


def test_a_painter_draws_a_trail_from_the_results_before() -> None:
    still, moved = Painter(lambda: BARE), Painter(lambda: BARE)
    for number in range(10):
        moved.paint(result(number, (100 + 10 * number, 100, 140 + 10 * number, 200)))
    at = (200, 100, 240, 200)
    trailed, plain = moved.paint(result(10, at)), still.paint(result(10, at))
    assert (trailed != plain).any()
    rows, columns = np.nonzero((trailed != plain).any(axis=2))
    assert columns.min() < 160
    assert rows.max() >= 199


@pytest.mark.parametrize(
    ("left", "top", "width"), [(160.0, 90.0, 160.0), (100.5, 60.25, 320.0), (0.0, 0.0, 640.0)]
)
def test_a_box_lies_around_the_same_thing_in_a_part_of_the_picture(
    left: float, top: float, width: float
) -> None:
    view = View(left, top, width, (320, 180))
    painter = Painter(lambda: BARE, lambda _index: view)
    painted = painter.paint(result(0, (200, 120, 240, 160)))
    assert painted.shape == (180, 320, 3)
    bare = view.cut(squared_picture())
    rows, columns = np.nonzero(bare[..., 0] > 165)
    rim_rows, rim_columns = np.nonzero(color_at(painted, color_of(7)))
    assert (rim_rows.min(), rim_rows.max() + 1) == pytest.approx((rows.min(), rows.max() + 1), abs=2)
    assert (rim_columns.min(), rim_columns.max() + 1) == pytest.approx(
        (columns.min(), columns.max() + 1), abs=2
    )


def test_the_whole_picture_as_a_part_is_the_picture() -> None:
    image = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)
    assert (View(0, 0, 640, (640, 360)).cut(image) == image).all()


def test_a_part_that_is_made_much_smaller_is_an_average_and_does_not_flicker() -> None:
    checks = np.indices((360, 640)).sum(axis=0) % 2
    image = np.repeat((checks * 255).astype(np.uint8)[..., None], 3, axis=2)
    small = View(0, 0, 640, (160, 90)).cut(image)
    assert small.min() >= 125
    assert small.max() <= 130


def test_trails_move_with_the_part_and_not_with_the_view() -> None:
    trails = TrailStore()
    for number in range(3):
        trails.update(Tracks([(100, 100, 140 + number, 200)], [7]), number / 20)
    (mark,) = View(50, 50, 320, (640, 360)).marks(marks_of(Tracks([(100, 100, 140, 200)], [7]), BARE, trails))
    assert mark.box == (100, 100, 180, 300)
    assert mark.trail[0].tolist() == [140, 300]


def test_a_thickness_of_lines_is_in_pixels_and_leaves_the_letters_as_they_are() -> None:
    image = np.full((360, 640, 3), 90, np.uint8)
    thick = Painter(lambda: DrawStyle(show_labels=False, show_ids=False, show_scores=False, thickness=6))
    painted = thick.paint(result(0, (200, 100, 400, 300), image))
    assert color_at(painted, color_of(7))[200, 150:250].sum() == 6
