"""What is worth a look: each kind of doubt is found where it was made, with its place, and nothing else before it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdet.tracks.doubts import KINDS, find_doubts
from rtdet.tracks.table import FrameList, TrackTable

FPS, FRAMES, SIZE = 25, 100, (1000, 600)


def track(track_id, left, top, frames=range(1, FRAMES + 1), *, side=40.0):
    """Rows of a track: left and top (N,) or numbers."""
    frames = np.array(frames)
    left, top = np.broadcast_to(left, frames.shape), np.broadcast_to(top, frames.shape)
    boxes = np.stack([left, top, left + side, top + 2 * side], axis=1)
    return frames, np.full(len(frames), track_id), boxes


def table_of(*tracks, size=SIZE):
    frames, ids, boxes = (np.concatenate(column) for column in zip(*tracks, strict=True))
    order = np.argsort(frames, kind="stable")
    numbers = np.arange(1, FRAMES + 1)
    frame_list = FrameList(numbers, numbers / FPS, (), True, np.tile(size, (FRAMES, 1)))
    count = len(ids)
    return TrackTable(
        frames[order],
        ids[order],
        boxes[order],
        np.full(count, 0.8),
        np.zeros(count),
        frame_list,
        ("car", "truck"),
    )


STEADY = track(1, 100.0, 300.0)


def kinds(table):
    return [(finding.kind, finding.ids) for finding in find_doubts(table)]


def test_tracks_that_stay_and_are_seen_well_are_not_worth_a_look():
    assert (
        find_doubts(table_of(STEADY, track(2, 300.0, 300.0), track(3, 500 + 2.0 * np.arange(FRAMES), 100.0)))
        == []
    )


def test_two_that_meet_are_found_where_they_overlap_most():
    there, back = 300 + 4.0 * np.arange(FRAMES), 700 - 4.0 * np.arange(FRAMES)
    (finding,) = find_doubts(table_of(STEADY, track(7, there, 300.0), track(5, back, 300.0)))
    assert (finding.kind, finding.ids) == ("crossing", (5, 7))
    assert abs(finding.frame - 51) <= 1
    assert finding.time_s == pytest.approx(finding.frame / FPS)
    assert finding.text == "IDs 5 and 7 overlap by 100%: each may be the other since"
    assert 0.5 < finding.score <= 1


def test_a_closer_meeting_comes_first_and_so_does_one_of_lower_scores():
    there, back = 300 + 4.0 * np.arange(FRAMES), 700 - 4.0 * np.arange(FRAMES)
    near = [track(1, there, 300.0), track(2, back, 305.0)]
    far = [track(3, there, 100.0), track(4, back, 115.0)]
    table = table_of(*near, *far)
    assert [ids for kind, ids in kinds(table) if kind == "crossing"] == [(1, 2), (3, 4)]
    low = replace(table, scores=np.where(np.isin(table.ids, (3, 4)), 0.2, 0.8))
    assert [ids for kind, ids in kinds(low) if kind == "crossing"] == [(3, 4), (1, 2)]


def test_where_an_id_went_over_to_the_other_the_tie_counts():
    there, back = 300 + 4.0 * np.arange(FRAMES), 700 - 4.0 * np.arange(FRAMES)
    kept = table_of(track(1, there, 300.0), track(2, back, 325.0))
    ids = np.where(kept.frames >= 51, 3 - kept.ids, kept.ids)
    swapped = kept.with_ids(ids)
    assert find_doubts(swapped)[0].score > find_doubts(kept)[0].score


def test_a_track_that_goes_on_where_another_ended_is_found_with_it():
    left = 200 + 3.0 * np.arange(FRAMES)
    first, second = track(4, left[:40], 200.0, range(1, 41)), track(9, left[50:], 200.0, range(51, 101))
    findings = find_doubts(table_of(STEADY, first, second))
    assert (findings[0].kind, findings[0].ids, findings[0].frame) == ("continued", (9, 4), 51)
    assert findings[0].text.startswith("ID 9 begins 0.4 s after ID 4 ended, where that was heading")
    assert "end" not in [finding.kind for finding in findings]


def test_a_better_predecessor_is_preferred_and_one_much_later_is_none():
    tracks = [
        track(2, 300.0, 200.0, range(1, 31)), track(3, 345.0, 200.0, range(1, 31)),
        track(4, 340.0, 200.0, range(41, 101)),
    ]  # fmt: skip
    assert ("continued", (4, 3)) in kinds(table_of(STEADY, *tracks))


def test_tracks_that_begin_or_end_inside_are_found_and_at_the_border_not():
    inside = table_of(STEADY, track(2, 500.0, 200.0, range(40, 101)), track(3, 700.0, 200.0, range(1, 60)))
    assert set(kinds(inside)) == {("birth", (2,)), ("end", (3,))}
    border = table_of(STEADY, track(2, 0.0, 200.0, range(40, 101)), track(3, 960.0, 200.0, range(1, 60)))
    assert kinds(border) == []
    # Where nobody knows the picture's size, it ends with the outermost boxes.
    unknown = table_of(STEADY, track(2, 500.0, 301.0, range(40, 101)), size=(0, 0))
    assert find_doubts(unknown) == []


def test_gaps_jumps_changes_of_class_and_falls_of_the_score_are_found():
    gap = table_of(STEADY, track(2, 500.0, 200.0, [*range(1, 31), *range(61, 101)]))
    assert [(f.kind, f.ids, f.frame) for f in find_doubts(gap)] == [("gap", (2,), 61)]
    assert "1.2 s" in find_doubts(gap)[0].text
    jump = table_of(STEADY, track(2, np.where(np.arange(FRAMES) < 50, 500.0, 570.0), 200.0))
    assert [(f.kind, f.ids, f.frame) for f in find_doubts(jump)] == [("jump", (2,), 51)]
    table = table_of(STEADY, track(2, 500.0, 200.0))
    turned = replace(table, labels=(table.ids == 2) & (table.frames >= 30))
    assert [(f.kind, f.ids, f.frame, f.text) for f in find_doubts(turned)] == [
        ("class", (2,), 30, "ID 2 is a car and becomes a truck")
    ]
    fallen = replace(table, scores=np.where((table.ids == 2) & (table.frames == 70), 0.2, 0.8))
    assert [(f.kind, f.ids, f.frame) for f in find_doubts(fallen)] == [("score", (2,), 70)]


def test_two_ids_on_one_object_are_said_to_be_one():
    table = table_of(STEADY, track(2, 500.0, 200.0), track(3, 503.0, 200.0))
    assert set(kinds(table)) <= {("duplicate", (2, 3)), ("crossing", (2, 3))}
    assert ("duplicate", (2, 3)) in kinds(table)


def test_the_list_is_as_long_as_asked_for_and_falls():
    there, back = 300 + 4.0 * np.arange(FRAMES), 700 - 4.0 * np.arange(FRAMES)
    table = table_of(*[track(i, there if i % 2 else back, 40.0 * i) for i in range(1, 12)])
    findings = find_doubts(table)
    scores = [finding.score for finding in findings]
    assert scores == sorted(scores, reverse=True)
    assert find_doubts(table, 3) == findings[:3]
    assert find_doubts(table, 0) == []
    assert find_doubts(table) == findings


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, FRAMES), st.integers(0, 6)), unique=True, max_size=60),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-6, 1.0, 1e9]),
)
def test_no_table_is_too_strange(rows, seed, scale):
    rng = np.random.default_rng(seed)
    frames, ids = np.array(sorted(rows), dtype=np.int64).reshape(-1, 2).T
    numbers = np.arange(1, FRAMES + 1)
    times_s = rng.choice([np.nan, 0.0, 1.0, 1e12], FRAMES)
    boxes = rng.choice([-scale, 0.0, scale / 3, scale], (len(ids), 4))
    count = len(ids)
    table = TrackTable(
        frames, ids, boxes, rng.random(count) * 2 - 0.5, rng.integers(-1, 4, count), FrameList(numbers, times_s),
        ("car",), {"seen": rng.random(count) < 0.5},
    )  # fmt: skip
    for finding in find_doubts(table):
        assert finding.kind in KINDS
        assert 0 < finding.score <= 1
        assert set(finding.ids) <= set(ids.tolist())
        assert len(finding.text.splitlines()) == 1
