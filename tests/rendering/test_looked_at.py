"""Which frames are left out or hidden as a whole, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.rendering import LookedAt
from rtdet.tracks.table import FrameList


def looked_at(
    numbers: list[int], fps: float = 10.0, times: list[float] | None = None, **given: bool
) -> LookedAt:
    array = np.array(numbers, np.int64)
    listed = FrameList(array, (array - 1) / fps if times is None else np.array(times))
    return LookedAt(array, listed, fps, is_certain=given.get("is_certain", True), path="one.csv")


def test_frames_before_and_after_what_was_looked_at_are_told_and_named() -> None:
    frames = looked_at(list(range(5, 9)))
    assert [number for number in range(1, 12) if frames.is_before(number)] == [1, 2, 3, 4]
    assert [number for number in range(1, 12) if frames.is_after(number, 20)] == [9, 10, 11]
    assert frames.lines() == ["frames 1 to 4 and 9 to 20 were not looked at and are left out"]


def test_nothing_is_said_where_every_frame_was_looked_at() -> None:
    frames = looked_at(list(range(1, 9)))
    assert not any(frames.is_before(n) or frames.is_after(n) or frames.is_unknown(n) for n in range(1, 9))
    assert frames.lines() == []


def test_a_gap_of_more_than_two_seconds_is_unknown_and_a_shorter_one_is_not() -> None:
    frames = looked_at([1, 2, 20, 21, 50])
    assert not any(frames.is_unknown(number) for number in (1, 2, 10, 20, 21))
    assert all(frames.is_unknown(number) for number in range(22, 50))
    assert not frames.is_unknown(50)
    assert frames.lines() == ["frames 22 to 49 were not looked at and are hidden as a whole"]


def test_a_gap_is_as_long_as_the_times_say_also_where_the_rate_is_unknown() -> None:
    assert looked_at([1, 5], fps=25.0, times=[0.0, 4.0]).is_unknown(3)
    assert looked_at([1, 90], fps=25.0, times=[np.nan, np.nan]).is_unknown(3)


def test_a_file_that_lists_no_empty_frames_does_not_say_that_nobody_looked() -> None:
    frames = looked_at([5, 6], is_certain=False)
    assert frames.is_before(1)
    assert frames.lines() == [
        "frames 1 to 4 are not in one.csv: nobody knows who is in them, so they are left out"
    ]


@pytest.mark.parametrize("number", [1, 7])
def test_of_a_run_that_looked_at_nothing_nothing_is_shown(number) -> None:
    assert looked_at([]).is_after(number)
