"""Nothing that is read is overwritten, however its name is spelt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rtdet.errors import UsageError
from rtdet.overwriting import refuse_overwriting


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"precious")
    return path


def test_a_link_of_either_kind_is_the_file_itself(film, tmp_path):
    os.link(film, tmp_path / "hard.mp4")
    (tmp_path / "soft.mp4").symlink_to(film)
    for name in ("film.mp4", "hard.mp4", "soft.mp4", "../" + tmp_path.name + "/film.mp4"):
        with pytest.raises(UsageError, match=r"--save .* would overwrite .*film\.mp4, which is an input"):
            refuse_overwriting({"--save": tmp_path / name}, [film])


def test_two_names_of_one_output_are_refused_also_before_it_exists(film, tmp_path):
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UsageError, match="--save and --tracks are the same file"):
        refuse_overwriting({"--save": tmp_path / "new.csv", "--tracks": tmp_path / "folder" / "new.csv"})
    os.link(film, tmp_path / "hard.mp4")
    with pytest.raises(UsageError, match="same file"):
        refuse_overwriting({"--save": film, "--stats": tmp_path / "hard.mp4"})


def test_a_link_that_points_nowhere_yet_is_the_file_it_will_be(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "new.csv")
    with pytest.raises(UsageError, match="same file"):
        refuse_overwriting({"--save": tmp_path / "new.csv", "--tracks": tmp_path / "link.csv"})


def test_other_files_devices_and_what_is_no_file_are_no_reason_to_refuse(film, tmp_path):
    (tmp_path / "older.csv").write_text("frame")
    outputs = {"--save": tmp_path / "older.csv", "--tracks": None, "--stats": tmp_path / "new.json"}
    refuse_overwriting(outputs, [film, "rtsp://camera/live", "rtdet-n", None, "\0"])
    refuse_overwriting({"--tracks": "/dev/null", "--stats": "/dev/null"}, ["/dev/null"])
