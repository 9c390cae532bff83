from __future__ import annotations

import math

import pytest

from rtdet.trackers.clock import Clock


def steps(fps, times):
    clock = Clock(fps)
    return clock, [clock.advance(t) for t in times]


def test_a_steady_source_counts_whole_frames_to_the_last_bit():
    _, counted = steps(30.0, [n / 30 for n in range(1000)])
    assert counted == [1.0] * 1000


def test_dropped_frames_are_steps_of_their_true_length():
    _, counted = steps(10.0, [0.0, 0.1, 0.4, 1.0])
    assert counted == [1.0, 1.0, 3.0, 6.0]


def test_without_a_frame_rate_every_update_is_one_frame():
    clock, counted = steps(None, [0.0, 0.5, 7.0])
    assert counted == [1.0, 1.0, 1.0]
    assert clock.frame == 3.0


@pytest.mark.parametrize("t", [None, math.nan, math.inf, -math.inf, 1e300, 0.1, 0.2])
def test_a_time_that_is_missing_equal_or_earlier_is_one_usual_step(t):
    clock, _ = steps(10.0, [0.0, 0.1, 0.2])
    before = clock.now_s
    assert clock.advance(t) == 1.0
    assert clock.now_s == pytest.approx(before + 0.1)


def test_its_seconds_never_go_back():
    clock = Clock(25.0)
    seen = []
    for t in [5.0, 1.0, None, 9.0, -3.0, 1e12, 2.0]:
        clock.advance(t)
        seen.append(clock.now_s)
    assert seen == sorted(seen)


def test_a_huge_gap_counts_as_an_hour():
    clock, counted = steps(1.0, [0.0, 1e9])
    assert counted[1] == 3600.0
    assert clock.last_t == 1e9


def test_two_updates_at_nearly_one_time_still_age_tracks():
    clock, counted = steps(30.0, [0.0, 1e-9])
    assert counted[1] == 0.1
    assert clock.usual_step_s == 1e-6


def test_the_usual_step_is_the_median_so_that_one_gap_does_not_change_it():
    clock, _ = steps(30.0, [0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    assert clock.usual_step_s == pytest.approx(0.1)
    assert clock.frame_s == 1 / 30


def test_looking_ahead_changes_nothing():
    clock, _ = steps(30.0, [1.0, 1.1])
    assert clock.ahead_s(1.35) == pytest.approx(0.25)
    assert clock.ahead_s(None) == 0.0
    assert (clock.updates, clock.last_t) == (2, 1.1)
