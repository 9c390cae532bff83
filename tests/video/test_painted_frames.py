"""Results as frames for the encoder: painted in the planes of the decoder, or converted."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
from rtdet.video.draw import DrawStyle, Painter, View
from rtdet.video.recording import open_recording
from rtdet.video.recording.frames import BT601, BT709, PaintedFrames
from rtdet.video.sources.decoded import picture_of
from rtdet.video.sources.picture import Converter, Orientation

UPRIGHT = Orientation()
SIZE = (642, 360)  # with room at the end of each row


def film_picture(
    pix_fmt: str = "yuv420p", size: tuple[int, int] = SIZE, colorspace: int = 2, color_range: int = 0
) -> av.VideoFrame:
    """An av.VideoFrame of soft blobs of colour."""
    rng = np.random.default_rng(0)
    tiles = rng.integers(60, 200, (5, 8, 3), dtype=np.uint8)
    bgr = cv2.resize(tiles, size, interpolation=cv2.INTER_CUBIC)
    spaces = {BT709: 1, BT601: 5}
    frame = av.VideoFrame.from_ndarray(bgr, "bgr24").reformat(
        format=pix_fmt, dst_colorspace=spaces.get(colorspace, 5), dst_color_range=color_range or 1
    )
    frame.colorspace, frame.color_range = colorspace, color_range
    return frame


def result(picture: object, tracks: Tracks | None = None, number: int = 0) -> FrameResult:
    return FrameResult(Frame(picture, number / 25, number), Detections(), tracks or Tracks())


def decoded(frame: av.VideoFrame, orientation: Orientation = UPRIGHT) -> object:
    return picture_of(frame, orientation, Converter())


def some_tracks(**columns: object) -> Tracks:
    boxes = [[40, 60, 180, 300], [201.4, 80.7, 330.2, 200.1], [400, -20, 700, 150], [350, 200, 352, 340]]
    return Tracks(
        boxes, [1, 2, 3, 5], [0.91, 0.5, 0.33, 0.7], [0, 0, 0, 0], class_names=("person",), **columns
    )


def pixels(frame: av.VideoFrame) -> tuple[np.ndarray, np.ndarray]:
    """Luma (H, W) and chroma (H / 2, W / 2, 2) of an NV12 frame."""
    assert frame.format.name == "nv12"
    luma, chroma = (np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in frame.planes)
    return luma[:, : frame.width], chroma[:, : frame.width].reshape(frame.height // 2, -1, 2)


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    return [
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width].copy()
        for plane in frame.planes
    ]


def off(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.abs(one.astype(int) - other)


def test_where_nothing_is_drawn_the_film_has_the_very_pixels_of_its_source() -> None:
    frame = film_picture()
    luma, chroma = pixels(PaintedFrames(Painter()).frame_of(result(decoded(frame))))
    source = planes(frame)
    assert (luma == source[0]).all()
    assert (chroma == np.dstack(source[1:])).all()


def test_painting_leaves_the_pictures_of_the_decoder_alone() -> None:
    frame = film_picture()
    before = planes(frame)
    PaintedFrames(Painter()).frame_of(result(decoded(frame), some_tracks()))
    assert all((one == other).all() for one, other in zip(before, planes(frame), strict=True))


@pytest.mark.parametrize("columns", [{}, {"uncertainty": [0.4] * 4}, {"since_update_s": [0, 0.3, 0.5, 0]}])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_what_is_painted_in_luma_and_chroma_looks_as_what_is_painted_in_colours(
    columns: dict[str, list[float]], scale: float
) -> None:
    picture, tracks = decoded(film_picture()), some_tracks(**columns)
    in_planes, in_colors = (PaintedFrames(Painter(lambda: DrawStyle(scale=scale))) for _ in range(2))
    for number in range(12):
        moved = Tracks(
            tracks.boxes + 4 * number, tracks.ids, tracks.scores, tracks.labels, tracks.since_update_s,
            tracks.class_names, tracks.uncertainty,
        )  # fmt: skip
        luma, chroma = pixels(in_planes.frame_of(result(picture, moved, number)))
        luma_of_colors, chroma_of_colors = pixels(in_colors.frame_of(result(picture.bgr(), moved, number)))
    assert np.quantile(off(luma, luma_of_colors), 0.999) <= 6
    assert np.quantile(off(chroma, chroma_of_colors), 0.98) <= 8
    assert off(chroma, chroma_of_colors).mean() < 1.5


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_films_on_their_side_are_painted_upright(clockwise: int) -> None:
    turned = decoded(film_picture(), Orientation(clockwise=clockwise))
    frame = PaintedFrames(Painter()).frame_of(result(turned))
    assert (frame.width, frame.height) == turned.size
    assert off(frame.to_ndarray(format="bgr24"), turned.bgr()).mean() < 2


@pytest.mark.parametrize(
    ("pix_fmt", "colorspace", "color_range"),
    [
        ("nv12", 2, 0),
        ("yuv420p", BT709, 1),
        ("yuv420p", 9, 1),
        ("yuvj420p", 5, 2),
        ("yuvj422p", 5, 2),
        ("yuv444p", 2, 0),
        ("yuv420p", BT709, 2),
    ],
)
def test_films_of_other_formats_keep_their_colours(pix_fmt: str, colorspace: int, color_range: int) -> None:
    picture = decoded(film_picture(pix_fmt, colorspace=colorspace, color_range=color_range))
    frames = PaintedFrames(Painter())
    frame = frames.frame_of(result(picture))
    frame.colorspace = frames.colorspace
    assert frames.colorspace == (BT709 if colorspace == BT709 else BT601)
    assert off(frame.to_ndarray(format="bgr24"), picture.bgr()).mean() < 2


def test_a_part_of_the_picture_is_cut_out_of_its_colours() -> None:
    view = View(100, 50, 320, (320, 180))
    frame = PaintedFrames(Painter(view=lambda _index: view)).frame_of(result(decoded(film_picture())))
    assert (frame.width, frame.height) == (320, 180)


@pytest.mark.parametrize("colorspace", [BT601, BT709])
def test_a_recording_says_what_its_colours_are_and_later_pictures_follow(
    tmp_path: Path, colorspace: int
) -> None:
    film = [decoded(film_picture(colorspace=colorspace, color_range=1)) for _ in range(6)]
    plain = np.full((180, 321, 3), (40, 90, 200), np.uint8)
    with closing(open_recording(tmp_path / "o.mp4", SourceInfo("film", *SIZE, 25.0))) as sink:
        for number, picture in enumerate([*film, plain, plain]):
            sink.write(result(picture, number=number))
    with av.open(str(tmp_path / "o.mp4")) as container:
        recorded = list(container.decode(video=0))
    assert {int(frame.colorspace) for frame in recorded} == {colorspace}
    assert off(recorded[3].to_ndarray(format="bgr24"), film[3].bgr()).mean() < 3
    assert off(recorded[7].to_ndarray(format="bgr24")[180, 320], [40, 90, 200]).max() <= 6
