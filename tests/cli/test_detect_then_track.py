"""`rtdet detect` then `rtdet track` gives the tracks of the same run live."""

from __future__ import annotations

import json
import re
import shlex
from fractions import Fraction

import av
import numpy as np
import pytest

from rtdet.demo import DemoScene
from rtdet.tracks import FORMATS, read_table
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """Two seconds of the demo at 29.97 frames a second, of which the last have nothing to see."""
    path = tmp_path_factory.mktemp("clips") / "street.mp4"
    scene = DemoScene(seed=3, width=640, height=360, fps=30.0, duration_s=1.5)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(30000, 1001), options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        for index in range(55):
            picture = scene.render(index) if index < 45 else np.zeros((360, 640, 3), np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(video.encode(None))
    return path


@pytest.fixture
def detected(rtdet, street, tmp_path):
    """d.json: all that the detector saw; made once."""
    kept = street.with_name("d.json")
    if not kept.exists():
        assert rtdet("detect", street, "--out", "d.json", "--quiet").code == 0
        kept.write_bytes((tmp_path / "d.json").read_bytes())
    (tmp_path / "d.json").write_bytes(kept.read_bytes())


def both_ways(rtdet, street, suffix, *more):
    live = rtdet("--source", street, "--headless", "--tracks", f"live{suffix}", "--quiet", *more)
    assert live.code == 0, live.err
    tracked = rtdet("track", "d.json", "--out", f"later{suffix}", *more)
    assert tracked.code == 0, tracked.err
    return tracked


@pytest.mark.parametrize("suffix", list(FORMATS))
@pytest.mark.usefixtures("detected")
def test_tracks_of_a_detections_json_are_those_of_the_live_run_to_the_byte(rtdet, street, tmp_path, suffix):
    both_ways(rtdet, street, suffix)
    assert (tmp_path / f"later{suffix}").read_bytes() == (tmp_path / f"live{suffix}").read_bytes()
    assert len(read_table(tmp_path / f"live{suffix}")) > 100


@pytest.mark.parametrize(
    "more",
    [
        ["--tracker", "bytetrack", "--conf", "0.5"],
        ["--tracker", "ocsort"],
        ["--tracker", "sort", "--conf", "0.4"],
        ["--tracker", "none"],
        ["--set", "new.car=0.9", "--set", "max_age_s=0.2"],
    ],
)
@pytest.mark.usefixtures("detected")
def test_so_they_are_of_every_tracker_and_with_other_settings(rtdet, street, tmp_path, more):
    both_ways(rtdet, street, ".csv", *more)
    assert (tmp_path / "later.csv").read_bytes() == (tmp_path / "live.csv").read_bytes()


def test_text_rows_begin_tracks_as_a_run_does_and_lack_classes_only(rtdet, street, tmp_path):
    assert rtdet("detect", street, "--out", "d.txt", "--quiet").code == 0
    assert rtdet("--source", street, "--headless", "--tracks", "live.txt", "--quiet").code == 0
    done = rtdet("track", "d.txt", "--out", "later.txt", "--fps", 30000 / 1001)
    assert "tracks begin at a score of 0.25, as in a run (--conf)" in done.err
    live, later = read_table(tmp_path / "live.txt"), read_table(tmp_path / "later.txt")
    assert abs(len(later) - len(live)) < 0.1 * len(live)
    assert abs(len(later.tracks()) - len(live.tracks())) <= 0.3 * len(live.tracks())


def test_detections_that_leave_out_what_a_run_uses_are_said_to(rtdet, street):
    assert rtdet("detect", street, "--out", "d.json", "--quiet", "--conf", 0.5).code == 0
    done = rtdet("track", "d.json", "--out", "later.csv")
    assert "the detections score 0.5 at least, but a run uses those from 0.1 on" in done.err
    assert "rtdet detect --conf 0.1" in done.err


def test_the_readmes_commands_give_what_the_run_gives(rtdet, street, tmp_path):
    (tmp_path / "street.mp4").write_bytes(street.read_bytes())
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    detect, track = (
        shlex.split(re.search(rf"^    rtdet ({verb} [^#\n]*)", text, re.MULTILINE)[1])
        for verb in ("detect street.mp4", "track detections.json")
    )
    assert rtdet(*detect).code == 0
    assert rtdet(*track).code == 0
    assert rtdet("--source", "street.mp4", "--headless", "--tracks", "live.csv").code == 0
    assert (tmp_path / track[track.index("--out") + 1]).read_bytes() == (tmp_path / "live.csv").read_bytes()


def test_a_list_without_times_is_by_frame_rate_and_classes_are_named(rtdet, tmp_path):
    rows = [
        {"frame": i, "category": "cat", "bbox": [10 + i, 10, 30, 60], "score": 0.9}
        for i in range(2, 12)
        if i != 5
    ]
    (tmp_path / "d.json").write_text(json.dumps(rows))
    assert rtdet("track", "d.json", "--out", "o.csv", "--fps", 10).code == 0
    lines = [line.split(",") for line in (tmp_path / "o.csv").read_text().splitlines()[1:]]
    assert {line[3] for line in lines} == {"cat"}
    assert {line[2] for line in lines} == {"1"}
    assert [line[1] for line in lines if line[0] == "11"] == ["1.000000"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "does not hold the detections of a film"),
        ("{}", "it is no list of"),
        ('{"annotations": []}', "it is a COCO document"),
        ('[{"frame": 1}]', "row 1 is not"),
        ('[{"category": "a", "bbox": [1, 2, 3, 4], "score": 1}]', "row 1: a row is"),
        ('[{"frame": 0, "category": "a", "bbox": [1, 2, 3, 4], "score": 1}]', "frames are numbered from 1"),
        ('[{"frame": 1, "category": "a", "bbox": [1, 2, 3], "score": 1}]', "a bbox is [left, top"),
        ('[{"frame": 1, "category": "a", "bbox": "no", "score": 1}]', "row 1: "),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_json_that_holds_no_detections_is_one_line(rtdet, tmp_path, content, said):
    (tmp_path / "d.json").write_text(content)
    done = rtdet("track", "d.json", "--out", "o.csv")
    assert done.code == 3
    assert len(done.errors) == 1
    assert "d.json" in done.errors[0]
    assert said in done.errors[0]


def test_a_file_without_any_detection_gives_a_file_without_tracks(rtdet, tmp_path):
    (tmp_path / "d.json").write_text("[\n]\n")
    assert rtdet("track", "d.json", "--out", "o.csv").code == 0
    assert (tmp_path / "o.csv").read_text().startswith("frame,")


def test_a_film_in_which_nothing_is_gives_the_same_frames_as_the_run(rtdet, tmp_path):
    with av.open(str(tmp_path / "black.mp4"), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        for _ in range(5):
            black = av.VideoFrame.from_ndarray(np.zeros((96, 160, 3), np.uint8), format="bgr24")
            container.mux(video.encode(black))
        container.mux(video.encode(None))
    assert rtdet("detect", "black.mp4", "--conf", ".9", "--out", "d.json", "--quiet").code == 0
    (row,) = json.loads((tmp_path / "d.json").read_text())
    assert [frame["frame"] for frame in row["no_detections"]] == [1, 2, 3, 4, 5]
    assert rtdet("track", "d.json", "--out", "t.jsonl").code == 0
    assert rtdet("--source", "black.mp4", "--headless", "--conf", ".9", "--tracks", "live.jsonl").code == 0
    assert (tmp_path / "t.jsonl").read_bytes() == (tmp_path / "live.jsonl").read_bytes()
    assert len((tmp_path / "t.jsonl").read_bytes().splitlines()) == 5
