"""Photographs through the command line: no film, so no times, no IDs and no hurry."""

from __future__ import annotations

import csv
import json

import av
import cv2
import numpy as np
import pytest

from rtdet.tracks import read_tracks

STREET = (320, 180)


@pytest.fixture
def photos(tmp_path, clip):
    """Three pictures of a street in three sizes, and one that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    with av.open(str(clip)) as film:
        frame = next(film.decode(video=0)).to_ndarray(format="bgr24")
    for name, size in (("north.jpg", (640, 360)), ("plain.png", STREET), ("tall.webp", (360, 400))):
        cv2.imwrite(str(folder / name), cv2.resize(frame, size))
    (folder / "broken.jpg").write_bytes(b"")
    return folder


def test_a_track_file_names_each_photograph_and_has_no_times(rtdet, photos, tmp_path):
    for suffix in ("csv", "jsonl", "parquet", "json"):
        done = rtdet("--source", photos, "--headless", "--conf", "0.1", "--tracks", f"o.{suffix}")
        assert done.code == 0
        told = [line for line in done.err.splitlines() if "left out" in line]
        assert told == [
            "rtdet: warning: 1 of the 4 pictures of photos is left out: broken.jpg is empty (0 bytes)"
        ]
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["time_s"] for row in rows} == {""}
    assert {(row["frame"], row["file_name"]) for row in rows} <= {
        ("1", "north.jpg"), ("2", "plain.png"), ("3", "tall.webp"),
    }  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "o.jsonl").read_text().splitlines()]
    assert [(line["name"], line["time_s"]) for line in lines] == [
        ("north.jpg", None), ("plain.png", None), ("tall.webp", None),
    ]  # fmt: skip
    images = json.loads((tmp_path / "o.json").read_text())["images"]
    assert [(image["file_name"], image["time_s"]) for image in images] == [
        ("north.jpg", None), ("plain.png", None), ("tall.webp", None),
    ]  # fmt: skip
    from rtdet.tracks.read_write import FORMATS

    entries = list(FORMATS[".parquet"].read(tmp_path / "o.parquet"))
    assert [entry.name for entry in entries] == [row["file_name"] for row in rows]
    assert {entry.time_s for entry in entries} == {None}
    assert len(read_tracks(tmp_path / "o.csv")) == len({row["frame"] for row in rows})


def test_frames_of_a_film_keep_their_table_without_file_names(rtdet, clip, tmp_path):
    rtdet("--source", clip, "--headless", "--tracks", "o.csv", "--max-frames", "3", "--quiet")
    header = (tmp_path / "o.csv").read_text().splitlines()[0]
    assert header == "frame,time_s,id,class,score,left,top,width,height,seen"


def test_a_folder_takes_the_annotated_photographs_under_their_own_names(rtdet, photos, tmp_path):
    done = rtdet("--source", photos, "--headless", "--conf", "0.1", "--save", "out/")
    assert done.code == 0
    assert "wrote out" in done.err
    names = ["north.jpg", "plain.png", "tall.webp"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        before, after = cv2.imread(str(photos / name)), cv2.imread(str(tmp_path / "out" / name))
        assert after.shape == before.shape
    assert (cv2.imread(str(tmp_path / "out" / "north.jpg")) != cv2.imread(str(photos / "north.jpg"))).any()


def test_a_recording_of_photographs_is_a_slide_show_that_cuts_none_and_says_so(rtdet, photos, tmp_path):
    done = rtdet("--source", photos, "--headless", "--save", "o.mp4")
    assert "rtdet: o.mp4 shows each picture for a second, letterboxed to 640x400" in done.err
    with av.open(str(tmp_path / "o.mp4")) as film:
        frames = list(film.decode(video=0))
        assert [frame.time for frame in frames] == pytest.approx([0, 1, 2])
        assert float(film.duration / av.time_base) == pytest.approx(3.0, abs=0.01)
        assert {(frame.width, frame.height) for frame in frames} == {(640, 400)}
        tall = frames[2].to_ndarray(format="bgr24")
    assert tall[:, :100].max() < 20  # the bars beside it
    assert tall[200, 320].max() > 20


def test_one_picture_becomes_one_annotated_picture(rtdet, photos, tmp_path):
    assert rtdet(photos / "north.jpg", "--headless", "--save", "o.png").code == 0
    assert cv2.imread(str(tmp_path / "o.png")).shape == (360, 640, 3)
    done = rtdet("--source", photos, "--headless", "--save", "all.png")
    assert done.code == 2
    assert "name a folder (all/) or a .mp4 file" in done.errors[0]


@pytest.mark.parametrize("save", ["photos/", "photos", "./photos/", "linked/"])
def test_photographs_are_never_overwritten_by_what_is_drawn_on_them(rtdet, photos, tmp_path, save):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "north.jpg").hardlink_to(photos / "north.jpg")
    before = {path.name: path.read_bytes() for path in photos.iterdir()}
    done = rtdet("--source", "photos", "--headless", "--save", save)
    assert done.code == 2
    assert "is an input and would be overwritten" in done.errors[0]
    assert {path.name: path.read_bytes() for path in photos.iterdir()} == before


def test_photographs_of_one_name_from_two_folders_are_both_written(rtdet, tmp_path):
    for number, folder in enumerate(("a", "b"), start=1):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "same.png"), np.full((40, 40 + number, 3), 90, np.uint8))
    assert rtdet("--source", "*/same.png", "--headless", "--save", "out/").code == 0
    widths = {path.name: cv2.imread(str(path)).shape[1] for path in (tmp_path / "out").iterdir()}
    assert widths == {"same.png": 41, "same-2.png": 42}


def test_the_offline_tools_say_that_detections_are_no_tracks(rtdet, photos, clip, tmp_path):
    rtdet("--source", photos, "--headless", "--conf", "0.1", "--tracks", "photos.csv")
    rtdet("--source", clip, "--headless", "--tracker", "none", "--conf", "0.1", "--tracks", "none.jsonl")
    for name in ("photos.csv", "none.jsonl"):
        done = rtdet("tracks", "fill", name, "--out", "o.csv")
        assert done.code == 3
        assert f"{name} holds detections without tracks" in done.errors[0]
        assert "rtdet track" in done.errors[0]


def test_pictures_that_a_shell_has_listed_are_one_series(rtdet, photos, tmp_path):
    others = photos / "notes.txt"
    others.write_text("no picture")
    (photos / "broken.jpg").unlink()
    cv2.imwrite(str(photos / "northern.jpg"), np.zeros((90, 160, 3), np.uint8))
    for pattern, count in (("*.jpg", 2), ("*", 4), ("north*", 2)):
        listed = sorted(path for path in photos.glob(pattern) if path != others)
        done = rtdet(*listed, "--headless", "--tracks", "o.jsonl")
        assert done.code == 0, done.err
        assert len((tmp_path / "o.jsonl").read_text().splitlines()) == count


def test_pictures_that_no_pattern_lists_alone_are_sources_of_their_own(rtdet, photos, tmp_path):
    some = [photos / "plain.png", photos / "north.jpg"]  # and not tall.webp between them
    done = rtdet(*some, "--headless", "--tracks", "o.jsonl")
    assert done.code == 2
    assert "{name}" in done.err
    assert not (tmp_path / "o.jsonl").exists()
    assert rtdet(*some, "--headless", "--tracks", "{name}.jsonl").code == 0
    assert {path.name for path in tmp_path.glob("*.jsonl")} == {"plain.jsonl", "north.jsonl"}


def test_detections_of_photographs_have_no_times(rtdet, photos, tmp_path):
    assert rtdet("detect", photos, "--out", "d.json", "--quiet").code == 0
    rows = json.loads((tmp_path / "d.json").read_text())
    assert rows
    assert not any("time_s" in row for row in rows)
    assert {(row["frame"], row["file_name"]) for row in rows} <= {
        (1, "north.jpg"), (2, "plain.png"), (3, "tall.webp"),
    }  # fmt: skip
    assert rtdet("track", "d.json", "--out", "t.jsonl").code == 0
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert [(line["frame"], line["time_s"]) for line in lines] == [(1, None), (2, None), (3, None)]
