"""One image, a folder, a glob."""

from __future__ import annotations

import struct

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
    assert [frame.t for frame in frames] == [0, 1, 2]  # single pictures: a second each in a slide show
    assert (source.info.width, source.info.height) == (40, 20)
    assert source.info.frame_count == 3
    assert source.info.is_seekable
    assert not source.info.is_live
    assert source.state is SourceState.ENDED


def test_a_glob_gives_what_matches(folder):
    assert [frame.name for frame in read_all(open_source(str(folder / "img1*.png")))] == [
        "img1.png",
        "img10.png",
    ]


def test_pictures_that_cannot_be_read_are_left_out_of_the_count_with_one_warning(folder, caplog, capfd):
    (folder / "img2.png").write_text("not an image")
    (folder / "img0.jpg").write_bytes(b"")
    source = open_source(folder)
    frames = read_all(source)
    source.seek(0)
    assert len(read_all(source)) == 2
    source.close()
    assert [(frame.name, frame.index) for frame in frames] == [("img1.png", 0), ("img10.png", 1)]
    assert source.info.frame_count == 2
    assert [record.message for record in caplog.records] == [
        f"2 of the 4 pictures of {folder.name} are left out: img0.jpg is empty (0 bytes); "
        "img2.png is damaged or another kind of file"
    ]
    assert capfd.readouterr().err == ""


def test_a_films_image_that_cannot_be_read_leaves_a_gap(folder, caplog, capfd):
    (folder / "img2.png").write_text("not an image")
    (folder / "img0.jpg").write_bytes(b"")
    source = open_source(folder, taken_as="film")
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
    source.seek(2)
    assert source.read().name == "img10.png"
    assert source.read() is None
    source.seek(0)
    assert source.read().name == "img1.png"
    source.close()
    assert source.read() is None


def test_start_skips_images(folder):
    assert open_source(folder, start_s=1).read().name == "img2.png"
    assert open_source(folder, taken_as="film", start_s=0.04).read().name == "img2.png"
    with pytest.raises(SourceError, match=r"has no image at or after 5 s: it is 3 s long"):
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


# A film, or single pictures


def numbered_folder(folder, names, size=(40, 30)):
    for i, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), picture(20 + 10 * i, size))
    return folder


@pytest.mark.parametrize(
    "names",
    [
        [f"frame_{i:04}.png" for i in range(8)],
        [f"{i}.jpg" for i in range(1, 12)],
        [f"cam2-{i}.png" for i in (0, 10, 20, 30, 50, 60)],
    ],
)
def test_images_with_one_name_and_a_rising_number_are_a_film_and_one_line_says_so(tmp_path, names, caplog):
    caplog.set_level("INFO", "rtdet.video")
    source = open_source(numbered_folder(tmp_path, names))
    assert not source.info.are_pictures
    (line,) = [record.message for record in caplog.records]
    assert f"the {len(names)} images of {tmp_path.name} are taken for the frames of a film" in line
    assert "--as pictures" in line
    assert open_source(tmp_path, taken_as="pictures").info.are_pictures


@pytest.mark.parametrize(
    "names",
    [
        ["beach.jpg", "dog.jpg", "street.png"],
        ["000000000139.jpg", "000000000285.jpg", "000000000632.jpg", "000000000724.jpg", "000000000776.jpg"],
        ["PXL_20230101_101112.jpg", "PXL_20230103_121314.jpg", "PXL_20230103_131415.jpg"],
    ],
)
def test_images_without_a_common_name_are_single_pictures_and_one_line_says_so(tmp_path, names, caplog):
    caplog.set_level("INFO", "rtdet.video")
    source = open_source(numbered_folder(tmp_path, names))
    assert source.info.are_pictures
    (line,) = [record.message for record in caplog.records]
    assert "are taken for single pictures, without IDs" in line
    assert "--as film" in line
    assert not open_source(str(tmp_path / "*"), taken_as="film").info.are_pictures


def test_numbered_images_of_several_sizes_are_single_pictures(folder):
    assert open_source(folder).info.are_pictures


def test_numbered_photos_that_a_camera_took_one_by_one_are_single_pictures(tmp_path):
    from PIL import Image as Pillow

    for i in range(5):
        exif = Pillow.Exif()
        exif[0x0132] = f"2026:01:0{i + 1} 10:0{i}:00"
        Pillow.fromarray(picture()).save(tmp_path / f"IMG_{i:04}.jpg", exif=exif)
    assert open_source(tmp_path).info.are_pictures


def test_a_single_image_is_opened_without_a_word(tmp_path, caplog):
    caplog.set_level("INFO", "rtdet.video")
    cv2.imwrite(str(tmp_path / "one.png"), picture())
    assert open_source(tmp_path / "one.png").info.are_pictures
    assert not caplog.records


# Files with several pages


def pages(count=3):
    from PIL import Image as Pillow

    return [Pillow.fromarray(picture(40 * (i + 1))) for i in range(count)]


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.apng", "a.tif", "a.gif"])
def test_animations_and_files_of_several_pages_give_all_of_them(tmp_path, name):
    first, *rest = pages()
    timing = {} if name == "a.tif" else {"duration": [100, 200, 100]}
    lossless = {"lossless": True} if name == "a.webp" else {}
    first.save(tmp_path / name, save_all=True, append_images=rest, **timing, **lossless)
    source = open_source(tmp_path / name)
    frames = read_all(source)
    assert [int(frame.bgr.mean()) for frame in frames] == pytest.approx([40, 80, 120], abs=2)
    expected = [0, 0.04, 0.08] if name == "a.tif" else [0, 0.1, 0.3]
    assert [frame.t for frame in frames] == pytest.approx(expected)
    assert [frame.name for frame in frames] == [""] * 3
    source.seek(frames[1].t)
    assert int(source.read().bgr.mean()) == pytest.approx(80, abs=2)
    source.close()


@pytest.mark.parametrize("bits", [8, 16])
def test_the_pages_of_a_long_tiff_come_in_order_also_after_going_back(tmp_path, bits):
    depth = np.uint8 if bits == 8 else np.uint16
    pages = [np.full((20, 30, 3), i, np.uint8).astype(depth) * (257 if bits == 16 else 1) for i in range(150)]
    for page in pages:
        page[-1] = np.iinfo(depth).max
    cv2.imwritemulti(str(tmp_path / "stack.tif"), pages)
    source = open_source(tmp_path / "stack.tif")
    assert [int(frame.bgr[0, 0, 0]) for frame in read_all(source)] == list(range(150))
    for number in (70, 69, 70, 3, 149):
        source.seek(number / 25)
        assert int(source.read().bgr[0, 0, 0]) == number
    source.close()


def test_a_tiff_is_as_large_as_its_largest_page(tmp_path):
    small, large = np.zeros((20, 30, 3), np.uint8), np.zeros((1000, 3000, 3), np.uint8)
    cv2.imwritemulti(str(tmp_path / "a.tif"), [small, large])
    assert len(read_all(open_source(tmp_path / "a.tif"))) == 2
    with pytest.raises(SourceError, match="--max-megapixels"):
        open_source(tmp_path / "a.tif", max_megapixels=2)


def test_a_plain_png_and_webp_are_one_picture(tmp_path):
    for name in ("a.png", "a.webp", "a.tif"):
        pages(1)[0].save(tmp_path / name)
        assert len(read_all(open_source(tmp_path / name))) == 1


# Hostile, damaged, deep


def hostile_png(path, width=30_000, height=30_000):
    import zlib

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    packer = zlib.compressobj(9)
    rows = b"".join([*(packer.compress(bytes(3 * width + 1)) for _ in range(height)), packer.flush()])
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_a_picture_of_more_pixels_than_anybody_asked_for_is_refused_in_one_line(tmp_path, caplog):
    path = hostile_png(tmp_path / "bomb.png", 30_000, 5_000)
    with pytest.raises(
        SourceError,
        match=r"bomb.png .* 150 megapixels, more than the limit of 120; --max-megapixels 150 reads it",
    ):
        open_source(path)
    cv2.imwrite(str(tmp_path / "good.png"), picture())
    assert [frame.name for frame in read_all(open_source(tmp_path))] == ["good.png"]
    assert ["--max-megapixels 150 reads it" in record.message for record in caplog.records] == [True]


def huge_gif(path, side=60_000):
    frame = b"\x21\xf9\4\0\5\0\0\0," + struct.pack("<HHHH", 0, 0, side, side) + b"\0\2\2\x4c\1\0"
    head = b"GIF89a" + struct.pack("<HH", side, side) + b"\x80\0\0" + b"\0\0\0\xff\xff\xff"
    path.write_bytes(head + 3 * frame + b";")
    return path


@pytest.mark.parametrize("name", ["bomb.gif", "gif.mp4", "png.mp4", "png.mkv"])
def test_a_picture_of_too_many_pixels_is_said_to_be_that_whatever_its_name(tmp_path, name):
    path = tmp_path / name
    _ = hostile_png(path, 30_000, 5_000) if "png" in name else huge_gif(path)
    megapixels = 150 if "png" in name else 3600
    with pytest.raises(SourceError, match=rf"{name} would take the memory of {megapixels} megapixels"):
        open_source(path)


def test_the_user_may_ask_for_more_or_fewer_pixels(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), picture(size=(400, 300)))
    with pytest.raises(SourceError, match=r"--max-megapixels 1 reads it"):
        open_source(tmp_path / "a.png", max_megapixels=0.1)
    assert open_source(tmp_path / "a.png", max_megapixels=1).read().size == (400, 300)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_image_libraries_print_of_a_damaged_picture_stays_off_the_terminal(tmp_path, suffix, capfd):
    noise = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    encoded = bytearray(cv2.imencode(suffix, noise)[1].tobytes())
    for place in (700, 1500, 3000):
        encoded[place] ^= 255
    for content in (encoded, encoded[: len(encoded) // 2], encoded[:-12]):
        (tmp_path / f"a{suffix}").write_bytes(content)
        read_image(tmp_path / f"a{suffix}")
    assert capfd.readouterr().err == ""


def test_what_others_print_while_a_picture_is_decoded_is_not_lost(capfd):
    import os

    from rtdet.video.sources.quiet import quiet_codecs

    with quiet_codecs():
        os.write(2, b"libpng error: IDAT: CRC error\nsomething else\n")
    assert capfd.readouterr().err == "something else\n"


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("suffix", [".tif", ".png", ".pgm"])
def test_pictures_of_a_sensors_bits_in_16_bit_files_are_as_bright_as_they_were(tmp_path, bits, suffix):
    counts = np.linspace(0, (1 << bits) - 1, 1200).reshape(30, 40)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), counts.astype(np.uint16))
    image = read_image(tmp_path / f"a{suffix}")
    expected = np.repeat((counts * 255 / ((1 << bits) - 1))[:, :, None], 3, axis=2)
    assert np.abs(image - expected).max() <= 1.01


def test_photos_that_telephones_and_browsers_save_are_read_in_a_folder_too(tmp_path):
    from PIL import Image as Pillow

    Pillow.fromarray(picture()).save(tmp_path / "b.jfif", format="JPEG")
    Pillow.fromarray(picture()).save(tmp_path / "c.tga")
    cv2.imwrite(str(tmp_path / "a.jpg"), picture())
    assert [frame.name for frame in read_all(open_source(tmp_path))] == ["a.jpg", "b.jfif", "c.tga"]


def test_pictures_of_a_kind_that_nothing_here_reads_are_told_of(folder, caplog):
    for name in ("IMG_1.HEIC", "IMG_2.heif"):
        (folder / name).write_bytes(b"x")
    assert len(read_all(open_source(folder))) == 3
    assert [record.message for record in caplog.records] == [
        f"{folder}: 2 pictures of a kind that cannot be read are left out (.heic, .heif): convert them to JPEG or PNG"
    ]
    for path in folder.glob("*.png"):
        path.unlink()
    with pytest.raises(SourceError, match=r"holds no images, only 2 of a kind that cannot be read"):
        open_source(folder)


def test_the_size_of_pictures_is_that_of_the_largest_upright(folder):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera on its side
    Image.new("RGB", (90, 20)).save(folder / "turned.jpg", exif=exif)
    info = open_source(folder).info
    assert (info.width, info.height) == (40, 90)
