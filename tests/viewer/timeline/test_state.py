from __future__ import annotations

import time

import pytest

from rtdet.viewer.jobs import Jobs
from rtdet.viewer.review import FixedReview
from rtdet.viewer.timeline.spans import spans_of
from rtdet.viewer.timeline.state import Timeline
from tests.viewer.timeline.tables import table_of


@pytest.fixture
def timeline() -> Timeline:
    timeline = Timeline()
    timeline.lanes.axis.resize(200)
    timeline.lanes.resize(100)
    timeline.show(spans_of(table_of({track_id: range(track_id, track_id + 3) for track_id in range(1, 18)})))
    return timeline


def test_a_review_s_table_is_shown_once_its_spans_are_found() -> None:
    failed: list[Exception] = []
    timeline, review, jobs = Timeline(), FixedReview(), Jobs(failed.append)
    timeline.attend(review, jobs)
    review.show(table_of({1: [1], 2: [2]}))
    review.show(table_of({1: [1, 2], 5: [2], 8: [3]}))
    deadline = time.monotonic() + 20
    while len(timeline.spans) != 3 and time.monotonic() < deadline:
        jobs.drain()
        time.sleep(0.01)
    assert timeline.spans.ids.tolist() == [1, 5, 8]
    assert failed == []


def test_tracks_are_selected_one_by_one_or_several(timeline: Timeline) -> None:
    timeline.select(3)
    timeline.select(5)
    assert timeline.selected == (5,)
    timeline.select(3, add=True)
    assert (timeline.selected, timeline.chosen) == ((5, 3), 3)
    timeline.select(5, add=True)
    assert timeline.selected == (3,)
    timeline.select(None, add=True)
    assert timeline.selected == (3,)
    timeline.select(None)
    assert timeline.chosen is None


def test_tracks_that_are_gone_are_no_longer_selected(timeline: Timeline) -> None:
    timeline.select(3)
    timeline.select(5, add=True)
    timeline.show(spans_of(table_of({3: [1, 2]})))
    assert timeline.selected == (3,)


def test_every_change_of_what_is_in_view_is_told(timeline: Timeline) -> None:
    seen: list[int] = []
    timeline.watch("view", seen.append)
    timeline.zoom(2.0, 50)
    timeline.pan(10.0)
    timeline.sift(least_s=1.0)
    timeline.fit()
    assert len(seen) == 4


def test_zooming_without_a_pointer_goes_to_the_playhead(timeline: Timeline) -> None:
    timeline.move_to(1.5)
    x = timeline.lanes.axis.x_of(1.5)
    timeline.zoom(4.0)
    assert timeline.lanes.axis.x_of(1.5) == pytest.approx(x)


def test_the_axis_turns_its_page_only_while_it_plays(timeline: Timeline) -> None:
    timeline.zoom(4.0, 0)
    timeline.move_to(1.5)
    assert timeline.lanes.axis.left_s == 0.0
    timeline.move_to(1.6, is_playing=True)
    assert timeline.lanes.axis.left_s > 1.0


def test_a_zone_keeps_its_own_tracks(timeline: Timeline) -> None:
    zones = {"door": frozenset({4, 9, 99})}
    timeline.choose_zone("door", zones)
    assert timeline.spans.ids[timeline.lanes.shown].tolist() == [4, 9]
    timeline.choose_zone(None, zones)
    assert len(timeline.lanes.shown) == 17


def test_a_track_out_of_view_is_brought_there(timeline: Timeline) -> None:
    timeline.zoom(6.0, 0)
    timeline.bring_into_view(17)
    assert timeline.lanes.row_of(17) in timeline.lanes.visible()
    assert timeline.lanes.axis.right_s >= 1.9


def test_the_axis_is_as_long_as_the_film_of_which_only_the_beginning_was_watched(timeline: Timeline) -> None:
    timeline.length_s = 60.0
    timeline.show(timeline.spans)
    assert timeline.lanes.axis.right_s == 60.0
