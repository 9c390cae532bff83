"""The main job through the command line: with the embedded model, a real decoder and a real encoder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

from rtdet.demo import DemoScene
from rtdet.geometry.boxes import iou
from rtdet.tracks import read_tracks


def _probe(path):
    command = ["ffprobe", "-v", "error", "-count_frames", "-of", "json", "-show_streams", str(path)]
    streams = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)[
        "streams"
    ]
    return {stream["codec_type"]: stream for stream in streams}


def test_a_clip_becomes_an_annotated_recording_a_track_file_and_statistics(rtdet, clip, tmp_path):
    done = rtdet("--source", clip, "--headless", "--save", "o.mp4", "--tracks", "o.txt", "--stats", "o.json")
    assert done.code == 0
    assert done.errors == []
    streams = _probe(tmp_path / "o.mp4")
    assert streams["video"]["codec_name"] == "h264"
    assert streams["video"]["pix_fmt"] == "yuv420p"
    assert int(streams["video"]["nb_read_frames"]) == 40
    assert float(streams["video"]["duration"]) == pytest.approx(2.0, abs=0.05)
    assert streams["audio"]["codec_name"] == "aac"
    stats = json.loads((tmp_path / "o.json").read_text())
    assert stats["frames"]["in"] == stats["frames"]["processed"] == 40
    assert stats["frames"]["dropped"] == {}
    assert stats["fps"]["inference"] > 0
    rows = (tmp_path / "o.txt").read_text().splitlines()
    assert all(len(row.split(",")) == 9 for row in rows)


def test_the_embedded_model_finds_and_follows_the_objects_of_the_demo(rtdet, clip, tmp_path):
    rtdet("--source", clip, "--headless", "--tracks", "o.csv", "--quiet")
    scene = DemoScene(seed=0, width=640, height=360, fps=20.0, duration_s=2.0)
    asked = found = 0
    for index, tracks in read_tracks(tmp_path / "o.csv"):
        if index < 10:
            continue  # tracks need a few frames to be confirmed
        truth = scene.truth(index)
        size = (truth.boxes[:, 2:] - truth.boxes[:, :2]).min(axis=1)
        clear = truth[(scene.visibility(index) > 0.8) & (size > 16)]
        asked += len(clear)
        found += int((iou(clear.boxes, tracks.boxes).max(axis=1, initial=0) > 0.5).sum())
    assert asked > 60
    assert found / asked > 0.6


def test_the_same_file_twice_gives_the_same_bytes(rtdet, clip, tmp_path):
    for name in ("a", "b"):
        rtdet("--source", clip, "--headless", "--tracks", f"{name}.txt", "--save", f"{name}.mp4", "--quiet")
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_with_a_scale_of_the_ground_tracks_have_speeds_and_nothing_else_changes(rtdet, clip, tmp_path):
    corners = {
        "points": [[0, 0.6], [1, 0.6], [1, 1], [0, 1]],
        "metres": [[-10, 20], [10, 20], [5, 8], [-5, 8]],
    }
    (tmp_path / "zones.json").write_text(
        json.dumps({"type": "FeatureCollection", "properties": {"ground": corners}})
    )
    for name, more in (("a.csv", ()), ("b.csv", ("--zones", "zones.json"))):
        assert rtdet("--source", clip, "--headless", "--tracks", name, *more).code == 0
    plain = (tmp_path / "a.csv").read_text().splitlines()
    with_speeds = (tmp_path / "b.csv").read_text().splitlines()
    assert [line.rsplit(",", 3)[0] for line in with_speeds] == plain
    assert with_speeds[0].endswith(",seen,speed,speed_se,distance_m")
    (tmp_path / "zones.json").write_text(
        json.dumps({"type": "FeatureCollection", "properties": {"ground": {}}})
    )
    refused = rtdet("--source", clip, "--headless", "--tracks", "c.csv", "--zones", "zones.json")
    assert refused.code == 3
    assert len(refused.errors) == 1


@pytest.mark.parametrize("tracker", ["bytetrack", "rtdet"])
def test_a_run_with_low_scores_and_the_cameras_motion_repeats_itself_too(rtdet, clip, tmp_path, tracker):
    for name in ("a", "b"):
        options = ("--headless", "--quiet", "--tracker", tracker, "--camera-motion")
        rtdet("--source", clip, *options, "--tracks", f"{name}.txt", "--save", f"{name}.mp4")
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes() != b""
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_camera_motion_without_a_tracker_that_uses_it_is_said_in_one_line(rtdet, clip):
    done = rtdet("--source", clip, "--headless", "--quiet", "--tracker", "none", "--camera-motion")
    assert done.code == 0
    assert done.err.count("\n") == 1
    assert "the tracker none does not support it" in done.err


def test_a_run_that_found_nothing_says_so_with_what_it_asked_for_and_what_to_try(rtdet, clip):
    run = ("--source", clip, "--headless", "--max-frames", 3, "--tracks", "o.csv")
    (line,) = [line for line in rtdet(*run, "--conf", 0.99).err.splitlines() if "no objects" in line]
    assert line.startswith(
        "no objects were found at --conf 0.99; try a lower one, another --model, or a larger"
    )
    assert "no objects" not in rtdet(*run, "--conf", 1).err
    (line,) = [line for line in rtdet(*run, "--classes", "zebra").err.splitlines() if "no objects" in line]
    assert line.startswith("no objects of zebra were found at --conf 0.25; try a lower one, other --classes")
    done = rtdet("detect", clip, "--out", "d.json", "--conf", 0.99, "--max-frames", 3)
    assert "no objects were found at --conf 0.99; try a lower one" in done.err
    assert "no tracks: d.json holds no detections" in rtdet("track", "d.json", "--out", "t.csv").err


def test_a_run_with_detections_but_no_tracks_says_how_to_get_the_detections(rtdet, clip, tmp_path):
    run = ("--source", clip, "--headless", "--max-frames", 1, "--tracks", "o.csv")
    done = rtdet(*run, "--tracker", "sort", "--set", "min_score=1")
    (line,) = [line for line in done.err.splitlines() if "no tracks" in line]
    assert "--tracker none writes the detections as they are" in line
    done = rtdet(*run, "--tracker", "none")
    assert "no " not in done.err
    rtdet("detect", clip, "--out", "d.json", "--max-frames", 3)
    assert (
        "no detection begins one; try a lower"
        in rtdet("track", "d.json", "--out", "t.csv", "--conf", 0.99).err
    )


def test_start_duration_and_max_frames_cut_the_run(rtdet, clip, tmp_path):
    rtdet("--source", clip, "--headless", "--start", 0.5, "--duration", 0.5, "--stats", "a.json", "--quiet")
    assert json.loads((tmp_path / "a.json").read_text())["frames"]["processed"] == 10
    rtdet("--source", clip, "--headless", "--max-frames", 7, "--stats", "b.json", "--quiet")
    assert json.loads((tmp_path / "b.json").read_text())["frames"]["processed"] == 7


def test_without_a_display_it_says_so_and_runs_without_a_window(start_rtdet, clip):
    process = start_rtdet("--source", clip, "--tracks", "o.txt", "--max-frames", 5)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 0
    assert "no display" in err


def test_without_a_display_a_run_that_cannot_begin_is_its_error_alone(rtdet, monkeypatch):
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = rtdet("--source", "nowhere.mp4")
    assert done.code == 3
    assert done.err.splitlines() == done.errors


def test_a_window_that_is_insisted_on_is_one_clear_error_where_none_can_open(start_rtdet, clip, tmp_path):
    process = start_rtdet("--source", clip, "--show", "--tracks", "o.txt")
    _, err = process.communicate(timeout=200)
    assert process.returncode == 2
    assert err.splitlines() == [line for line in err.splitlines() if line.startswith("rtdet: error: --show")]
    assert "display" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "o.txt").exists()


def test_a_window_and_none_at_once_is_one_clear_error(rtdet, clip):
    done = rtdet("--source", clip, "--show", "--headless")
    assert done.code == 2
    assert "--show" in done.errors[0]
    assert "--headless" in done.errors[0]
    assert done.err.count("\n") == 1


def test_ctrl_c_ends_with_complete_outputs_and_130(start_rtdet, tmp_path):
    process = start_rtdet(
        "--source", "demo", "--headless", "--save", "o.mp4", "--tracks", "o.jsonl", "--quiet"
    )
    _wait_for(lambda: (tmp_path / "o.jsonl").exists() and (tmp_path / "o.jsonl").stat().st_size > 0, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=200)
    assert process.returncode == 130, err
    lines = (tmp_path / "o.jsonl").read_text().splitlines()
    assert int(_probe(tmp_path / "o.mp4")["video"]["nb_read_frames"]) == len(lines)
    assert all(json.loads(line) for line in lines)


def test_kill_9_leaves_a_recording_that_plays(start_rtdet, tmp_path):
    process = start_rtdet(
        "--source", "demo", "--headless", "--save", "o.mp4", "--tracks", "o.jsonl", "--quiet"
    )
    enough = 75  # three seconds of video, so that more than the last second or two is safe
    _wait_for(lambda: _lines(tmp_path / "o.jsonl") > enough, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert int(_probe(tmp_path / "o.mp4")["video"]["nb_read_frames"]) >= enough - 50


def _lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def _wait_for(condition, process):
    end = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def test_python_yields_results_and_leaving_early_completes_the_outputs(clip, tmp_path):
    import rtdet

    seen = []
    for result in rtdet.run(clip, save=str(tmp_path / "o.mkv"), classes=("car", "person")):
        assert result.tracks.boxes.shape == (len(result.tracks.ids), 4)
        assert set(result.detections.labels.tolist()) <= {0, 2}
        seen.append(result.frame.index)
        if len(seen) == 6:
            break
    assert seen == [0, 1, 2, 3, 4, 5]
    del result
    assert int(_probe(tmp_path / "o.mkv")["video"]["nb_read_frames"]) >= 6


def test_python_takes_settings_as_people_write_them_and_offers_the_nearest_name(clip, tmp_path):
    import rtdet

    results = rtdet.run(clip, classes="person, car", tracks=tmp_path / "o.jsonl", max_frames=2)
    assert [result.frame.index for result in results] == [0, 1]
    assert (tmp_path / "o.jsonl").read_text().count("\n") == 2
    with pytest.raises(
        rtdet.UsageError, match=r"unknown setting of rtdet\.run 'trackr': did you mean tracker"
    ):
        rtdet.run(clip, trackr="sort")


def test_detectors_trackers_and_sources_work_alone(clip):
    import rtdet

    source = rtdet.open_source(str(clip))
    detector = rtdet.load_detector("rtdet-n")
    tracker = rtdet.load_tracker("sort", max_age=1)
    for _ in range(3):
        frame = source.read()
        (found,) = detector.detect([frame.bgr])
        tracks = tracker.update(found, frame.t)
    assert isinstance(tracks, rtdet.Tracks)
    assert np.isfinite(tracks.boxes).all()
    detector.close()
    source.close()


def test_a_folder_of_pictures_gives_detections_by_file_name(rtdet, tmp_path):
    import cv2

    scene = DemoScene(seed=0, width=640, height=360)
    (tmp_path / "pictures").mkdir()
    for index in (0, 40, 80):
        cv2.imwrite(str(tmp_path / "pictures" / f"{index}.png"), scene.render(index))
    assert rtdet("detect", "pictures", "--out", "d.json", "--quiet").code == 0
    rows = json.loads((tmp_path / "d.json").read_text())
    assert {row["file_name"] for row in rows} == {"0.png", "40.png", "80.png"}
    assert all(len(row["bbox"]) == 4 and 0 <= row["score"] <= 1 for row in rows)


def test_detections_of_a_video_feed_the_tracker(rtdet, clip, tmp_path):
    assert rtdet("detect", clip, "--out", "d.txt", "--conf", 0.3, "--quiet").code == 0
    assert rtdet("track", "d.txt", "--out", "t.txt", "--fps", 20).code == 0
    assert (tmp_path / "t.txt").read_text().count("\n") > 20
