from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from rtdet.tracks import FORMATS, read_table, write_table
from rtdet.tracks.table import FrameList, TrackTable


@pytest.fixture
def folders(tmp_path):
    """GT_ROOT and RESULTS_DIR: someone who is followed for three of four frames, and a box of nobody."""
    (tmp_path / "truth" / "Street-1" / "gt").mkdir(parents=True)
    (tmp_path / "tracks").mkdir()
    rows = [f"{frame},1,10,10,20,40,1,1,1\n" for frame in range(1, 5)]
    (tmp_path / "truth" / "Street-1" / "gt" / "gt.txt").write_text("".join(rows))
    (tmp_path / "tracks" / "Street-1.txt").write_text("".join([*rows[:3], "3,2,500,10,20,40,1,1,1\n"]))
    return tmp_path / "truth", tmp_path / "tracks"


def cells(done, name):
    return next(line for line in done.out.splitlines() if line.strip().startswith(name)).split()[1:]


def test_the_figures_are_a_table_with_a_row_for_each_sequence_and_one_for_all(rtdet, folders):
    done = rtdet("eval", "track", *folders)
    assert done.code == 0, done.err
    titles = cells(done, "sequence")
    for name in ("Street-1", "combined"):
        row = dict(zip(titles, cells(done, name), strict=True))
        assert row["MOTA"] == "50.00"
        assert row["IDF1"] == "75.00"
        assert (row["FP"], row["FN"], row["IDSW"]) == ("1", "1", "0")
    assert "4 frames, 4 boxes of 1 objects to be found, 4 boxes of 2 tracks" in done.out


def test_who_measures_tracks_need_not_wait_for_what_reads_pictures(folders):
    program = """
import sys
sys.modules.update(dict.fromkeys(("cv2", "PIL", "yaml", "av", "torch", "scipy", "pyarrow")))
from rtdet.cli import main
main()
"""
    command = [sys.executable, "-c", program, "eval", "track", *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "combined" in done.stdout


def test_all_figures_are_written_as_json(rtdet, folders, tmp_path):
    done = rtdet("eval", "track", *folders, "--json", "scores.json")
    assert done.code == 0, done.err
    assert "wrote scores.json" in done.err
    written = json.loads((tmp_path / "scores.json").read_text())
    assert written["sequences"].keys() == {"Street-1"}
    assert written["combined"] == written["sequences"]["Street-1"]
    assert written["combined"]["MOTA"] == pytest.approx(0.5)
    assert written["combined"]["by_alpha"]["alpha"][::18] == [0.05, 0.95]
    assert len(written["combined"]["by_alpha"]["HOTA"]) == 19


HEADER = "frame,time_s,id,class,score,left,top,width,height,seen\n"


def test_truth_that_holds_nothing_or_one_name_twice_is_one_line(rtdet, tmp_path):
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "S.csv").write_text(HEADER)
    (tmp_path / "found.csv").write_text(HEADER + "1,0,1,person,.9,1,1,9,9,1\n")
    done = rtdet("eval", "track", "truth", "found.csv")
    assert (done.code, done.errors) == (3, ["rtdet: error: truth has no objects: nothing can be scored"])
    (tmp_path / "truth" / "S.txt").write_text("1,1,1,1,9,9,1,1,1\n")
    done = rtdet("eval", "track", "truth", "found.csv")
    assert done.code == 3
    assert "truth has S twice" in done.errors[0]


def test_two_videos_of_one_name_are_not_taken_for_one(rtdet, tmp_path):
    content = {
        "videos": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}],
        "categories": [{"id": 1, "name": "person"}],
        "images": [{"id": i, "video_id": i, "frame_id": 0} for i in (1, 2)],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "instance_id": 1, "bbox": [1, 1, 9, 9]} for i in (1, 2)
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(content))
    (tmp_path / "found.csv").write_text(HEADER + "1,0,1,person,.9,1,1,9,9,1\n")
    done = rtdet("eval", "track", "truth.json", "found.csv")
    assert done.code == 3
    assert "two of its videos have one name" in done.errors[0]


def test_warnings_of_names_are_clean_lines_of_rtdet(rtdet, tmp_path):
    (tmp_path / "truth.csv").write_text(HEADER + "1,0,1,person,.9,1,1,9,9,1\n")
    (tmp_path / "found.csv").write_text(HEADER + "1,0,1,\x1b[2Jcat,.9,1,1,9,9,1\n")
    done = rtdet("eval", "track", "truth.csv", "found.csv")
    assert done.code == 0
    assert done.err.startswith("rtdet: warning: found.csv has none of the classes")
    assert "\x1b" not in done.err


def test_only_listed_frames_are_scored(rtdet, folders, tmp_path):
    (tmp_path / "kept.txt").write_text("1\n2\n")
    done = rtdet("eval", "track", *folders, "--frames", "kept.txt")
    assert done.code == 0, done.err
    assert dict(zip(cells(done, "sequence"), cells(done, "combined"), strict=True))["HOTA"] == "100.00"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("truth", "nowhere"), 3, "no results for Street-1: nowhere/Street-1.txt is missing"),
        (("empty", "tracks"), 3, "empty has no sequences"),
        (("truth", "tracks", "--frames", "none.txt"), 3, "cannot read none.txt"),
        (("truth", "tracks", "--json", "no/such/folder.json"), 5, "the folder no/such does not exist"),
        (("truth", "tracks", "--frames", "five.txt"), 3, "five.txt lists no frame of Street-1, which has 4"),
        (("truth",), 2, "RESULTS"),
    ],
)
def test_what_is_wrong_is_one_line(rtdet, folders, tmp_path, arguments, code, said):
    (tmp_path / "five.txt").write_text("5")
    (tmp_path / "empty").mkdir()
    done = rtdet("eval", "track", *arguments)
    assert done.code == code
    assert len(done.errors) == 1
    assert said in done.errors[0]


def test_a_sequence_may_be_called_anything(rtdet, folders, monkeypatch):
    truth, tracks = folders
    (truth / "Street-1").rename(truth / "[red]\x1b[31m ß")
    (tracks / "Street-1.txt").rename(tracks / "[red]\x1b[31m ß.txt")
    done = rtdet("eval", "track", truth, tracks)
    assert done.code == 0, done.err
    assert "[red]?[31m ß" in done.out


def test_the_table_fits_a_narrow_terminal(rtdet, folders, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    done = rtdet("eval", "track", *folders)
    lines = done.out.splitlines()[:-1]
    assert max(map(len, lines)) <= 80
    assert "HOTA" in lines[0]
    assert "LocA" not in lines[0]


def test_the_figures_are_not_written_over_what_is_measured(rtdet, folders, tmp_path):
    truth, tracks = folders
    (tmp_path / "frames.txt").write_text("1 2 3\n")
    for read in (truth / "Street-1" / "gt" / "gt.txt", tracks / "Street-1.txt", tmp_path / "frames.txt"):
        before = read.read_text()
        done = rtdet("eval", "track", truth, tracks, "--frames", tmp_path / "frames.txt", "--json", read)
        assert (done.code, len(done.errors)) == (2, 1), done.err
        assert "would overwrite" in done.errors[0]
        assert read.read_text() == before


FULL = """
import resource, sys
from rtdet.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
main(["eval", "track", *sys.argv[1:]])
"""


def test_where_the_disk_is_full_there_is_no_half_file(folders, tmp_path):
    command = [sys.executable, "-c", FULL, *folders, "--json", tmp_path / "scores.json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 5
    assert "combined" in done.stdout
    assert done.stderr.startswith("rtdet: error: cannot write ")
    assert not (tmp_path / "scores.json").exists()


def street_table(shift=0.0, unseen=()):
    """A person and a car over ten frames."""
    frames = np.repeat(np.arange(1, 11), 2)
    boxes = np.array([[10.0 * f + shift, 10, 10 * f + 40 + shift, 90] for f in frames])
    boxes[1::2] += [0, 200, 60, 200]
    seen = ~np.isin(frames, unseen)
    listed = FrameList(np.arange(1, 11), np.arange(10) / 25)
    ids, labels = np.tile([1, 2], 10), np.tile([0, 1], 10)
    return TrackTable(frames, ids, boxes, np.ones(20), labels, listed, ("person", "car"), {"seen": seen})


@pytest.mark.parametrize("suffix", list(FORMATS))
def test_rtdets_own_files_are_truth_and_results_in_every_format(rtdet, tmp_path, suffix):
    write_table(street_table(), tmp_path / f"truth{suffix}")
    write_table(street_table(5.0), tmp_path / f"tracks{suffix}")
    done = rtdet("eval", "track", f"truth{suffix}", f"tracks{suffix}", "--json", "o.json")
    assert done.code == 0, done.err
    written = json.loads((tmp_path / "o.json").read_text())
    assert set(written["classes"]) == ({"1", "2"} if suffix == ".txt" else {"person", "car"})
    assert {one["IDF1"] for one in written["classes"].values()} == {1.0}
    assert written["combined"]["truth_boxes"] == 20
    assert written["combined"]["frames"] == 10


def test_classes_are_chosen_by_name_and_unseen_rows_may_be_left_out(rtdet, tmp_path):
    write_table(street_table(), tmp_path / "truth.csv")
    write_table(street_table(unseen=(4, 5)), tmp_path / "tracks.jsonl")
    figures = {}
    for more in ((), ("--seen-only",)):
        done = rtdet(
            "eval", "track", "truth.csv", "tracks.jsonl", "--classes", "car", "--json", "o.json", *more
        )
        assert done.code == 0, done.err
        figures[more] = json.loads((tmp_path / "o.json").read_text())["combined"]
    assert figures[()]["truth_boxes"] == 10
    assert (figures[()]["FN"], figures["--seen-only",]["FN"]) == (0, 2)
    done = rtdet("eval", "track", "truth.csv", "tracks.jsonl", "--classes", "cra")
    assert done.code == 2
    assert "did you mean car" in done.errors[0]


def test_the_truth_may_be_coco_video(rtdet, tmp_path):
    table = street_table()
    truth = {
        "videos": [{"id": 7, "name": "street"}],
        "images": [{"id": 100 + f, "video_id": 7, "frame_id": f - 1} for f in range(1, 11)],
        "categories": [{"id": 3, "name": "Car"}, {"id": 5, "name": "pedestrian"}],
        "annotations": [
            {
                "id": i, "image_id": 100 + int(f), "video_id": 7, "instance_id": int(track),
                "category_id": 5 if track == 1 else 3, "bbox": [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()],
            }
            for i, (f, track, box) in enumerate(zip(table.frames, table.ids, table.boxes, strict=True))
        ],
    }  # fmt: skip
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    write_table(table, tmp_path / "tracks.parquet")
    (tmp_path / "results").mkdir()
    write_table(table, tmp_path / "results" / "street.csv")
    for results in ("tracks.parquet", "results"):
        done = rtdet("eval", "track", "truth.json", results, "--json", "o.json")
        assert done.code == 0, done.err
        written = json.loads((tmp_path / "o.json").read_text())
        assert {name: one["HOTA"] for name, one in written["classes"].items()} == {"person": 1.0, "car": 1.0}
        assert written["sequences"].keys() == {"street"}


def test_a_benchmarks_people_are_scored_in_rtdets_files_with_other_classes_too(rtdet, folders, tmp_path):
    truth, tracks = folders
    alone = rtdet("eval", "track", truth, tracks)
    rows = (tracks / "Street-1.txt").read_text()
    (tracks / "Street-1.txt").write_text(rows + "1,9,100,10,20,40,1,3,1\n")
    assert rtdet("eval", "track", truth, tracks).out == alone.out
    write_table(read_table(tracks / "Street-1.txt"), tracks / "Street-1.csv")
    (tracks / "Street-1.txt").unlink()
    lines = (tracks / "Street-1.csv").read_text().replace(",0,", ",person,", 1).splitlines()
    named = [line.split(",") for line in lines]
    for line in named[1:]:
        line[3] = "car" if line[2] == "9" else "person"
    (tracks / "Street-1.csv").write_text("\n".join(",".join(line) for line in named))
    assert rtdet("eval", "track", truth, tracks).out == alone.out
    by_name = rtdet("eval", "track", truth, tracks, "--classes", "person")
    assert by_name.code == 0, by_name.err
    assert "class" in by_name.out
