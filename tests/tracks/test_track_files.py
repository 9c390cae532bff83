"""Track and detection files: exact content, reading back, the same bytes twice, whole after a kill."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtdet.errors import OutputError, SourceError, UnknownNameError
from rtdet.tracks import FORMATS, open_detection_file, open_track_file, read_table, read_tracks, write_table
from rtdet.tracks.formats import parquet
from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks

NAMES = ("person", "bicycle", "car")
INFO = SourceInfo("made", 64, 48, 25.0)
IMAGE = np.zeros((48, 64, 3), np.uint8)


def result(index: int, tracks: Tracks | None = None, name: str = "") -> FrameResult:
    return FrameResult(Frame(IMAGE, index / 25, index, name=name), Detections(), tracks or Tracks())


def some_results(count: int = 6) -> list[FrameResult]:
    """Three tracks, out of order of ID, in all frames but the third."""
    out = []
    for i in range(count):
        boxes = [[10.456 + i, 5, 20.25, 30], [-3, -0.001, 7.5, 9], [1 / 3, 2 / 3, 40, 41]]
        tracks = Tracks(boxes, [12, 3, 5], [0.9, 0.51239, 1.0], [2, 0, 0], class_names=NAMES)
        out.append(result(i, tracks if i != 2 else Tracks(class_names=NAMES)))
    return out


def write(path: Path, results: list[FrameResult]) -> Path:
    with closing(open_track_file(path)) as sink:
        for one in results:
            sink.write(one)
    return path


def test_mot_rows_are_exactly_frame_id_box_score_class_visibility(tmp_path: Path) -> None:
    lines = write(tmp_path / "o.txt", some_results()).read_text().splitlines()
    assert lines[:3] == [
        "1,3,-3.00,0.00,10.50,9.00,0.5124,1,1",
        "1,5,0.33,0.67,39.67,40.33,1.0000,1,1",
        "1,12,10.46,5.00,9.79,25.00,0.9000,3,1",
    ]
    assert [line.split(",")[0] for line in lines[::3]] == ["1", "2", "4", "5", "6"]


def test_the_csv_has_a_header_and_class_names(tmp_path: Path) -> None:
    rows = list(csv.DictReader(write(tmp_path / "o.csv", some_results()).read_text().splitlines()))
    assert list(rows[0]) == [
        "frame",
        "time_s",
        "id",
        "class",
        "score",
        "left",
        "top",
        "width",
        "height",
        "seen",
    ]
    assert rows[5] == {
        "frame": "2", "time_s": "0.040000", "id": "12", "class": "car", "score": "0.9000",
        "left": "11.46", "top": "5.00", "width": "8.79", "height": "25.00", "seen": "1",
    }  # fmt: skip


def test_json_lines_have_an_object_for_every_frame_with_its_file_name(tmp_path: Path) -> None:
    results = [*some_results(), result(6, name="späť.png")]
    lines = [json.loads(line) for line in write(tmp_path / "o.jsonl", results).read_bytes().splitlines()]
    assert [line["frame"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert lines[2] == {"frame": 3, "time_s": 0.08, "tracks": []}
    assert lines[6]["name"] == "späť.png"
    assert lines[0]["tracks"][0] == {
        "id": 3,
        "class": "person",
        "score": 0.5124,
        "box": [-3.0, 0.0, 10.5, 9.0],
        "seen": True,
    }


def test_the_coco_file_links_annotations_images_and_categories(tmp_path: Path) -> None:
    coco = json.loads(write(tmp_path / "o.json", some_results()).read_text())
    assert coco["categories"] == [{"id": i + 1, "name": name} for i, name in enumerate(NAMES)]
    assert [image["id"] for image in coco["images"]] == [1, 2, 3, 4, 5, 6]
    assert (coco["images"][0]["width"], coco["images"][0]["height"]) == (64, 48)
    first = coco["annotations"][0]
    assert (first["id"], first["image_id"], first["category_id"], first["track_id"]) == (1, 1, 1, 3)
    assert (first["bbox"], first["area"], first["score"]) == ([-3.0, 0.0, 10.5, 9.0], 94.5, 0.5124)
    assert len({note["id"] for note in coco["annotations"]}) == len(coco["annotations"]) == 15


def test_the_coco_file_is_read_by_pycocotools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    coco_api = pytest.importorskip("pycocotools.coco", reason="needs pycocotools")
    coco = coco_api.COCO(str(write(tmp_path / "o.json", some_results())))
    assert len(coco.getAnnIds(imgIds=[1])) == 3
    assert coco.getAnnIds(imgIds=[3]) == []


def test_parquet_holds_typed_columns_in_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "_ROWS_PER_GROUP", 4)
    path = write(tmp_path / "o.parquet", some_results())
    table = pq.read_table(path)
    assert table.column_names == [
        "frame", "time_s", "id", "class_id", "class", "score", "left", "top", "width", "height", "seen"
    ]  # fmt: skip
    assert table["frame"].to_pylist() == [1, 1, 1, 2, 2, 2, 4, 4, 4, 5, 5, 5, 6, 6, 6]
    assert table["class"].to_pylist()[:3] == ["person", "person", "car"]
    assert pq.ParquetFile(path).metadata.num_row_groups == 4
    assert np.allclose(table["left"].to_numpy()[:3], [-3, 0.33, 10.46])


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_every_format_reads_back_what_was_written(tmp_path: Path, suffix: str) -> None:
    frames = dict(read_tracks(write(tmp_path / f"o{suffix}", some_results())))
    assert sorted(set(frames) - {2}) == [0, 1, 3, 4, 5]
    assert len(frames.get(2, Tracks())) == 0
    tracks = frames[4]
    assert tracks.ids.tolist() == [3, 5, 12]
    assert np.allclose(tracks.boxes, [[-3, 0, 7.5, 9], [0.33, 0.67, 40, 41], [14.46, 5, 20.25, 30]])
    assert np.allclose(tracks.scores, [0.5124, 1.0, 0.9])
    names = [tracks.name_of(i) for i in range(3)]
    assert names == (["0", "0", "2"] if suffix == ".txt" else ["person", "person", "car"])


@pytest.mark.parametrize("suffix", list(FORMATS))
@pytest.mark.parametrize("checkpoint_every_frame", [False, True])
def test_the_same_results_give_the_same_bytes_whatever_the_name_and_the_pace(
    tmp_path: Path, suffix: str, checkpoint_every_frame: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "_ROWS_PER_GROUP", 5)
    first = write(tmp_path / f"a{suffix}", some_results(20)).read_bytes()
    if checkpoint_every_frame:
        monkeypatch.setattr("rtdet.output_file.Checkpoint.is_due", lambda self: True)
    second = write(tmp_path / f"other{suffix}", some_results(20)).read_bytes()
    assert first == second
    assert str(tmp_path).encode() not in first


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_a_run_without_tracks_is_a_file_that_reads_as_empty(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"o{suffix}", [result(0), result(1)])
    assert all(len(tracks) == 0 for _, tracks in read_tracks(path))


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_a_run_without_frames_leaves_an_older_file_alone_and_makes_no_new_one(
    tmp_path: Path, suffix: str
) -> None:
    (tmp_path / f"old{suffix}").write_text("older")
    for name in ("old", "new"):
        sink = open_track_file(tmp_path / f"{name}{suffix}")
        sink.close()
        sink.close()
    assert (tmp_path / f"old{suffix}").read_text() == "older"
    assert not (tmp_path / f"new{suffix}").exists()


def test_a_longer_older_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for suffix in FORMATS:
        path = tmp_path / f"o{suffix}"
        write(path, some_results(40))
        write(path, some_results(3))
        assert len(read_tracks(path)) <= 3


KILLED = """
    import os, sys, numpy as np
    from rtdet import output_file
    from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
    from rtdet.tracks import open_track_file
    sink = open_track_file(sys.argv[1])
    output_file.Checkpoint.is_due = lambda self: True
    for i in range(60):
        if i == 50:
            output_file.Checkpoint.is_due = lambda self: False
        tracks = Tracks([[i, 1, i + 9, 9]], [1], class_names=("person",))
        frame = Frame(np.zeros((48, 64, 3), np.uint8), i / 25, i)
        sink.write(FrameResult(frame, Detections(), tracks))
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_kill_9_leaves_a_readable_file_up_to_the_last_checkpoint(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o{suffix}"
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    frames = read_tracks(path)
    # Rows of text are there at once; the formats with a closing part have them up to the last checkpoint.
    assert len(frames) == (60 if suffix in (".txt", ".csv", ".jsonl") else 50)
    assert frames[-1][1].boxes[0, 0] == len(frames) - 1


FULL = """
    import resource, sys, numpy as np
    from rtdet import output_file
    from rtdet.errors import OutputError
    from rtdet.types import Detections, Frame, FrameResult, SourceInfo, Tracks
    from rtdet.tracks import open_track_file
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    output_file.Checkpoint.is_due = lambda self: True
    sink = open_track_file(sys.argv[1])
    errors = []
    noise = np.random.default_rng(0)
    for i in range(400):
        tracks = Tracks(np.sort(noise.uniform(0, 99, (3, 4))), [1, 2, 3], class_names=("person",))
        try:
            frame = Frame(np.zeros((48, 64, 3), np.uint8), i / 25, i)
            sink.write(FrameResult(frame, Detections(), tracks))
        except OutputError as error:
            errors.append(str(error))
            if len(errors) == 2:
                break
    sink.close()
    print(*errors, sep="\\n")
"""


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_a_file_that_cannot_grow_any_more_says_so_and_reads_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o{suffix}"
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(path), "15000"]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [f"cannot write {path}: file too large"] * 2
    frames = read_tracks(path)
    assert len(frames) > 10
    assert all(len(tracks) == 3 for _, tracks in frames)


def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    (tmp_path / "o.csv").symlink_to("/dev/full")
    sink = open_track_file(tmp_path / "o.csv")
    with pytest.raises(OutputError, match=r"the disk is full: .*o\.csv is incomplete"):
        sink.write(some_results(1)[0])
    sink.close()


def test_unknown_suffixes_name_the_known_ones_and_missing_folders_are_named(tmp_path: Path) -> None:
    for name in ("o.xml", "o", "o.mp4"):
        with pytest.raises(UnknownNameError, match=r"\.txt, \.csv, \.jsonl, \.parquet or \.json"):
            open_track_file(tmp_path / name)
    with pytest.raises(OutputError, match=r"the folder .* does not exist"):
        open_track_file(tmp_path / "nowhere" / "o.txt")
    with pytest.raises(UnknownNameError, match=r"no format of a detection file; use \.json or \.txt"):
        open_detection_file(tmp_path / "o.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_a_broken_or_missing_track_file_is_refused_with_its_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o{suffix}"
    with pytest.raises(SourceError, match=r"cannot read .*o\."):
        read_tracks(path)
    path.write_text('frame\n1,not,a "number"\n')
    said = r"o\.txt, line 1: a row is frame,id,left,top" if suffix == ".txt" else "is not a track file"
    with pytest.raises(SourceError, match=said):
        read_tracks(path)


def test_boxes_that_are_not_finite_have_no_row(tmp_path: Path) -> None:
    tracks = Tracks([[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [1, 1, 5, 5]], [1, 2, 3])
    for suffix in FORMATS:
        frames = read_tracks(write(tmp_path / f"o{suffix}", [result(0, tracks)]))
        assert frames[0][1].ids.tolist() == [3]


def test_a_class_keeps_its_number_when_the_model_changes_during_the_run(tmp_path: Path) -> None:
    box = [[1, 1, 5, 5]]
    results = [
        result(0, Tracks(box, [1], labels=[1], class_names=("person", "car"))),
        result(1, Tracks(box, [1], labels=[0], class_names=("car", "dog"))),
        result(2, Tracks(box, [2], labels=[1], class_names=("car", "dog"))),
    ]
    lines = write(tmp_path / "o.txt", results).read_text().splitlines()
    assert [line.split(",")[7] for line in lines] == ["2", "2", "3"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(1, 30), max_size=5, unique=True), min_size=1, max_size=8))
def test_any_sequence_of_frames_survives_every_format(tmp_path: Path, ids: list[list[int]]) -> None:
    results = []
    for index, frame_ids in enumerate(ids):
        boxes = np.array([[i, i, 2 * i + 1, 3 * i + 1] for i in frame_ids], dtype=float).reshape(-1, 4)
        labels = [i % 3 for i in frame_ids]
        results.append(result(index, Tracks(boxes, frame_ids, labels=labels, class_names=NAMES)))
    for suffix in FORMATS:
        got = {i: t.ids.tolist() for i, t in read_tracks(write(tmp_path / f"o{suffix}", results)) if len(t)}
        assert got == {i: sorted(frame_ids) for i, frame_ids in enumerate(ids) if frame_ids}


def detection_result(index: int, count: int, name: str = "") -> FrameResult:
    boxes = np.array([[i, 2, i + 10, 22.5] for i in range(count)]).reshape(-1, 4)
    seen = Detections(boxes, np.linspace(0.9, 0.5, count), np.arange(count) % 3, NAMES)
    return FrameResult(Frame(IMAGE, index / 25, index, name=name), seen, Tracks())


def test_detections_are_a_json_list_by_frame_or_by_file_name(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    with closing(open_detection_file(path)) as sink:
        for index, (count, name) in enumerate([(0, ""), (2, ""), (1, "img/7.png"), (0, "")]):
            sink.write(detection_result(index, count, name))
            json.loads(path.read_text())  # whole after every frame
    items = json.loads(path.read_text())
    first = {"frame": 2, "time_s": 0.04, "category": "person", "bbox": [0.0, 2.0, 10.0, 20.5], "score": 0.9}
    assert first.items() <= items[0].items()
    assert items[0]["source"]["classes"] == list(NAMES)
    assert items[0]["no_detections"] == [{"frame": 1, "time_s": 0.0, "size": [64, 48]}]
    assert items[1].keys() == first.keys()
    assert items[1]["category"] == "bicycle"
    assert items[2] == {
        "file_name": "img/7.png", "frame": 3, "time_s": 0.08, "category": "person",
        "bbox": [0.0, 2.0, 10.0, 20.5], "score": 0.9, "no_detections": [{"frame": 4, "time_s": 0.12}],
    }  # fmt: skip
    assert len(items) == 3


def test_key_points_of_detections_are_in_their_json(tmp_path: Path) -> None:
    result = detection_result(0, 2)
    points = np.arange(2 * 17 * 3, dtype=np.float64).reshape(2, 17, 3)
    with closing(open_detection_file(tmp_path / "d.json")) as sink:
        sink.write(replace(result, detections=replace(result.detections, points=points)))
    first, second = json.loads((tmp_path / "d.json").read_text())
    assert first["keypoints"] == list(range(51))
    assert second["keypoints"][-3:] == [99, 100, 101]


def test_detections_as_text_are_mot_rows_without_an_id(tmp_path: Path) -> None:
    with closing(open_detection_file(tmp_path / "d.txt")) as sink:
        sink.write(detection_result(4, 2))
    assert (tmp_path / "d.txt").read_text() == (
        "5,-1,0.00,2.00,10.00,20.50,0.9000,-1,-1,-1\n5,-1,1.00,2.00,10.00,20.50,0.5000,-1,-1,-1\n"
    )


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_frames_that_a_seek_went_back_to_are_there_once_with_all_their_tracks(
    tmp_path: Path, suffix: str
) -> None:
    results = [result(i, Tracks([[1, 1, 5, 5]], [track])) for i, track in ((0, 1), (1, 1), (0, 2), (1, 2))]
    table = read_table(write(tmp_path / f"o{suffix}", results))
    assert table.frame_list.numbers.tolist() == [1, 2]
    assert [table.at(frame).ids.tolist() for frame in (1, 2)] == [[1, 2], [1, 2]]
    if suffix == ".json":
        assert [image["id"] for image in json.loads((tmp_path / "o.json").read_text())["images"]] == [1, 2]


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_every_format_tells_rows_of_a_track_that_was_not_seen_in_that_frame(
    tmp_path: Path, suffix: str
) -> None:
    results = [
        result(i, Tracks([[1, 1, 5, 5], [9, 9, 20, 20]], [1, 2], since_update_s=[0.0, 0.04 * (i == 1)]))
        for i in range(3)
    ]
    table = read_table(write(tmp_path / f"o{suffix}", results))
    assert table.values["seen"].tolist() == [True, True, True, False, True, True]
    if suffix == ".txt":
        assert [line[-2:] for line in (tmp_path / "o.txt").read_text().split()] == [",1"] * 3 + [",0"] + [
            ",1"
        ] * 2
    for other in FORMATS:
        write_table(table, tmp_path / f"other{other}")
        assert read_table(tmp_path / f"other{other}").values["seen"].tolist() == table.values["seen"].tolist()
