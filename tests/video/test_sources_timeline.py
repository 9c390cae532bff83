"""Timestamps that lie are repaired; true ones are left alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtdet.video.sources.timeline import Timeline


def stamps(*raw_s, frame_s=0.04):
    timeline = Timeline(frame_s)
    return [timeline.stamp(raw) for raw in raw_s]


def test_true_times_pass_unchanged():
    assert stamps(0.0, 0.04, 0.5, 0.51) == [(0.0, True), (0.04, True), (0.5, True), (0.51, True)]


def test_a_missing_time_is_guessed_one_frame_on():
    assert stamps(0.0, None, 0.08)[1:] == [(0.04, False), (0.08, True)]


def test_a_repeated_time_is_nudged_and_the_next_true_one_kept():
    assert stamps(0.0, 0.04, 0.04, 0.08)[2:] == [(pytest.approx(0.05), False), (0.08, True)]


def test_a_step_back_a_little_is_nudged():
    assert stamps(0.0, 0.08, 0.04, 0.12)[2:] == [(pytest.approx(0.09), False), (0.12, True)]


def test_files_joined_end_to_end_count_on():
    times = [t for t, _ in stamps(0.0, 5.0, 10.0, 0.0, 0.04, 0.08)]
    assert times == pytest.approx([0.0, 5.0, 10.0, 10.04, 10.08, 10.12])


def test_a_clock_that_stands_still_goes_on_at_the_nominal_rate():
    times = [t for t, _ in stamps(*[0.0] * 20)]
    assert times[-1] - times[-5] == pytest.approx(4 * 0.04, abs=0.08)


@given(st.lists(st.one_of(st.none(), st.floats(-100, 100)), max_size=40), st.floats(0.001, 1))
def test_whatever_comes_the_times_strictly_increase(raw_s, frame_s):
    times = [t for t, _ in stamps(*raw_s, frame_s=frame_s)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))


@given(st.lists(st.floats(0, 1000), unique_by=lambda t: round(t, 3), max_size=40))
def test_a_clean_clock_is_never_touched(raw_s):
    raw_s = sorted(round(t, 3) for t in raw_s)
    assert stamps(*raw_s) == [(t, True) for t in raw_s]
