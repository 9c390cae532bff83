"""Reviewed tracks: what is shown over a picture, and edits with undo and redo."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from rtdet.errors import UsageError
from rtdet.tracks.offline import Edit, EditLog
from rtdet.types import Frame
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.review import FixedReview
from tests.viewer.timeline.tables import table_of


def frame(number: int) -> Frame:
    return Frame(np.zeros((200, 320, 3), np.uint8), (number - 1) / 10.0, number - 1)


@pytest.fixture
def review() -> FixedReview:
    review = FixedReview()
    review.show(table_of({1: range(1, 8), 2: range(9, 15)}), "street.csv")
    return review


def test_the_tracks_of_a_picture_are_those_of_its_number(review: FixedReview) -> None:
    assert review.tracks_of(frame(3)).ids.tolist() == [1]
    assert len(review.tracks_of(frame(8))) == 0
    assert FixedReview().tracks_of(frame(3)) is None


def test_the_way_to_a_picture_is_told_oldest_first(review: FixedReview) -> None:
    before = list(review.before(frame(10), 0.35))
    assert [round(t, 3) for t, _ in before] == [0.6, 0.7, 0.8]
    assert [tracks.ids.tolist() for _, tracks in before] == [[1], [], [2]]
    assert list(FixedReview().before(frame(10), 1.0)) == []


def test_edits_are_undone_and_redone_to_the_byte(review: FixedReview) -> None:
    before = review.table
    review.apply(Edit.of("merge", first=1, second=2))
    merged = review.table
    assert merged.at(10).ids.tolist() == [1]
    assert (review.undo_text, review.redo_text) == ("merge 1 and 2", "")
    assert review.undo() == "merge 1 and 2"
    assert review.table.ids.tobytes() == before.ids.tobytes()
    assert (review.undo_text, review.redo_text) == ("", "merge 1 and 2")
    review.redo()
    assert review.table.ids.tobytes() == merged.ids.tobytes()


def test_what_cannot_be_done_changes_nothing(review: FixedReview) -> None:
    before = review.table
    with pytest.raises(UsageError, match="no ID 7"):
        review.apply(Edit.of("split", track_id=7, frame=3))
    with pytest.raises(UsageError, match="nothing to undo"):
        review.undo()
    assert review.table is before
    with pytest.raises(UsageError, match="no tracks to mend"):
        FixedReview().apply(Edit.of("renumber"))


def test_after_tracking_again_the_edits_are_done_on_the_new_tracks(review: FixedReview) -> None:
    review.apply(Edit.of("merge", first=1, second=2))
    review.take(table_of({1: range(1, 7), 2: range(9, 15), 3: [1, 2]}))
    assert review.table.at(10).ids.tolist() == [1]
    assert review.undo_text == "merge 1 and 2"
    review.take(table_of({3: [1, 2]}))
    assert len(review.unfitting) == 1


def test_a_log_of_before_is_done_at_once(review: FixedReview) -> None:
    review.apply(Edit.of("merge", first=1, second=2))
    text = review.log.to_text()
    other = FixedReview()
    other.take(table_of({1: range(1, 8), 2: range(9, 15)}), EditLog.from_text(text))
    assert other.table.ids.tolist() == review.table.ids.tolist()
    other.show(None)
    assert (other.table, other.undo_text) == (None, "")


def test_each_change_can_be_kept(review: FixedReview) -> None:
    texts: list[str] = []
    review.on_mended = lambda: texts.append(review.log.to_text())
    review.apply(Edit.of("delete", track_id=1))
    review.undo()
    assert len(texts) == 2
    assert texts[0] != texts[1]


def drained(jobs: Jobs, is_so: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < give_up
        jobs.drain()
        time.sleep(0.005)


def test_other_tracks_get_the_edits_in_a_worker_thread(review: FixedReview) -> None:
    failed: list[Exception] = []
    jobs, taken = Jobs(failed.append), []
    review.apply(Edit.of("merge", first=1, second=2))
    other = table_of({1: range(1, 8), 2: range(9, 15), 3: [1, 2]})
    review.take_later(other, None, jobs, lambda: taken.append(review.table))
    review.apply(Edit.of("rename", old=1, new=9))  # meanwhile
    drained(jobs, lambda: bool(taken))
    assert review.table.at(10).ids.tolist() == [9]
    assert review.table.at(1).ids.tolist() == [9, 3]
    assert review.undo_text == "rename 1 to 9"
    assert failed == []


def test_what_is_taken_last_counts(review: FixedReview) -> None:
    jobs = Jobs(lambda error: None)
    review.apply(Edit.of("delete", track_id=2))
    taken: list[int] = []
    two = {1: range(1, 8), 2: range(9, 15)}
    review.take_later(table_of(two), None, jobs, lambda: taken.append(1))
    review.take_later(table_of({**two, 3: [3]}), None, jobs, lambda: taken.append(2))
    drained(jobs, lambda: bool(taken))
    assert taken == [2]
    assert set(review.table.ids.tolist()) == {1, 3}
    review.take_later(table_of(two), None, jobs, lambda: taken.append(3))
    review.show(None)
    jobs.join(5)
    jobs.drain()
    assert taken == [2]
    assert review.table is None
