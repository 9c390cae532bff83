"""`rtdet track`: detection rows in, track rows out."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from rtdet.cli.track import command
from rtdet.errors import OutputError, SourceError, UnknownNameError, UsageError


@pytest.fixture
def detections(tmp_path):
    """Someone who walks for 20 frames, unseen in frames 8 and 9, and someone who stands."""
    rows = [f"{f},-1,{10 + 3 * f},20,30,60,0.9,-1,-1,-1" for f in range(1, 21) if f not in (8, 9)]
    rows += [f"{f},-1,400,20,30,60,0.8,-1,-1,-1" for f in range(1, 21)]
    path = tmp_path / "det.txt"
    path.write_text("\n".join(rows))
    return path


def track(*arguments):
    """Runs the command; raises what it raises."""
    result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def rows_of(path):
    return [[float(value) for value in line.split(",")] for line in path.read_text().splitlines()]


def test_tracks_are_written_as_mot_rows_in_order(detections, tmp_path):
    out = tmp_path / "tracks.txt"
    assert f"wrote {out}" in track(detections, "--out", out).output
    rows = rows_of(out)
    assert {len(row) for row in rows} == {9}
    assert [row[:2] for row in rows] == sorted(row[:2] for row in rows)
    assert {row[1] for row in rows} == {1, 2}
    assert {row[0] for row in rows} == set(range(1, 21))
    assert rows[0][2:6] == [13.0, 20.0, 30.0, 60.0]


def test_the_same_detections_give_the_same_bytes(detections, tmp_path):
    for name in ("a.txt", "b.txt"):
        track(detections, "--out", tmp_path / name)
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "b.txt").read_bytes()


def test_settings_change_the_tracks(detections, tmp_path):
    track(
        detections,
        "--out",
        tmp_path / "a.txt",
        "--tracker",
        "sort",
        "--set",
        "max-age=1",
        "--set",
        "min_score=0.85",
    )
    assert {row[1] for row in rows_of(tmp_path / "a.txt")} == {1, 2}  # the walker twice; nobody stands
    assert all(row[2] < 100 for row in rows_of(tmp_path / "a.txt"))


def test_only_listed_frames_are_seen_and_written(detections, tmp_path):
    listed = tmp_path / "frames.txt"
    listed.write_text("1 4 7\n10 13 16 19\n40\n")
    track(detections, "--out", tmp_path / "a.txt", "--frames", listed, "--set", "min_hits=1")
    rows = rows_of(tmp_path / "a.txt")
    assert {row[0] for row in rows} == {1, 4, 7, 10, 13, 16, 19}
    assert {row[1] for row in rows} == {1, 2}


def test_the_frame_rate_does_not_change_what_counts_frames(detections, tmp_path):
    for fps in ("14", "29.97", "1000"):
        track(detections, "--out", tmp_path / f"{fps}.txt", "--fps", fps, "--tracker", "sort")
    assert len({(tmp_path / f"{fps}.txt").read_bytes() for fps in ("14", "29.97", "1000")}) == 1


def test_a_file_without_detections_gives_an_empty_file(tmp_path):
    (tmp_path / "det.txt").write_text("")
    (tmp_path / "out.txt").write_text("what an earlier run left")
    track(tmp_path / "det.txt", "--out", tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == ""


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--tracker", "srt"], UnknownNameError, "did you mean sort"),
        (["--set", "max_ag=1"], UnknownNameError, "did you mean max_age"),
        (["--set", "min_hits=soon"], UsageError, "whole number"),
        (["--set", "max_age"], UsageError, "KEY=VALUE"),
        (["--set", "max_age_s=-2"], UsageError, "max_age_s"),
        (["--set", "max_age_s.person=2"], UsageError, "only numbers"),
        (["--fps", "0"], UsageError, "--fps"),
        (["--frames", "absent.txt"], SourceError, "absent.txt"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(detections, tmp_path, arguments, error, words):
    with pytest.raises(error, match=words) as caught:
        track(detections, "--out", tmp_path / "out.txt", *arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.txt").exists()


def test_a_missing_file_a_bad_row_and_a_missing_folder_are_one_line(detections, tmp_path):
    with pytest.raises(SourceError, match=r"absent\.txt"):
        track(tmp_path / "absent.txt", "--out", tmp_path / "out.txt")
    with pytest.raises(OutputError, match="folder"):
        track(detections, "--out", tmp_path / "absent" / "out.txt")
    with pytest.raises(UsageError, match="would overwrite"):
        track(detections, "--out", detections)
    detections.write_text("1,-1,1,2,3,4,1\n1,-1,one,2,3,4,1\n")
    with pytest.raises(SourceError, match=r"det\.txt, line 2"):
        track(detections, "--out", tmp_path / "out.txt")


def test_without_fps_the_sequence_says_its_own(detections, tmp_path):
    (tmp_path / "A" / "det").mkdir(parents=True)
    copy = tmp_path / "A" / "det" / "det.txt"
    copy.write_bytes(detections.read_bytes())
    (tmp_path / "A" / "seqinfo.ini").write_text("[Sequence]\nframeRate=7\n")
    track(copy, "--out", tmp_path / "own.csv")
    track(detections, "--out", tmp_path / "given.csv", "--fps", 7)
    track(detections, "--out", tmp_path / "usual.csv")
    own, given, usual = ((tmp_path / f"{name}.csv").read_text() for name in ("own", "given", "usual"))
    assert own == given != usual
