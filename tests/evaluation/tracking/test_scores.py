"""The figures of scenes that are small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.evaluation import TrackRows, TruthRows, combined, score_tracks
from rtdet.evaluation.tracking.overlaps import find_overlaps
from rtdet.geometry.boxes import iou, ltwh_to_xyxy

BOX = (100, 100, 100, 100)


def rows(*entries, kind=TrackRows, **marks):
    """Rows of (frame, ID, left, top, width, height)."""
    table = np.array(entries, dtype=float).reshape(-1, 6)
    return kind(table[:, 0], table[:, 1], ltwh_to_xyxy(table[:, 2:]), **marks)


def still(frames, track_id=1, left=100):
    """The same box in each of the frames."""
    return [(frame, track_id, left, *BOX[1:]) for frame in frames]


def test_who_follows_exactly_has_all():
    truth = rows(*still(range(1, 11)), *still(range(1, 11), 2, left=300))
    scores = score_tracks(truth, rows(*still(range(1, 11), 7), *still(range(1, 11), 9, left=300)))
    shares = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "MOTP", "IDF1", "IDP", "IDR", "Recall", "Precision")
    assert {name: scores.figures[name] for name in shares} == dict.fromkeys(shares, 1.0)
    assert (scores.tp, scores.fp, scores.fn, scores.idsw, scores.frag) == (20, 0, 0, 0, 0)
    assert (scores.mt, scores.pt, scores.ml, scores.frames) == (2, 0, 0, 10)


def test_an_id_that_changes_halfway_costs_a_switch_and_half_the_association():
    scores = score_tracks(rows(*still(range(1, 11))), rows(*still(range(1, 6), 1), *still(range(6, 11), 2)))
    assert (scores.idsw, scores.idtp, scores.idfp, scores.idfn) == (1, 5, 5, 5)
    assert scores.mota == pytest.approx(0.9)
    assert scores.idf1 == scores.idp == scores.idr == pytest.approx(0.5)
    # Each match has 4 others of its kind, 5 boxes of the object elsewhere, none of the ID: 5 / (5 + 5 + 0).
    assert scores.hota == pytest.approx(np.sqrt(1 * 0.5))
    assert scores.figures["AssRe"] == pytest.approx(0.5)
    assert scores.figures["AssPr"] == pytest.approx(1)


def test_boxes_that_are_off_count_up_to_their_overlap():
    scores = score_tracks(rows(*still(range(1, 11))), rows(*still(range(1, 11), left=124)))
    # IoU 76 / 124 = .613: right at .05, .1, ..., .6, which are 12 of HOTA's 19 overlaps.
    assert scores.by_alpha["HOTA"].tolist() == [1.0] * 12 + [0.0] * 7
    assert scores.hota == pytest.approx(12 / 19)
    assert scores.motp == pytest.approx(76 / 124)
    assert scores.figures["LocA"] == pytest.approx((12 * 76 / 124 + 7) / 19)
    far = score_tracks(rows(*still(range(1, 11))), rows(*still(range(1, 11), left=140)))
    assert (far.tp, far.fp, far.fn, far.mota, far.idf1) == (0, 10, 10, -1.0, 0.0)
    assert far.hota > 0  # IoU 60 / 140 = .43 is an overlap of HOTA's


def test_an_object_that_is_lost_and_found_is_fragmented():
    other = still(range(1, 11), 2, left=500)
    truth = rows(*still(range(1, 11)), *other)
    found = [*still((1, 2, 3, 6, 7, 10)), *other]
    scores = score_tracks(truth, rows(*found))
    assert (scores.frag, scores.idsw, scores.fn, scores.mt, scores.pt) == (2, 0, 4, 1, 1)


def test_an_id_that_comes_back_after_another_is_two_switches():
    truth = rows(*still(range(1, 8)))
    found = rows(*still((1, 2), 5), *still((3, 4), 6), *still((7,), 5))
    assert score_tracks(truth, found).idsw == 2


def test_a_match_goes_on_although_another_box_fits_better():
    truth = rows(*still((1, 2, 3)))
    found = rows(*still((1,), 1), *still((2, 3), 1, left=120), *still((2, 3), 2))
    scores = score_tracks(truth, found)
    assert (scores.tp, scores.fp, scores.idsw) == (3, 2, 0)
    # HOTA looks at the whole: ID 2 has more of the object.
    assert scores.by_alpha["HOTA"][-1] > 0


@pytest.mark.parametrize(("seen", "kind"), [(9, "mt"), (8, "pt"), (2, "pt"), (1, "ml"), (0, "ml")])
def test_objects_are_mostly_tracked_partly_or_mostly_lost(seen, kind):
    scores = score_tracks(rows(*still(range(1, 11))), rows(*still(range(1, seen + 1))))
    assert {name: getattr(scores, name) for name in ("mt", "pt", "ml")} == {
        **dict.fromkeys(("mt", "pt", "ml"), 0),
        kind: 1,
    }


def test_who_finds_a_distractor_is_neither_right_nor_wrong():
    entries = [*still((1, 2), 1), *still((1, 2), 2, left=300), *still((1, 2), 3, left=500)]
    marks = {"is_scored": [True] * 2 + [False] * 4, "is_distractor": [False] * 2 + [True] * 2 + [False] * 2}
    truth = rows(*entries, kind=TruthRows, **marks)
    scores = score_tracks(truth, rows(*entries))
    # The box on the third, which is neither scored nor a distractor, is wrong.
    assert (scores.truth_boxes, scores.tp, scores.fp, scores.fn) == (2, 2, 2, 0)
    assert (scores.truth_ids, scores.track_ids) == (1, 2)


def test_nothing_found_and_nothing_to_be_found_have_scores():
    some, nothing = rows(*still((1, 2))), rows()
    missed = score_tracks(some, nothing)
    assert (missed.fn, missed.fp, missed.ml, missed.mota, missed.idf1, missed.hota) == (2, 0, 1, 0, 0, 0)
    invented = score_tracks(nothing, some)
    assert (invented.fn, invented.fp, invented.mota, invented.idf1, invented.hota) == (0, 2, 0, 0, 0)
    assert score_tracks(nothing, nothing).figures == {
        **dict.fromkeys(missed.figures, 0),
        "LocA": 1.0,
    }


def test_boxes_without_area_overlap_with_nothing():
    scores = score_tracks(rows((1, 1, 5, 5, 0, 0), (1, 2, 0, 0, 10, -10)), rows((1, 1, 5, 5, 0, 0)))
    assert (scores.tp, scores.fp, scores.fn) == (0, 1, 2)


def test_sequences_together_are_the_sum_of_their_boxes_and_not_the_mean_of_their_figures():
    short = score_tracks(rows(*still((1, 2))), rows())
    long = score_tracks(rows(*still(range(1, 9))), rows(*still(range(1, 9))))
    both = combined([short, long])
    assert both.mota == pytest.approx(0.8)
    assert both.idf1 == pytest.approx(2 * 8 / (10 + 8))
    assert both.hota == pytest.approx(np.sqrt(0.8 * 1))
    assert (both.frames, both.truth_ids) == (10, 2)


def test_an_id_twice_in_a_frame_is_named():
    with pytest.raises(ValueError, match="frame 4: the ID 7 appears twice"):
        rows(*still((4,), 7), *still((3, 4), 7, left=900))


def test_columns_that_do_not_fit_and_boxes_that_are_none_are_refused():
    with pytest.raises(ValueError, match="equally long"):
        TrackRows([1, 2], [1], np.zeros((2, 4)))
    with pytest.raises(ValueError, match="finite"):
        TrackRows([1], [1], [[0, 0, np.nan, 1]])


entry = st.tuples(st.integers(1, 5), st.integers(0, 4), *[st.integers(0, 40)] * 2, *[st.integers(1, 30)] * 2)
side = st.lists(entry, max_size=20, unique_by=lambda row: row[:2])


@settings(max_examples=60, deadline=None)
@given(side, side, st.randoms())
def test_neither_names_nor_order_of_the_rows_matter_where_nothing_ties(truth, tracks, random):
    # Halves of their own keep overlaps from being equal.
    tracks = [(f, i, x + k / 37, y + k / 41, w, h) for k, (f, i, x, y, w, h) in enumerate(tracks)]
    before = score_tracks(rows(*truth), rows(*tracks)).figures
    renamed = [(f, 100 - 7 * i, *box) for f, i, *box in tracks]
    random.shuffle(renamed)
    assert score_tracks(rows(*truth), rows(*renamed)).figures == pytest.approx(before)


@settings(max_examples=60, deadline=None)
@given(side, side)
def test_shares_are_shares_and_counts_add_up(truth, tracks):
    figures = score_tracks(rows(*truth), rows(*tracks)).figures
    for name in ("HOTA", "DetA", "AssA", "LocA", "MOTP", "IDF1", "IDP", "IDR", "Recall", "Precision"):
        assert 0 <= figures[name] <= 1
    assert figures["MOTA"] <= 1
    assert figures["TP"] + figures["FN"] == figures["IDTP"] + figures["IDFN"] == len(truth)
    assert figures["TP"] + figures["FP"] == figures["IDTP"] + figures["IDFP"] == len(tracks)
    assert figures["MT"] + figures["PT"] + figures["ML"] == figures["truth_ids"]
    assert figures["IDTP"] <= figures["TP"]


far = st.sampled_from([0.0, 0.5, 3.0, 1e-9, 1e6, -1e9, 1e9])
wild = st.tuples(st.sampled_from([1, 2, 9_999_999]), st.integers(0, 9), far, far, far, far)
wild_side = st.lists(wild, max_size=12, unique_by=lambda row: row[:2])


@settings(max_examples=80, deadline=None)
@given(wild_side, wild_side)
def test_all_pairs_that_overlap_are_found_however_far_apart_boxes_are(truth, tracks):
    a, b = rows(*truth), rows(*tracks)
    found = find_overlaps(a, b)
    dense = np.where(a.frames[:, None] == b.frames, iou(a.boxes, b.boxes), 0)
    seen = np.zeros_like(dense)
    seen[found.rows, found.columns] = found.iou
    np.testing.assert_array_equal(seen, dense)
    assert len(found.rows) == np.count_nonzero(dense)
