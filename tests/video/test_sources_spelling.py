"""open_source: what each spelling opens, and what is said when it opens nothing."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest

from rtdet.address import hide_secrets
from rtdet.errors import SourceError
from rtdet.video.sources import SOURCES, open_source
from rtdet.video.sources.names import is_camera, natural_key, to_path


def picture(value=90, size=(40, 30)):
    return np.full((size[1], size[0], 3), value, np.uint8)


def kind_of(text):
    return next((name for name, kind in SOURCES.items() if kind.matches(text)), None)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("demo", "demo"),
        ("demo:7", "demo"),
        ("webcam", "webcam"),
        ("webcam:2", "webcam"),
        ("0", "webcam"),
        ("/dev/video1", "webcam"),
        ("rtsp://camera/1", "stream"),
        ("http://host:8080/video", "stream"),
        ("udp://@:5000", "stream"),
        ("frames/*.jpg", "glob"),
        ("C:\\films\\a.mp4", None),
        ("demonstration.mp4", None),
        ("webcam.mp4", None),
    ],
)
def test_each_spelling_means_one_kind(text, kind):
    assert kind_of(text) == kind


def test_a_path_an_address_of_a_file_and_a_string_open_the_same(tmp_path):
    path = tmp_path / "a picture #1.png"
    cv2.imwrite(str(path), picture())
    for spelling in (path, str(path), path.as_uri()):
        source = open_source(spelling)
        assert source.read().name == path.name
        source.close()


def test_a_missing_file_offers_what_is_nearly_spelt_so(tmp_path):
    (tmp_path / "Street.mp4").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"no such file: .*stret.mp4: did you mean Street.mp4\?"):
        open_source(tmp_path / "stret.mp4")
    with pytest.raises(SourceError, match=r"did you mean Street.mp4\?"):
        open_source(tmp_path / "street.avi")
    (tmp_path / "c-Höf.mp4").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"no such file: .*nosuch.mp4: check the path"):
        open_source(tmp_path / "nosuch.mp4")  # which has nothing but the suffix in common with them
    with pytest.raises(SourceError, match=r"no such file: .*zzz: check the path"):
        open_source(tmp_path / "zzz")
    with pytest.raises(SourceError, match=r"there is no folder .*nowhere"):
        open_source(tmp_path / "nowhere" / "a.mp4")


@pytest.mark.parametrize("text", ["", "  "])
def test_no_name_at_all_is_an_error(text):
    with pytest.raises(SourceError, match="no source given"):
        open_source(text)


def test_a_start_before_the_beginning_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="cannot start at -1 s"):
        open_source("demo", start_s=-1)


@pytest.mark.parametrize("start_s", [float("inf"), float("nan")])
def test_a_start_that_is_no_time_is_an_error(start_s):
    with pytest.raises(SourceError, match=f"cannot start at {start_s:g} s"):
        open_source("demo", start_s=start_s)


@pytest.mark.parametrize("text", ["webcam", "udp://127.0.0.1:9"])
def test_a_live_source_cannot_start_later(text):
    with pytest.raises(SourceError, match=r"is live: it cannot start at 5 s; omit --start"):
        open_source(text, start_s=5)


def test_an_unknown_kind_of_address_names_the_known_ones():
    with pytest.raises(
        SourceError, match=r"gopher://host/x: unknown kind of address gopher://; known: rtsp://"
    ):
        open_source("gopher://host/x")


def test_a_path_that_no_system_can_have_is_an_error_and_not_a_crash(tmp_path):
    for text in ("a\0b.mp4", "x" * 5000):
        with pytest.raises(SourceError):
            open_source(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://admin:s3cret@cam/1", "rtsp://***@cam/1"),
        ("rtsp://admin:s3@cret@cam/1", "rtsp://***@cam/1"),
        ("http://cam/v?user=me&password=s3cret&x=1", "http://cam/v?user=***&password=***&x=1"),
        ("http://cam/a@b", "http://cam/a@b"),
        ("http://cam/v?token=s3cret", "http://cam/v?token=***"),
    ],
)
def test_passwords_are_hidden(url, shown):
    assert hide_secrets(url) == shown


def test_names_sort_as_people_count():
    names = ["img10.png", "img2.png", "IMG1.png", "img02.png", "a.png"]
    assert sorted(names, key=natural_key) == ["a.png", "IMG1.png", "img02.png", "img2.png", "img10.png"]


def test_a_file_address_becomes_a_path():
    assert to_path("file:///tmp/a%20b.mp4").as_posix().endswith("/tmp/a b.mp4")


def test_the_module_that_knows_the_spellings_loads_no_decoder():
    code = (
        "import sys, rtdet.video.sources as s; s.list_cameras(); "
        "print([m for m in ('av', 'cv2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ["webcam", "webcam:3", "3", "/dev/video0", " webcam:0 "])
def test_a_camera_is_known_by_each_of_its_spellings(text):
    assert is_camera(text)


@pytest.mark.parametrize(
    "text", ["webcam_clip.mp4", "webcam:", "webcams", "/dev/video", "video0", "1.mp4", ""]
)
def test_what_only_looks_like_a_camera_is_none(text):
    assert not is_camera(text)


@pytest.mark.parametrize(
    "text", ["webcam:99999999999999999999", "99999999999999999999", "/dev/video4000000000"]
)
def test_a_camera_number_that_no_machine_has_is_one_clear_line(text):
    with pytest.raises(SourceError, match=r"^cannot open .*: there is no camera with that number"):
        open_source(text)
