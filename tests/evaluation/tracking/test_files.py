"""Reading ground truth, results and whole folders; what is wrong with them is one line."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.errors import SourceError
from rtdet.evaluation.tracking.files import read_tracks, read_truth
from rtdet.evaluation.tracking.sequences import score_sequences
from tests.evaluation.tracking.conftest import NAMES, random_scene, write_sequence

ROW = "1,1,10,10,20,20,1,1,1"


@pytest.fixture
def file(tmp_path):
    """Writes a file of these lines."""

    def write(*lines):
        path = tmp_path / "rows.txt"
        path.write_text("\n".join(lines))
        return path

    return write


@pytest.fixture
def folders(tmp_path):
    """GT_ROOT and RESULTS_DIR with someone who stands for four frames, in two sequences; found in both."""
    truth = [f"{frame},1,10,10,20,40,1,1,1" for frame in range(1, 5)]
    for name in ("A", "B"):
        write_sequence(tmp_path / "gt", tmp_path / "results", name, truth, truth, 4)
    return tmp_path / "gt", tmp_path / "results"


def test_pedestrians_to_be_considered_are_scored_and_distractors_known(file):
    lines = [f"1,{i},10,10,20,20,{considered},{kind},.5" for i, considered, kind in
             ((1, 1, 1), (2, 0, 1), (3, 1, 3), (4, 0, 7), (5, 1, 8), (6, 1, 6))]  # fmt: skip
    truth = read_truth(file(*lines))
    assert truth.is_scored.tolist() == [True, False, False, False, False, False]
    assert truth.is_distractor.tolist() == [False, False, False, True, True, False]
    assert read_truth(file(*lines), is_mot20=True).is_distractor.tolist()[-1]


def test_without_classes_all_that_is_to_be_considered_is_scored(file):
    of_mot15 = file("1,1,10,10,20,20,1,-5.3,11.9,.7", "1,2,10,10,20,20,0,7,7,7")
    assert read_truth(of_mot15).is_scored.tolist() == [True, False]
    truth = read_truth(file("1,1,10,10,20,20,1,7,1"), has_classes=False)
    assert truth.is_scored.tolist() == [True]
    assert not truth.is_distractor.any()
    assert read_truth(file("1,1,10,10,20,20,1")).is_scored.tolist() == [True]


def test_rows_may_be_in_any_order_with_spaces_and_blank_lines(file):
    tracks = read_tracks(file("3 4 10 20 30 40", "", "1, 5, 1.5, 2, 3, 4,", " ,"))
    assert tracks.frames.tolist() == [1, 3]
    assert tracks.ids.tolist() == [5, 4]
    np.testing.assert_array_equal(tracks.boxes, [(1.5, 2, 4.5, 6), (10, 20, 40, 60)])


def test_an_empty_file_is_a_tracker_that_found_nothing(folders):
    gt_root, results = folders
    (results / "A.txt").write_text("\n")
    scores = score_sequences(gt_root, results)
    assert (scores["A"].fn, scores["A"].track_boxes, scores["A"].hota) == (4, 0, 0)
    (gt_root / "B" / "gt" / "gt.txt").write_text("")
    assert score_sequences(gt_root, results)["B"].fp == 4


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            [ROW, "", "2,1,10,ten,20,20"],
            "line 3: a row is frame,id,left,top,width,height.,score.*, not '2,1,10,ten",
        ),
        ([ROW, "2,1,10,10"], "line 2: a row is frame,id"),
        (["1,1,10,10,20"], "line 1: a row is frame,id"),
        ([ROW, "2,1,10,10,20,20,1"], "line 2: 7 columns, but 9 in the first row"),
        ([ROW, "", "0,1,10,10,20,20,1,1,1"], "line 3: frames are 1, 2, 3, ...: '0,1,10"),
        (["1.5,1,10,10,20,20"], "line 1: frames are"),
        (["nan,1,10,10,20,20"], "line 1: frames are"),
        (["1e300,1,10,10,20,20"], "line 1: frames are"),
        (["1,1.5,10,10,20,20"], "line 1: an ID must be a whole number"),
        (["1,inf,10,10,20,20"], "line 1: an ID must be a whole number"),
        ([ROW, "2,1,nan,10,20,20,1,1,1"], "line 2: a box must be within 1e\\+09 pixels"),
        (["1,1,10,10,inf,20"], "line 1: a box must be within"),
        ([ROW, "2,,10,10,20,20,1,1,1,1"], "line 2: a row is"),
        (["# a comment"], "line 1: a row is"),
        (
            ["1,1,10,10,20,20,1,3,1"],
            "line 1: only pedestrians, class 1, can be scored; remove the others: '1,1,10",
        ),
        (["3,7,10,10,20,20", "3,7,50,50,20,20"], "rows.txt, frame 3: the ID 7 appears twice"),
    ],
)
def test_what_is_no_result_is_one_line_with_its_place(file, lines, said):
    with pytest.raises(SourceError, match=said) as caught:
        read_tracks(file(*lines))
    assert "rows.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["1,1,10,10,20,20"], "line 1: a row is frame,id,left,top,width,height,considered"),
        ([ROW, "2,1,10,10,20,20,1,14,1"], "line 2: a class must be 1 to 13"),
        ([ROW, "2,1,10,10,20,20,1,nan,1"], "line 2: a class must be 1 to 13"),
        (
            [ROW, "2,1,10,10,20,20,nan,1,1"],
            "line 2: the column that says whether a row is considered must be 0 or 1",
        ),
        ([ROW, ROW], "frame 1: the ID 1 appears twice"),
    ],
)
def test_what_is_no_ground_truth_is_one_line_with_its_place(file, lines, said):
    with pytest.raises(SourceError, match=said):
        read_truth(file(*lines))


def test_a_file_that_is_not_there_or_no_text_is_one_line(tmp_path):
    with pytest.raises(SourceError, match=r"cannot read .*none\.txt: no such file"):
        read_tracks(tmp_path / "none.txt")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(SourceError, match=r"picture\.txt is not a text file"):
        read_tracks(tmp_path / "picture.txt")


def test_a_folder_without_sequences_and_missing_results_are_one_line(folders, tmp_path):
    gt_root, results = folders
    with pytest.raises(
        SourceError, match=r"has no sequences: expected the ground truth of each in SEQ/gt/gt\.txt"
    ):
        score_sequences(results, results)
    (results / "B.txt").unlink()
    with pytest.raises(SourceError, match=r"there are no results for B: .*B\.txt is missing"):
        score_sequences(gt_root, results)


def test_the_length_of_a_sequence_is_seqinfos_or_the_last_frame(folders):
    gt_root, results = folders
    (gt_root / "A" / "seqinfo.ini").write_text("[Sequence]\nseqLength=9\n")
    (gt_root / "B" / "seqinfo.ini").unlink()
    assert [scores.frames for scores in score_sequences(gt_root, results).values()] == [9, 4]


def test_a_frame_beyond_the_sequence_and_a_broken_seqinfo_are_one_line(folders):
    gt_root, results = folders
    (results / "B.txt").write_text("5,1,10,10,20,40\n")
    with pytest.raises(SourceError, match=r"B\.txt has a frame 5, but seqinfo\.ini says that B has 4"):
        score_sequences(gt_root, results)
    for content in ("", "[Sequence]\nseqLength=many\n", "seqLength=3\n", "[Sequence]\nseqLength=%(x)s\n"):
        (gt_root / "A" / "seqinfo.ini").write_text(content)
        with pytest.raises(SourceError, match=r"seqinfo\.ini does not say seqLength=N under \[Sequence\]"):
            score_sequences(gt_root, results)


def test_only_kept_frames_are_scored_by_one_list_or_one_for_each_sequence(folders, tmp_path):
    gt_root, results = folders
    (results / "A.txt").write_text("1,1,10,10,20,40\n2,9,500,10,20,40\n3,1,10,10,20,40\n")
    (tmp_path / "list.txt").write_text("1 3 900\n")
    one = score_sequences(gt_root, results, tmp_path / "list.txt")
    assert (one["A"].mota, one["A"].truth_boxes, one["A"].frames, one["A"].frag) == (1, 2, 2, 0)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "A.txt").write_text("1,2,3")
    with pytest.raises(SourceError, match=r"cannot read .*B\.txt"):
        score_sequences(gt_root, results, lists)
    (lists / "B.txt").write_text("4")
    each = score_sequences(gt_root, results, lists)
    assert (each["A"].fp, each["A"].fn, each["B"].truth_boxes) == (1, 1, 1)


def test_kept_frames_score_as_files_that_hold_only_these(tmp_path, trackeval):
    kept = set(range(1, 30, 3))
    for seed in range(6):
        truth, tracks, frames = random_scene(seed)
        write_sequence(tmp_path / "mot17", tmp_path / "results", f"S{seed}", truth, tracks, frames)
        truth, tracks = ([row for row in side if int(row.split(",")[0]) in kept] for side in (truth, tracks))
        write_sequence(tmp_path / "few", tmp_path / "few_results", f"S{seed}", truth, tracks, frames)
    (tmp_path / "kept.txt").write_text(" ".join(map(str, kept)))
    ours = score_sequences(tmp_path / "mot17", tmp_path / "results", tmp_path / "kept.txt")
    theirs = trackeval(tmp_path / "few", tmp_path / "few_results", "MOT17")
    for name, scores in ours.items():
        assert {key: scores.figures[key] for key in NAMES} == pytest.approx(theirs[name], abs=1e-9)
