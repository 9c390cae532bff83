from __future__ import annotations

import pytest

from rtdet.viewer.box_drag import Grip, between, box_at, dragged, grip_at, within_picture

BOX = (100.0, 50.0, 200.0, 150.0)


@pytest.mark.parametrize(
    ("x", "y", "grip"),
    [
        (100, 100, Grip(-1, 0)),
        (203, 100, Grip(1, 0)),
        (150, 48, Grip(0, -1)),
        (150, 152, Grip(0, 1)),
        (98, 53, Grip(-1, -1)),
        (201, 149, Grip(1, 1)),
        (150, 100, Grip()),
        (130, 100, None),
        (90, 100, None),
        (150, 160, None),
    ],
)
def test_edges_and_corners_can_be_taken_hold_of(x: float, y: float, grip: Grip | None) -> None:
    assert grip_at(BOX, x, y) == grip


def test_what_is_held_moves_and_the_rest_stays() -> None:
    assert dragged(BOX, Grip(-1, 0), 10, 99) == (110, 50, 200, 150)
    assert dragged(BOX, Grip(1, 1), 5, -5) == (100, 50, 205, 145)
    assert dragged(BOX, Grip(), 5, -5) == (105, 45, 205, 145)


def test_an_edge_may_pass_the_other_one() -> None:
    assert dragged(BOX, Grip(-1, 0), 130, 0) == (200, 50, 230, 150)


def test_a_box_is_drawn_from_any_corner() -> None:
    assert between((5, 40), (20, 10)) == (5, 10, 20, 40)


def test_a_drawn_box_ends_at_the_picture() -> None:
    assert within_picture((-5, 10, 50, 900), 640, 480) == (0, 10, 50, 480)
    assert within_picture((10, 10, 11, 50), 640, 480) is None
    assert within_picture((700, 10, 800, 50), 640, 480) is None


def test_of_boxes_in_one_another_the_smallest_is_meant() -> None:
    boxes = [(0, 0, 100, 100), (40, 40, 60, 60), (200, 0, 300, 100)]
    assert box_at(boxes, 50, 50) == 1
    assert box_at(boxes, 10, 10) == 0
    assert box_at(boxes, 150, 50) is None
