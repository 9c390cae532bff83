"""Pictures that are converted on demand: their colours and sizes are those of the converted picture."""

from __future__ import annotations

import threading

import av
import cv2
import numpy as np
import pytest

from rtdet.types import Frame, size_of
from rtdet.video.sources import open_source
from rtdet.video.sources.decoded import DecodedPicture, picture_of
from rtdet.video.sources.picture import Converter, Orientation

IN_PLANES = ("yuv420p", "yuvj420p", "nv12", "nv21", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p")


def video_frame(pix_fmt="yuv420p", size=(640, 360), colorspace=2, color_range=0, seed=0):
    """An av.VideoFrame of soft blobs of colour."""
    rng = np.random.default_rng(seed)
    frame = av.VideoFrame(*size, pix_fmt)
    frame.colorspace, frame.color_range = colorspace, color_range
    for number, plane in enumerate(frame.planes):
        least, most = (60, 190) if number == 0 else (104, 152)
        tiles = rng.integers(least, most, (9, 16, 2), dtype=np.uint8)
        pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        if pix_fmt in ("nv12", "nv21") and number:
            pairs = cv2.resize(tiles, (plane.width, plane.height))
            pixels[:, : 2 * plane.width] = pairs.reshape(plane.height, -1)
        else:
            pixels[:, : plane.width] = cv2.resize(tiles[..., 0], (plane.width, plane.height))
    return frame


def decoded(frame, orientation=Orientation()):  # noqa: B008  # a tuple
    return picture_of(frame, orientation, Converter())


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for seed in range(8):
            container.mux(stream.encode(video_frame(size=(160, 96), seed=seed)))
        container.mux(stream.encode())
    return path


def difference(one, other):
    return np.abs(one.astype(int) - other)


@pytest.mark.parametrize("pix_fmt", IN_PLANES)
@pytest.mark.parametrize(("colorspace", "color_range"), [(2, 0), (1, 1), (5, 2), (9, 1)])
def test_planes_scaled_down_have_the_colours_of_the_converted_picture(pix_fmt, colorspace, color_range):
    picture = decoded(video_frame(pix_fmt, colorspace=colorspace, color_range=color_range))
    assert isinstance(picture, DecodedPicture)
    for size in [(96, 54), (64, 48), (40, 1)]:
        expected = cv2.resize(picture.bgr(), size, interpolation=cv2.INTER_LINEAR)
        off = difference(picture.scaled(size), expected)
        assert off.mean() < 0.7
        assert off.max() <= 4
        assert (off > 2).mean() < 0.02


@pytest.mark.parametrize("size", [(416, 234), (640, 360), (320, 180), (1280, 720), (200, 300)])
def test_a_picture_scaled_to_a_networks_usual_input_is_that_of_the_converted_one_byte_by_byte(size):
    picture = decoded(video_frame())
    expected = cv2.resize(picture.bgr(), size, interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(decoded(video_frame()).scaled(size), expected)


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_picture_that_is_scaled_keeps_its_colours_only_where_somebody_asked_for_them(asked_before):
    picture = decoded(video_frame())
    before = picture.bgr() if asked_before else None
    small = picture.scaled((320, 180))
    assert picture._bgr is before
    assert np.array_equal(picture.scaled((320, 180)), small)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_pictures_are_upright_in_every_size(mirrored, clockwise):
    orientation = Orientation(mirrored, clockwise)
    picture, stored = decoded(video_frame(), orientation), decoded(video_frame())
    assert np.array_equal(picture.bgr(), orientation.apply(stored.bgr()))
    assert picture.size == size_of(picture.bgr())
    small = (picture.size[0] // 8, picture.size[1] // 8)
    expected = cv2.resize(picture.bgr(), small, interpolation=cv2.INTER_LINEAR)
    assert difference(picture.scaled(small), expected).mean() < 0.7
    seen = picture.shrunk(small)
    assert seen.shape == (small[1], small[0], 4)
    assert (seen[..., 3] == 255).all()
    assert (
        difference(seen[..., :3], cv2.resize(picture.bgr(), small, interpolation=cv2.INTER_AREA)).mean() < 2.5
    )


@pytest.mark.parametrize("pix_fmt", IN_PLANES)
@pytest.mark.parametrize("is_converted", [False, True])
def test_a_picture_shown_at_its_own_size_has_the_pixels_of_the_converted_one(pix_fmt, is_converted):
    picture, other = decoded(video_frame(pix_fmt)), decoded(video_frame(pix_fmt))
    if is_converted:
        picture.bgr()
    seen = picture.shrunk(picture.size)
    assert np.array_equal(seen[..., :3], other.bgr())
    assert (seen[..., 3] == 255).all()


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "rgb24", "gray", "yuva420p", "pal8", "yuv411p", "bgra"])
def test_other_formats_are_converted_at_once(pix_fmt):
    frame = av.VideoFrame(64, 48, pix_fmt)
    for plane in frame.planes:
        np.frombuffer(plane, np.uint8)[:] = 1
    assert decoded(frame).shape == (48, 64, 3)


@pytest.mark.parametrize("size", [(65, 48), (64, 47)])
def test_odd_sizes_of_halved_chroma_are_converted_at_once(size):
    frame = video_frame(size=size)
    assert decoded(frame).shape == (size[1], size[0], 3)
    assert isinstance(decoded(video_frame("yuv444p", size)), DecodedPicture)


@pytest.mark.parametrize("pix_fmt", ["nv12", "nv21"])
def test_interleaved_chroma_gives_the_colours_that_it_has_in_planes_of_its_own(pix_fmt):
    frame = video_frame(pix_fmt, colorspace=1, color_range=1)
    apart = frame.reformat(format="yuv420p")
    assert np.array_equal(decoded(frame).bgr(), decoded(apart).bgr())


def test_a_picture_is_converted_once_also_for_many_threads():
    picture = decoded(video_frame(size=(1280, 720)))
    got = []
    threads = [threading.Thread(target=lambda: got.append(picture.bgr())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(image) for image in got}) == 1
    assert got[0].flags.writeable


def test_a_frame_of_a_file_has_a_size_before_it_has_colours(clip):
    source = open_source(clip)
    frame = source.read()
    assert isinstance(frame.picture, DecodedPicture)
    assert frame.size == (source.info.width, source.info.height) == frame.picture.size
    assert frame.picture._bgr is None
    assert frame.bgr is frame.picture.bgr()
    source.close()


def test_pictures_outlive_their_source(clip):
    source = open_source(clip)
    frames = [source.read() for _ in range(5)]
    source.close()
    again = open_source(clip)
    for frame in frames:
        assert np.array_equal(frame.bgr, again.read().bgr)
    again.close()


def test_a_frame_takes_arrays_as_before():
    image = np.zeros((4, 6, 3), np.uint8)
    frame = Frame(image, 0.0, 0)
    assert frame.bgr is image
    assert frame.picture is image
    assert frame.size == (6, 4)
