"""The picture as it is scaled, and what is painted over it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter

from rtdet.types import Detections, Frame, FrameResult, Tracks
from rtdet.ui.overlay import paint_marks
from rtdet.ui.picture import ScaledPicture, scaled
from rtdet.ui.video_view import VideoView
from rtdet.video.draw import DrawStyle, TrailStore, color_of, marks_of
from rtdet.video.draw.zone_marks import zone_mark
from rtdet.viewer.player import PlayerState
from rtdet.viewer.viewport import Viewport
from rtdet.viewer.window import WindowState


def fitted(width: float, height: float, image: tuple[int, int]) -> Viewport:
    view = Viewport()
    view.resize(width, height)
    view.show(*image)
    return view


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_at_actual_size_every_pixel_of_the_source_is_one_of_the_screen(ratio: float) -> None:
    bgr = noise(100, 60)
    view = fitted(100 / ratio, 60 / ratio, (100, 60))
    place, image = ScaledPicture().render(bgr, view, ratio)
    assert (place.x(), place.y()) == (0, 0)
    assert (image.width(), image.height()) == (100, 60)
    pixels = image.convertToFormat(QImage.Format.Format_RGB32)
    for x, y in ((0, 0), (99, 59), (17, 31)):
        color = pixels.pixelColor(x, y)
        assert [color.blue(), color.green(), color.red()] == bgr[y, x].tolist()


class Given:
    """A types.Picture that knows what it was asked for."""

    def __init__(self, bgr: np.ndarray) -> None:
        self.image, self.asked = bgr, []
        self.size = (bgr.shape[1], bgr.shape[0])

    def bgr(self) -> np.ndarray:
        self.asked.append("all")
        return self.image

    def scaled(self, size: tuple[int, int]) -> np.ndarray:
        raise AssertionError

    def shrunk(self, size: tuple[int, int]) -> np.ndarray:
        self.asked.append(size)
        return np.full((size[1], size[0], 4), 90, np.uint8)


def test_a_picture_that_is_shown_smaller_than_it_is_is_not_converted_whole() -> None:
    picture = Given(noise(4000, 3000))
    _, image = ScaledPicture().render(picture, fitted(400, 300, (4000, 3000)), 1.0)
    assert picture.asked == [(400, 300)]
    assert (image.width(), image.height()) == (400, 300)
    assert image.pixelColor(200, 100).getRgb()[:3] == (90, 90, 90)


@pytest.mark.parametrize("scale", [1.0, 2.0, 8.0])
def test_a_picture_that_is_zoomed_into_has_its_own_pixels(scale: float) -> None:
    bgr = noise(640, 480)
    view = fitted(320, 240, (640, 480))
    view.zoom_to(scale, 160, 120)
    picture = Given(bgr)
    place, image = ScaledPicture().render(picture, view, 1.0)
    assert picture.asked == ["all"]
    assert image == ScaledPicture().render(bgr, view, 1.0)[1]
    x, y = view.to_image(place.x(), place.y())
    color = image.pixelColor(0, 0)
    assert [color.blue(), color.green(), color.red()] == bgr[round(y), round(x)].tolist()


def test_only_the_visible_part_is_scaled_when_zoomed_in() -> None:
    view = fitted(400, 300, (4000, 3000))
    view.zoom_to(8.0, 200, 150)
    _, image = ScaledPicture().render(noise(4000, 3000), view, 1.0)
    assert image.width() <= 400 + 16
    assert image.height() <= 300 + 16


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 200
    small = scaled(stripes, (50, 50))
    assert small.shape == (50, 50, 3)
    assert abs(int(small.mean()) - 100) <= 1
    assert small.std() < 3


BARE = DrawStyle(show_labels=False, show_ids=False, show_scores=False)


def painted(
    tracks: Tracks,
    style: DrawStyle,
    trails: TrailStore | None = None,
    *,
    ground: QColor | Qt.GlobalColor = Qt.GlobalColor.black,
    is_small: bool = False,
) -> QImage:
    image = QImage(200, 200, QImage.Format.Format_RGB32)
    image.fill(ground)
    painter = QPainter(image)
    clip, marks = QRectF(0, 0, 200, 200), marks_of(tracks, style, trails)
    try:
        paint_marks(painter, marks, style, QPointF, clip, is_small=is_small)
    finally:
        painter.end()
    return image


def test_a_box_is_painted_in_the_colour_of_its_id(qapp) -> None:
    tracks = Tracks([[50, 60, 120, 150]], ids=[7])
    image = painted(tracks, BARE)
    color = image.pixelColor(50, 100)
    assert np.allclose((color.red(), color.green(), color.blue()), color_of(7), atol=12)
    assert image.pixelColor(85, 100) == image.pixelColor(5, 5)


def test_a_box_has_a_dark_rim_on_both_sides_of_its_line(qapp) -> None:
    ground = QColor(200, 200, 200)
    image = painted(Tracks([[50, 60, 120, 150]], ids=[7]), BARE, ground=ground)
    across = [image.pixelColor(x, 100) for x in range(44, 58)]
    line = max(range(len(across)), key=lambda x: across[x].saturation())
    rim = 0.57 * ground.value()
    assert across[0] == across[-1] == ground
    for side in (across[:line], across[line + 1 :]):
        assert min(abs(color.value() - rim) + color.saturation() for color in side) < 60
    assert abs(image.pixelColor(85, 58).value() - rim) < 10
    assert image.pixelColor(48, 58) == ground  # the corners are round


def test_a_box_in_a_small_picture_has_no_rim(qapp) -> None:
    ground = QColor(200, 200, 200)
    image = painted(Tracks([[50, 60, 120, 150]], ids=[7]), BARE, ground=ground, is_small=True)
    assert image.pixelColor(48, 100) == ground


def test_lines_and_zones_are_painted_under_the_boxes_with_their_counts(qapp) -> None:
    line = zone_mark(
        ((20.0, 180.0), (180.0, 180.0)), 0, color="#00ff00", is_closed=False, words=("door", "in 3")
    )
    square = ((100.0, 60.0), (160.0, 60.0), (160.0, 140.0), (100.0, 140.0))
    zone = zone_mark(square, 1, color="#ff0000", is_closed=True, words=())
    image = painted(Tracks([[100, 60, 160, 140]], ids=[7]), replace(BARE, zones=(line, zone)))
    assert image.pixelColor(150, 180).getRgb()[:3] == (0, 255, 0)
    assert image.pixelColor(30, 170) != image.pixelColor(5, 5)  # its label
    on_top = image.pixelColor(100, 100)
    assert np.allclose((on_top.red(), on_top.green(), on_top.blue()), color_of(7), atol=12)


@pytest.mark.parametrize("doubt", [{"since_update_s": [0.5]}, {"uncertainty": [0.4]}])
def test_a_box_fades_as_its_place_gets_uncertain_and_as_time_goes_by(qapp, doubt) -> None:
    seen, faint = (painted(Tracks([[50, 60, 120, 150]], ids=[7], **columns), BARE) for columns in ({}, doubt))
    assert 0 < sum(faint.pixelColor(50, 100).getRgb()[:3]) < sum(seen.pixelColor(50, 100).getRgb()[:3])


def test_boxes_that_are_not_finite_or_far_outside_are_harmless(qapp) -> None:
    boxes = [[np.nan, 0, 10, 10], [0, 0, np.inf, 5], [1e7, 1e7, 1e8, 1e8], [-1e7, -1e7, 1e7, 1e7]]
    painted(Tracks(boxes, ids=[1, 2, 3, 4]), DrawStyle())


def test_trails_are_painted_only_for_tracks_with_an_id(qapp) -> None:
    trails = TrailStore(2.0)
    for step in range(20):
        tracks = Tracks([[10 + 5 * step, 20, 40 + 5 * step, 80], [0, 100, 9, 120]], ids=[3, 0])
        trails.update(tracks, step / 10)
    with_trail = painted(tracks, replace(BARE, show_boxes=False), trails)
    assert with_trail.pixelColor(60, 80) != with_trail.pixelColor(5, 5)
    without = painted(tracks, replace(BARE, show_boxes=False, show_trails=False), trails)
    assert without.pixelColor(60, 80) == without.pixelColor(5, 5)


def test_a_missed_track_is_dashed_and_a_box_far_larger_than_the_picture_is_painted_at_once(qapp) -> None:
    boxes = [[-1e7, 20, 1e7, 180], [30, 60, 120, 150]]
    image = painted(Tracks(boxes, ids=[7, 8], since_update_s=[0.5, 0.0]), BARE)
    ground = image.pixelColor(150, 100)
    on = [image.pixelColor(x, 20) != ground for x in range(200)]
    assert 0.3 < sum(on) / len(on) < 0.8
    assert all(image.pixelColor(x, 60) != ground for x in range(35, 115))


class StillFeed:
    """A feed that stands on one frame; its result can be replaced."""

    def __init__(self) -> None:
        self.frame = Frame(noise(64, 48), 1.0, 25)
        self.result: FrameResult | None = None
        self.asked = 0
        self.shown: list[Frame] = []

    def newest_frame(self) -> Frame:
        return self.frame

    def newest_result(self) -> FrameResult | None:
        return self.result

    def tracks_at(self, t: float) -> Tracks:
        self.asked += 1
        return Tracks() if self.result is None else self.result.tracks

    def detected_tracks(self) -> Tracks:
        return Tracks([[5, 6, 15, 16]], ids=[9])

    def note_shown(self, frame: Frame, paint_ms: float | None = None) -> None:
        self.shown.append(frame)


def test_a_frame_is_taken_once_and_noted_as_shown_once(qtbot) -> None:
    view, feed = VideoView(PlayerState(), WindowState()), StillFeed()
    qtbot.addWidget(view)
    view.show()
    for _ in range(5):
        view.tick(feed)
    qtbot.waitUntil(lambda: feed.shown == [feed.frame])
    view.repaint()
    assert feed.asked == 1
    assert feed.shown == [feed.frame]


def test_a_result_that_comes_late_is_shown_on_the_picture_that_stands(qtbot) -> None:
    view, feed = VideoView(PlayerState(), WindowState()), StillFeed()
    qtbot.addWidget(view)
    view.show()
    view.tick(feed)
    qtbot.waitUntil(lambda: bool(feed.shown))
    tracks = Tracks([[1, 2, 30, 40]], ids=[1])
    feed.result = FrameResult(feed.frame, Detections(), tracks)

    def late() -> bool:
        view.tick(feed)
        return len(view.tracks) == 1

    qtbot.waitUntil(late)
    assert feed.shown == [feed.frame], "the same picture does not count twice"


def test_a_persons_skeleton_is_painted_between_its_key_points(qapp) -> None:
    points = np.zeros((1, 17, 3))
    points[0, [5, 7]] = (70, 100, 0.9), (110, 100, 0.9)
    tracks = Tracks([[50, 60, 150, 150]], ids=[7])
    bare, image = painted(tracks, BARE), painted(replace(tracks, points=points), BARE)
    color = image.pixelColor(90, 100)
    assert np.allclose((color.red(), color.green(), color.blue()), color_of(7), atol=12)
    assert bare.pixelColor(90, 100) == bare.pixelColor(5, 5)
