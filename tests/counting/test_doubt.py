"""The intervals of counts."""

from __future__ import annotations

import numpy as np
import pytest

from rtdet.counting.doubt import interval, sureness, tie_of


def test_a_clear_event_is_surer_than_one_with_a_low_score_a_gap_or_a_neighbour() -> None:
    clear = sureness(0.9, 0.0, 1.0)
    assert clear == pytest.approx(0.99)
    assert sureness(0.3, 0.0, 1.0) == pytest.approx(0.51)
    assert sureness(0.9, 2.0, 1.0) == pytest.approx(clear / np.e)
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [90, 90, 99, 99]], dtype=float)
    assert tie_of(boxes, 0) == 0.5
    assert tie_of(boxes, 2) == 1.0


def test_an_interval_is_that_of_independent_events_and_holds_the_count() -> None:
    assert interval([]) == (0, 0)
    assert interval([1.0] * 7) == (7, 7)
    # Of 100 with 0.9 some are not real and others were missed: a variance of 2 x 9, around 100.
    assert interval([0.9] * 100) == (92, 108)
    assert interval([0.999] * 10, [0.5, 0.5]) == (10, 12)
    low, high = interval([0.9] * 1500)
    assert low < 1470 < 1530 < high
