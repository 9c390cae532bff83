from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtdet.tracks.table import FrameList, TrackTable
from rtdet.viewer.timeline.spans import TrackSpans, frame_seconds, spans_of
from tests.viewer.timeline.tables import table_of


def spans_of_track(spans: TrackSpans, track_id: int) -> list[tuple[float, float, bool]]:
    place = spans.place_of(track_id)
    assert place is not None
    part = slice(spans.offsets[place], spans.offsets[place + 1])
    columns = (spans.starts_s[part].round(6), spans.ends_s[part].round(6), spans.is_seen[part])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_a_track_without_gaps_is_one_span_until_its_last_frame_ends() -> None:
    spans = spans_of(table_of({7: range(3, 8)}))
    assert spans_of_track(spans, 7) == [(0.2, 0.7, True)]
    assert (spans.first_frame[0], spans.last_frame[0]) == (3, 7)


def test_frames_without_the_track_are_a_gap() -> None:
    spans = spans_of(table_of({7: [1, 2, 5, 6]}))
    assert spans_of_track(spans, 7) == [(0.0, 0.2, True), (0.4, 0.6, True)]


def test_frames_that_nobody_processed_are_no_gap() -> None:
    frames = FrameList(np.array([1, 2, 8, 9]), np.array([0.0, 0.1, 0.7, 0.8]), is_complete=True)
    table = table_of({7: [1, 2, 3, 4]}, frame_count=4)
    table = replace(table, frames=np.array([1, 2, 8, 9]), frame_list=frames)
    assert spans_of_track(spans_of(table), 7) == [(0.0, 0.9, True)]


def test_a_long_silence_in_a_file_that_lists_only_frames_with_tracks_is_a_gap() -> None:
    spans = spans_of(table_of({7: [1, 2, 3, 15, 16]}, is_complete=False))
    assert spans_of_track(spans, 7) == [(0.0, 0.3, True), (1.4, 1.6, True)]


def test_rows_that_were_filled_in_are_a_span_of_their_own() -> None:
    table = table_of({7: range(1, 7)})
    scores = table.scores.copy()
    scores[2:4] = 0.0
    spans = spans_of(replace(table, scores=scores))
    assert spans_of_track(spans, 7) == [(0.0, 0.2, True), (0.2, 0.4, False), (0.4, 0.6, True)]


def test_tracks_come_in_order_of_their_first_frame_then_id() -> None:
    spans = spans_of(table_of({9: [2, 3, 6], 4: [5, 6], 5: [2], 1: [8, 10]}))
    assert spans.ids.tolist() == [5, 9, 4, 1]
    assert spans_of_track(spans, 1) == [(0.7, 0.8, True), (0.9, 1.0, True)]
    assert spans_of_track(spans, 9) == [(0.1, 0.3, True), (0.5, 0.6, True)]


def test_the_class_of_a_track_is_that_of_most_of_its_rows() -> None:
    table = table_of({3: range(1, 6), 4: range(1, 4)})
    labels = table.labels.copy()
    labels[table.rows_of(3)] = [1, 1, 0, 1, 0]
    spans = spans_of(replace(table, labels=labels))
    assert [spans.class_of(place) for place in range(2)] == ["car", "person"]
    assert spans.classes() == ["person", "car"]
    assert spans.with_classes(["car"]).tolist() == [True, False]


def test_a_table_without_rows_still_has_its_time() -> None:
    spans = spans_of(table_of({}))
    assert len(spans) == 0
    assert (spans.begin_s, spans.end_s) == (0.0, pytest.approx(2.0))
    nothing = TrackTable(*(np.zeros(0) for _ in range(2)), np.zeros((0, 4)), np.zeros(0), np.zeros(0),
                         FrameList(np.zeros(0), np.zeros(0)))  # fmt: skip
    assert len(spans_of(nothing)) == 0


def test_times_that_are_missing_or_go_back_become_steady_ones() -> None:
    times = frame_seconds(FrameList(np.arange(1, 6), np.array([5.0, 5.1, np.nan, 4.0, 5.4])))
    assert times[0] == 5.0
    assert (np.diff(times) > 0).all()


def test_the_picture_of_a_time_is_the_one_that_is_on_screen_then() -> None:
    spans = spans_of(table_of({7: range(3, 8)}))
    assert spans.frame_at(0.25) == 3
    assert spans.frame_at(0.3) == 4
    assert spans.time_of(4) == pytest.approx(0.3)
    assert spans.time_of(99) is None
    # The first frame from there on is the one that was wanted, though its time is rounded.
    assert 0.2 < spans.sought(0.39) < 0.3
    assert spans.sought(0.0) == 0.0
