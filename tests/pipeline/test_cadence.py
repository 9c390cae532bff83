"""Which frames the detector looks at, by rule, and chosen by its own speed."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.pipeline.cadence import MOST_EVERY, Cadence, Choice
from rtdet.pipeline.flow import Job
from rtdet.types import Frame


def jobs(first: int, count: int = 1, *, epoch: int = 0, side: int = 4, single: bool = False) -> list[Job]:
    picture = np.zeros((side, side, 3), np.uint8)
    frames = [Frame(picture, index / 25, index) for index in range(first, first + count)]
    return [Job(frame, epoch, frame.t, single=single) for frame in frames]


def looked_at(cadence: Cadence, portion: list[Job]) -> list[int]:
    wanted = cadence.divide(portion)
    assert [job for job in portion if not job.is_carried] == wanted
    return [job.frame.index for job in wanted]


def test_every_frame_is_looked_at_unless_something_else_is_wanted():
    cadence = Cadence()
    assert looked_at(cadence, jobs(0, 3)) == [0, 1, 2]
    assert not cadence.carries
    assert looked_at(Cadence(None), jobs(0, 3)) == [0, 1, 2]  # a source that waits needs no choice


def test_every_third_frame_is_every_third_however_the_frames_come():
    for portions in ([9], [1] * 9, [2, 5, 2]):
        cadence, first, found = Cadence(3), 0, []
        for count in portions:
            found += looked_at(cadence, jobs(first, count))
            first += count
        assert found == [0, 3, 6]


def test_after_a_jump_at_another_size_and_where_the_picture_stands_still_the_detector_looks_at_once():
    cadence = Cadence(4)
    assert looked_at(cadence, jobs(0, 2)) == [0]
    assert looked_at(cadence, jobs(40, 2, epoch=1)) == [40]
    assert looked_at(cadence, jobs(42, 2, epoch=1, side=8)) == [42]
    assert looked_at(cadence, jobs(44, 1, epoch=1, side=8, single=True)) == [44]
    assert looked_at(cadence, jobs(45, 4, epoch=1, side=8)) == [48]


def test_where_frames_do_not_wait_the_newest_is_looked_at_and_those_before_are_carried():
    cadence = Cadence(2, takes_newest=True)
    assert looked_at(cadence, jobs(0)) == [0]
    assert looked_at(cadence, jobs(1)) == []
    assert looked_at(cadence, jobs(2, 5)) == [6]
    assert looked_at(cadence, jobs(7)) == []
    assert looked_at(cadence, jobs(8)) == [8]


def test_a_limit_that_somebody_else_sets_holds_from_the_next_frame_on():
    cadence = Cadence(takes_newest=True)
    assert not cadence.carries
    cadence.at_least(3)
    assert cadence.carries
    assert [looked_at(cadence, jobs(index)) for index in range(5)] == [[0], [], [], [3], []]
    cadence.at_least(1)
    assert [looked_at(cadence, jobs(index)) for index in (5, 6)] == [[5], [6]]


def test_a_frame_that_cannot_be_looked_at_does_not_count_as_one_that_was():
    cadence, portion = Cadence(2), jobs(1, 6)
    for job in portion[::2]:
        job.is_carried = True
    assert looked_at(cadence, portion) == [2, 4, 6]
    cadence, portion = Cadence(2, takes_newest=True), jobs(0, 4)
    portion[-1].is_carried = True
    assert looked_at(cadence, portion) == [2]


def chosen(choice: Choice, call_s: float, calls: int, *, start: int = 0, fps: float = 30.0) -> int:
    """Has it choose after each of so many calls of such a detector on a source of so many frames a second; returns
    the number of the next frame."""
    index = start
    for _ in range(calls):
        for _ in range(max(choice.every, 3)):
            choice.arrived(index, index / fps)
            index += 1
        choice.took(call_s)
    return index


@pytest.mark.parametrize(
    ("call_ms", "every"), [(8, 1), (29, 1), (31, 2), (59, 2), (62, 3), (100, 4), (5000, MOST_EVERY)]
)
def test_the_choice_is_the_least_at_which_the_detector_keeps_up(call_ms, every):
    choice = Choice()
    chosen(choice, call_ms / 1e3, 30)
    assert choice.every == every


def test_the_choice_goes_down_again_late_and_does_not_flap():
    choice = Choice()
    index = chosen(choice, 0.05, 20)
    assert choice.every == 2
    index = chosen(choice, 0.029, 40, start=index)  # it would do at every frame, but only just
    assert choice.every == 2
    index = chosen(choice, 0.02, 4, start=index)
    assert choice.every == 2
    chosen(choice, 0.02, 30, start=index)
    assert choice.every == 1


def test_a_stall_a_burst_and_a_pause_do_not_change_the_choice():
    choice = Choice()
    index = chosen(choice, 0.02, 20)
    choice.took(3.0)
    choice.took(3.0)
    assert choice.every == 1
    for burst in range(20):  # four frames at once, as often as a stream gives them
        for _ in range(4):
            choice.arrived(index, 100 + burst * 4 / 30)
            index += 1
        choice.took(0.02)
    assert choice.every == 1
    choice.arrived(index, 500.0)
    choice.took(0.02)
    assert choice.every == 1
