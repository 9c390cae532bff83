"""What is worth a look: found in a worker thread, gone through, ticked off."""

from __future__ import annotations

import time

import pytest

from rtdet.tracks.doubts import find_doubts
from rtdet.tracks.offline import Edit
from rtdet.viewer.jobs import Jobs
from rtdet.viewer.review import FixedReview
from rtdet.viewer.timeline.worklist import Worklist, key_of
from tests.viewer.timeline.tables import table_of

# Tracks that begin and end in the middle of things.
FRAMES_OF = {track_id: range(5 * track_id, 5 * track_id + 12) for track_id in range(1, 9)}


class Desk:
    def __init__(self) -> None:
        self.review, self.worklist = FixedReview(), Worklist()
        self.failed: list[Exception] = []
        self.jobs = Jobs(self.failed.append)
        self.worklist.attend(self.review, self.jobs)

    def wait(self) -> None:
        give_up = time.monotonic() + 30
        while self.worklist.is_busy and time.monotonic() < give_up:
            self.jobs.drain()
            time.sleep(0.01)
        assert self.failed == []


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.review.show(table_of(FRAMES_OF, frame_count=80))
    desk.worklist.want()
    desk.wait()
    return desk


def test_nothing_is_looked_for_before_somebody_wants_it() -> None:
    desk = Desk()
    desk.review.show(table_of(FRAMES_OF, frame_count=80))
    assert not desk.worklist.is_busy
    desk.worklist.want()
    assert desk.worklist.is_busy
    desk.wait()
    assert list(desk.worklist.findings) == list(find_doubts(desk.review.table))


def test_the_list_follows_the_tracks(desk: Desk) -> None:
    gone = desk.worklist.findings[0].ids[0]
    desk.review.apply(Edit.of("delete", track_id=gone))
    desk.wait()
    assert desk.worklist.findings
    assert all(gone not in finding.ids for finding in desk.worklist.findings)
    desk.review.show(None)
    assert desk.worklist.findings == ()


def test_one_goes_through_them_forward_and_back(desk: Desk) -> None:
    findings, worklist = desk.worklist.findings, desk.worklist
    assert len(findings) >= 3
    assert [worklist.turn(1), worklist.turn(1)] == list(findings[:2])
    assert worklist.turn(-1) == findings[0]
    assert worklist.turn(-1) is None
    assert worklist.current == findings[0]


def test_what_is_ticked_off_is_passed_over(desk: Desk) -> None:
    findings, worklist = desk.worklist.findings, desk.worklist
    worklist.tick(findings[0])
    worklist.tick(findings[1])
    assert worklist.left() == len(findings) - 2
    assert worklist.turn(1) == findings[2]
    assert desk.review.looked_at == {key_of(findings[0]), key_of(findings[1])}
    worklist.tick(findings[1], False)
    assert worklist.turn(-1) == findings[1]


def test_a_tick_stays_when_the_list_is_made_anew(desk: Desk) -> None:
    worklist = desk.worklist
    ticked = worklist.findings[1]
    worklist.tick(ticked)
    other = next(one for one in FRAMES_OF if one not in ticked.ids)
    desk.review.apply(Edit.of("set_class", track_id=other, name="car"))
    desk.wait()
    assert [finding for finding in worklist.findings if worklist.is_ticked(finding)]
