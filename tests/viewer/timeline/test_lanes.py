from __future__ import annotations

import numpy as np
import pytest

from rtdet.viewer.timeline.lanes import LANE_PX, LaneFilter, Lanes, joined, searched
from rtdet.viewer.timeline.spans import spans_of
from tests.viewer.timeline.tables import table_of


def lanes_of(frames_of, *, height: float = 100.0, **further) -> Lanes:
    lanes = Lanes()
    lanes.axis.resize(200)
    lanes.resize(height)
    lanes.show(spans_of(table_of(frames_of, **further)))
    return lanes


def shown_ids(lanes: Lanes) -> list[int]:
    return lanes.spans.ids[lanes.shown].tolist()


def sifted(lanes: Lanes, **changes) -> list[int]:
    lanes.filter = LaneFilter(**changes)
    lanes.arrange()
    return shown_ids(lanes)


def test_lanes_are_filtered_by_class_length_and_zone() -> None:
    lanes = lanes_of({1: range(1, 20), 2: range(2, 5), 3: range(3, 12)}, labels={3: 1})
    assert shown_ids(lanes) == [1, 2, 3]
    assert sifted(lanes, classes=frozenset({"person"})) == [1, 2]
    assert sifted(lanes, classes=frozenset({"person"}), least_s=0.5) == [1]
    assert sifted(lanes, most_s=0.9) == [2, 3]
    assert sifted(lanes, has=lambda ids: ids >= 2) == [2, 3]
    assert sifted(lanes, classes=frozenset()) == []


def test_a_search_by_id_goes_before_every_filter() -> None:
    lanes = lanes_of({1: range(1, 20), 2: range(2, 5), 3: range(3, 12)})
    assert sifted(lanes, search="2", least_s=5.0) == [2]
    assert sifted(lanes, search="#3, 1") == [1, 3]
    assert sifted(lanes, search="17") == []
    assert sifted(lanes, search="person") == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "ranges"),
    [("", []), ("7", [(7, 7)]), ("7, 12-15", [(7, 7), (12, 15)]), ("#3 #4", [(3, 3), (4, 4)]), ("zebra", [])],
)
def test_ids_are_read_as_people_write_them(text: str, ranges: list[tuple[int, int]]) -> None:
    assert searched(text) == ranges


def test_only_tracks_of_the_stretch_in_view_have_a_lane_unless_all_are_wanted() -> None:
    lanes = lanes_of({1: [1, 2], 2: [9, 10, 11], 3: [18, 19]})
    lanes.axis.zoom_by(4.0, 100)
    lanes.arrange()
    assert shown_ids(lanes) == [2]
    assert sifted(lanes, in_view=False) == [1, 2, 3]


def test_only_rows_on_screen_are_visible() -> None:
    lanes = lanes_of({track_id: [1, 2] for track_id in range(1, 1001)})
    assert lanes.visible() == range(5)
    lanes.scroll_to(501 * LANE_PX - 5)
    assert lanes.visible() == range(500, 506)
    assert lanes.id_at(0) == 501
    assert lanes.id_at(6) == 502
    lanes.scroll_to(1e9)
    assert lanes.visible().stop == 1000


def test_below_the_last_lane_is_nothing() -> None:
    lanes = lanes_of({1: [1, 2]})
    assert lanes.id_at(LANE_PX - 1) == 1
    assert lanes.id_at(LANE_PX + 1) is None
    assert lanes.id_at(-1) is None


def test_the_topmost_lane_stays_when_those_above_it_are_filtered_out() -> None:
    lanes = lanes_of({track_id: range(1, 3 + track_id % 2) for track_id in range(1, 201)})
    lanes.scroll_to(101 * LANE_PX)
    top = lanes.id_at(0)
    sifted(lanes, least_s=0.25)
    assert top not in shown_ids(lanes) or lanes.id_at(0) == top
    assert lanes.id_at(0) in (top, top + 1)


def test_a_track_is_scrolled_into_view() -> None:
    lanes = lanes_of({track_id: [1, 2] for track_id in range(1, 101)})
    lanes.bring(80)
    assert 79 in lanes.visible()
    before = lanes.top
    lanes.bring(80)
    assert lanes.top == before
    lanes.bring(12345)
    assert lanes.top == before


def test_keys_go_from_lane_to_lane() -> None:
    lanes = lanes_of({track_id: [1, 2] for track_id in range(1, 11)})
    assert lanes.neighbor(None, 1) == 1
    assert lanes.neighbor(3, 1) == 4
    assert lanes.neighbor(3, -9) == 1
    assert lanes.neighbor(3, 99) == 10
    assert lanes_of({}).neighbor(None, 1) is None


def test_gaps_are_drawn_where_they_can_be_seen() -> None:
    lanes = lanes_of({1: [1, 2, 11, 12]})  # 2 s on 200 pixels
    assert [(round(s.left), round(s.right), s.is_seen) for s in lanes.strips(0)] == [
        (0, 20, True),
        (100, 120, True),
    ]
    lanes.axis.resize(6)
    assert len(lanes.strips(0)) == 2
    lanes.axis.resize(1)
    assert len(lanes.strips(0)) == 1


def test_strips_outside_the_view_are_not_looked_at() -> None:
    lanes = lanes_of({1: range(1, 21, 2)})
    lanes.axis.zoom_by(4.0, 0)
    strips = lanes.strips(0)
    assert len(strips) == 3
    assert strips[-1].right <= 250


def test_a_lane_that_flickers_has_no_more_strips_than_pixels() -> None:
    starts = np.arange(0, 100, 0.01)
    strips = joined(starts, starts + 0.01, np.arange(len(starts)) % 2 == 0)
    assert len(strips) <= 200
    assert joined(np.zeros(0), np.zeros(0), np.zeros(0, bool)) == []
