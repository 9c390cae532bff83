"""One image, a folder, a glob."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.protocols import SourceState
from rtdet.video.sources import open_source
from rtdet.video.sources.images import ImageSource, read_image


def picture(value=90, size=(40, 30)):
    return np.full((size[1], size[0], 3), value, np.uint8)


def read_all(source):
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    return frames


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f"img{number}.png"), picture(number * 10, (30 + number, 20)))
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_a_folder_gives_its_images_in_natural_order_each_in_its_own_size(folder):
    source = open_source(folder)
    frames = read_all(source)
    assert [frame.name for frame in frames] == ["img1.png", "img2.png", "img10.png"]
    assert [frame.size for frame in frames] == [(31, 20), (32, 20), (40, 20)]
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.t for frame in frames] == pytest.approx([0, 0.04, 0.08])
    assert source.info.frame_count == 3
    assert source.info.is_seekable
    assert not source.info.is_live
    assert source.state is SourceState.ENDED


def test_a_glob_gives_what_matches(folder):
    assert [frame.name for frame in read_all(open_source(str(folder / "img1*.png")))] == [
        "img1.png",
        "img10.png",
    ]


def test_an_image_that_cannot_be_read_is_skipped_with_one_warning(folder, caplog, capfd):
    (folder / "img2.png").write_text("not an image")
    (folder / "img0.jpg").write_bytes(b"")
    source = open_source(folder)
    frames = read_all(source)
    source.seek(0)
    assert len(read_all(source)) == 2
    assert [(frame.name, frame.index) for frame in frames] == [("img1.png", 1), ("img10.png", 3)]
    messages = sorted(record.message for record in caplog.records)
    assert messages == [
        f"{folder / name} cannot be read as an image: skipped" for name in ("img0.jpg", "img2.png")
    ]
    assert capfd.readouterr().err == ""


def test_seeking_goes_to_the_image_of_that_time(folder):
    source = open_source(folder)
    source.seek(0.08)
    assert source.read().name == "img10.png"
    assert source.read() is None
    source.seek(0)
    assert source.read().name == "img1.png"
    source.close()
    assert source.read() is None


def test_start_skips_images(folder):
    assert open_source(folder, start_s=0.04).read().name == "img2.png"
    with pytest.raises(SourceError, match=r"has no image at or after 5 s: it is 0.12 s long"):
        open_source(folder, start_s=5)


def test_a_folder_without_images_says_what_it_holds(tmp_path):
    with pytest.raises(SourceError, match=r"the folder .* holds no images: choose one with"):
        open_source(tmp_path)
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(SourceError, match=r"holds no images, only other files \(1\)"):
        open_source(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(
        SourceError, match=r"holds no images, but 1 video\(s\) \(film.mp4\): open one of them"
    ):
        open_source(tmp_path)


def test_a_glob_without_a_match_is_an_error(folder):
    with pytest.raises(SourceError, match=r"no image matches .*\*\.bmp"):
        open_source(str(folder / "*.bmp"))


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "is empty"), (b"words", "is damaged or another kind of file")]
)
def test_an_image_file_that_is_none_is_one_clear_line(tmp_path, capfd, caplog, content, why):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"cannot read the image .*photo.jpg: it {why}"):
        open_source(path)
    assert capfd.readouterr().err == ""
    assert caplog.records == []


def test_a_folder_of_broken_images_is_an_error(tmp_path, caplog):
    for number in range(2):
        (tmp_path / f"{number}.png").write_text("words")
    with pytest.raises(SourceError, match=r"none of the 2 images of .* can be read"):
        open_source(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_the_usual_formats_are_read(tmp_path, suffix):
    path = tmp_path / f"größe{suffix}"
    path.write_bytes(cv2.imencode(suffix, picture(120))[1].tobytes())
    assert np.abs(read_image(path).astype(int) - 120).max() <= 2


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_transparent_pictures_are_laid_on_black(tmp_path, depth):
    top = np.iinfo(depth).max
    rgba = np.full((30, 40, 4), top, depth)
    rgba[:, :20, 3] = 0
    rgba[:15, 20:, 3] = top // 2
    path = tmp_path / "logo.png"
    cv2.imwrite(str(path), rgba)
    image = read_image(path)
    assert image.dtype == np.uint8
    assert image[:, :20].max() == 0
    assert abs(int(image[5, 30, 0]) - 127) <= 1
    assert image[20:, 20:].min() == 255


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_grey_pictures_become_three_channels(tmp_path, depth):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((30, 40), np.iinfo(depth).max // 2, depth))
    image = read_image(tmp_path / "grey.png")
    assert image.shape == (30, 40, 3)
    assert abs(int(image.mean()) - 127) <= 1


def test_the_orientation_of_a_photo_is_applied(tmp_path):
    upright = np.zeros((30, 40, 3), np.uint8)
    upright[:8] = 200
    encoded = cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    # APP1 with one Exif entry: orientation (0x0112) 6, turn clockwise by a quarter.
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "phone.jpg").write_bytes(encoded[:2] + segment + encoded[2:])
    image = read_image(tmp_path / "phone.jpg")
    assert image.shape == (40, 30, 3)
    assert image[:, 25:].mean() > 150
    assert image[:, :15].mean() < 30


def test_another_rate_may_be_given(folder):
    source = ImageSource(sorted(folder.glob("*.png")), "mine", fps=5)
    assert [frame.t for frame in read_all(source)] == pytest.approx([0, 0.2, 0.4])
