from __future__ import annotations

import numpy as np
import pytest

from rtdet.viewer.timeline.charts import ObjectCounts
from rtdet.viewer.timeline.spans import TrackSpans, spans_of
from tests.viewer.timeline.tables import table_of


def test_objects_are_counted_by_class_at_each_time() -> None:
    counts = ObjectCounts(spans_of(table_of({1: range(1, 11), 2: range(6, 16), 3: [6, 8]}, labels={3: 1})))
    assert counts.labels == [0, 1]
    assert counts.at(0.0) == {0: 1}
    assert counts.at(0.5) == {0: 2, 1: 1}
    assert counts.at(0.65) == {0: 2}
    assert counts.at(1.49) == {0: 1}
    assert counts.at(1.95) == {}
    assert counts.most == 3


def test_a_bin_has_the_mean_over_its_time() -> None:
    counts = ObjectCounts(spans_of(table_of({1: range(1, 11), 2: range(6, 11)})))
    assert counts.means(np.array([0.0, 0.5, 1.0, 2.0]))[0] == pytest.approx([1.0, 2.0, 0.0])
    assert counts.means(np.array([0.0, 2.0]))[0] == pytest.approx([0.75])


def test_the_sum_over_all_bins_is_the_time_that_all_tracks_were_there() -> None:
    random = np.random.default_rng(3)
    frames_of = {track_id: np.flatnonzero(random.random(200) < 0.3) + 1 for track_id in range(1, 30)}
    table = table_of(frames_of, frame_count=200)
    edges = np.linspace(0.0, 20.0, 778)
    means = ObjectCounts(spans_of(table)).means(edges)
    assert (means * np.diff(edges)).sum() == pytest.approx(len(table) / 10.0)


def test_without_tracks_there_is_nothing_to_draw() -> None:
    counts = ObjectCounts(TrackSpans())
    assert counts.most == 0
    assert counts.means(np.linspace(0, 1, 5)).shape == (0, 4)
    assert counts.at(0.0) == {}
