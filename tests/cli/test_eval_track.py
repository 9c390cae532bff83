from __future__ import annotations

import json
import subprocess
import sys

import pytest


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


def test_only_listed_frames_are_scored(rtdet, folders, tmp_path):
    (tmp_path / "kept.txt").write_text("1\n2\n")
    done = rtdet("eval", "track", *folders, "--frames", "kept.txt")
    assert done.code == 0, done.err
    assert dict(zip(cells(done, "sequence"), cells(done, "combined"), strict=True))["HOTA"] == "100.00"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("truth", "nowhere"), 3, "no results for Street-1: nowhere/Street-1.txt is missing"),
        (("tracks", "tracks"), 3, "tracks has no sequences"),
        (("truth", "tracks", "--frames", "none.txt"), 3, "cannot read none.txt"),
        (("truth", "tracks", "--json", "no/such/folder.json"), 5, "the folder no/such does not exist"),
        (("truth", "tracks", "--frames", "five.txt"), 3, "five.txt lists no frame of Street-1, which has 4"),
        (("truth",), 2, "RESULTS_DIR"),
    ],
)
def test_what_is_wrong_is_one_line(rtdet, folders, tmp_path, arguments, code, said):
    (tmp_path / "five.txt").write_text("5")
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
