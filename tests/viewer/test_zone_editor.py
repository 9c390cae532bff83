"""Lines and zones are drawn, moved, named, coloured and deleted."""

from __future__ import annotations

import math

import pytest

from rtdet.counting import Line, Zone, Zones
from rtdet.viewer.viewport import Viewport
from rtdet.viewer.zone_editor import COLORS, GROUND, LINE, ZONE, ZoneEditor
from rtdet.viewer.zone_shapes import BETWEEN, CORNER, WHOLE, Look, grip_at, straightened, without_corner

LOOK = Look(800.0, 400.0, 100.0, 50.0)
DOOR = Line("door", ((0.25, 0.5), (0.75, 0.5)), "#ff8800")
SQUARE = Zone("square", ((0.2, 0.2), (0.4, 0.2), (0.4, 0.6), (0.2, 0.6)), "#00ff88")
BOTH = Zones((DOOR,), (SQUARE,))


@pytest.fixture
def editor() -> ZoneEditor:
    editor = ZoneEditor()
    editor.load(BOTH)
    return editor


def set_corners(editor: ZoneEditor, *corners: tuple[float, float]) -> None:
    for corner in corners:
        editor.add_corner(editor.where(corner, LOOK), LOOK)


def names(editor: ZoneEditor) -> tuple[str, ...]:
    return editor.zones.names


# Where things are


def test_fractions_and_pixels_of_a_zoomed_window_are_led_into_each_other() -> None:
    view = Viewport(width=900, height=500)
    view.show(1280, 720)
    view.zoom_by(2.0, 300, 200)
    look = Look.of(view)
    x, y = look.place((0.25, 0.75))
    assert (x, y) == pytest.approx(view.to_widget(320, 540))
    assert look.point(x, y) == pytest.approx((0.25, 0.75))


def test_corners_come_before_middles_and_lines_and_only_a_selected_shape_has_middles() -> None:
    assert grip_at(BOTH, None, (0.253, 0.505), LOOK) == grip_at(BOTH, "door", (0.253, 0.505), LOOK)
    assert grip_at(BOTH, None, (0.253, 0.505), LOOK).part == CORNER
    assert grip_at(BOTH, None, (0.5, 0.5), LOOK).part == WHOLE
    assert grip_at(BOTH, "door", (0.5, 0.5), LOOK).part == BETWEEN
    assert grip_at(BOTH, "door", (0.6, 0.51), LOOK).part == WHOLE
    assert grip_at(BOTH, "door", (0.6, 0.56), LOOK) is None


def test_inside_of_a_zone_is_held_only_where_it_is_selected() -> None:
    assert grip_at(BOTH, None, (0.3, 0.3), LOOK) is None
    assert grip_at(BOTH, "square", (0.3, 0.3), LOOK).part == WHOLE


def test_a_line_lies_over_a_zone() -> None:
    zones = Zones((Line("over", ((0.2, 0.2), (0.4, 0.2))),), (SQUARE,))
    assert grip_at(zones, None, (0.3, 0.2), LOOK).name == "over"


# Drawing


def test_a_stroke_draws_a_line_that_is_selected_then_with_a_name_and_a_colour_of_its_own(editor) -> None:
    editor.draw(LINE)
    set_corners(editor, (0.1, 0.9))
    assert editor.draw_from((0.1, 0.9), (0.9, 0.9))
    line = editor.chosen
    assert line.points == ((0.1, 0.9), (0.9, 0.9))
    assert line.name == "line 1"
    assert line.color == COLORS[2]
    assert editor.tool == ""


def test_a_stroke_draws_a_rectangle(editor) -> None:
    editor.draw(ZONE)
    editor.draw_from((0.5, 0.6), (0.7, 0.8))
    assert editor.chosen.points == ((0.5, 0.6), (0.7, 0.6), (0.7, 0.8), (0.5, 0.8))


def test_clicks_draw_a_polygon_that_its_first_corner_closes(editor) -> None:
    editor.draw(ZONE)
    set_corners(editor, (0.5, 0.1), (0.9, 0.1), (0.7, 0.4))
    assert editor.tool == ZONE
    set_corners(editor, (0.503, 0.103))
    assert editor.tool == ""
    assert editor.chosen.points == ((0.5, 0.1), (0.9, 0.1), (0.7, 0.4))


def test_what_has_too_few_corners_is_forgotten(editor) -> None:
    editor.draw(ZONE)
    set_corners(editor, (0.5, 0.1), (0.9, 0.1))
    assert not editor.finish()
    assert names(editor) == ("door", "square")
    assert editor.draft == ()


def test_a_polygon_that_crosses_itself_is_refused_with_a_line_that_says_so(editor) -> None:
    editor.draw(ZONE)
    set_corners(editor, (0.5, 0.1), (0.9, 0.5), (0.9, 0.1), (0.5, 0.5))
    assert not editor.finish()
    assert "crosses or touches itself" in editor.fault
    assert editor.tool == ZONE
    assert names(editor) == ("door", "square")


def test_escape_takes_back_the_drawing_then_the_tool_then_the_selection(editor) -> None:
    editor.selected = "door"
    editor.draw(LINE)
    editor.selected = "door"
    set_corners(editor, (0.5, 0.1))
    assert [editor.escape() and (editor.draft, editor.tool, editor.selected) for _ in range(3)] == [
        ((), LINE, "door"), ((), "", "door"), ((), "", None),
    ]  # fmt: skip
    assert not editor.escape()


def test_new_corners_snap_to_corners_that_are_near_and_to_the_edges_of_the_picture(editor) -> None:
    editor.draw(LINE)
    assert editor.where((0.255, 0.505), LOOK) == (0.25, 0.5)
    assert editor.where((0.995, 0.3), LOOK) == (1.0, 0.3)
    assert editor.where((0.5, 1.2), LOOK) == (0.5, 1.0)


def test_a_straight_corner_is_level_upright_or_at_45_degrees_as_the_window_shows_it() -> None:
    x, y = straightened((0.6, 0.52), (0.25, 0.5), LOOK)
    assert y == pytest.approx(0.5)
    x, y = straightened((0.45, 0.85), (0.25, 0.5), LOOK)
    assert (x - 0.25) * LOOK.width == pytest.approx((y - 0.5) * LOOK.height)


def test_four_points_of_the_ground_are_set_and_no_more_is_made_of_them(editor) -> None:
    editor.draw(GROUND)
    set_corners(editor, (0.1, 0.1), (0.9, 0.1), (0.9, 0.9))
    assert not editor.finish()
    set_corners(editor, (0.1, 0.9))
    assert editor.finish()
    assert len(editor.draft) == 4
    assert names(editor) == ("door", "square")


# Moving


def test_a_corner_is_dragged_and_the_whole_is_undone_in_one_step(editor) -> None:
    editor.press((0.25, 0.5), LOOK)
    for x in (0.2, 0.15, 0.1):
        editor.drag((x, 0.7), LOOK)
        assert editor.zones == BOTH
    assert editor.chosen.points[0] == (0.1, 0.7)
    editor.release()
    assert editor.zones.named("door").points == ((0.1, 0.7), (0.75, 0.5))
    editor.undo()
    assert editor.zones == BOTH
    editor.redo()
    assert editor.zones.named("door").points[0] == (0.1, 0.7)


def test_the_middle_of_an_edge_becomes_a_corner(editor) -> None:
    editor.selected = "square"
    editor.press((0.2, 0.4), LOOK)
    editor.drag((0.1, 0.4), LOOK)
    editor.release()
    assert editor.chosen.points == (*SQUARE.points, (0.1, 0.4))


def test_a_whole_zone_is_moved_as_far_as_the_picture_reaches(editor) -> None:
    editor.selected = "square"
    editor.press((0.3, 0.3), LOOK)
    editor.drag((-0.3, 0.35), LOOK)
    editor.release()
    assert editor.chosen.points == ((0.0, 0.25), (0.2, 0.25), (0.2, 0.65), (0.0, 0.65))


def test_what_is_not_possible_goes_back_when_it_is_let_go(editor) -> None:
    editor.selected = "square"
    editor.press((0.2, 0.2), LOOK)
    editor.drag((0.35, 0.9), LOOK)
    assert editor.shown != BOTH
    editor.release()
    assert editor.shown == BOTH
    assert "crosses or touches itself" in editor.fault


def test_a_drag_that_is_given_up_changes_nothing(editor) -> None:
    editor.press((0.25, 0.5), LOOK)
    editor.drag((0.1, 0.7), LOOK)
    assert editor.escape()
    assert not editor.release()
    assert editor.shown == BOTH


def test_steps_in_a_row_are_undone_as_one(editor) -> None:
    editor.selected = "door"
    for _ in range(5):
        editor.nudge(0.01, 0.0)
    assert editor.chosen.points[0] == pytest.approx((0.3, 0.5))
    editor.undo()
    assert editor.zones == BOTH


def test_a_corner_is_taken_out_unless_it_is_needed(editor) -> None:
    editor.selected = "square"
    assert editor.remove_corner((0.4, 0.6), LOOK)
    assert editor.chosen.points == ((0.2, 0.2), (0.4, 0.2), (0.2, 0.6))
    assert without_corner(editor.chosen, 0) is None
    assert not editor.remove_corner((0.9, 0.9), LOOK)


# Names, colours, the rest


def test_a_name_is_changed_where_no_other_has_it(editor) -> None:
    editor.selected = "door"
    assert editor.rename("door", "  front   door ")
    assert editor.selected == "front door"
    assert not editor.rename("front door", "square")
    assert editor.fault == "There is a “square” already."
    assert not editor.rename("front door", " ")
    assert names(editor) == ("front door", "square")


def test_colour_directions_classes_and_side_are_changed_and_undone(editor) -> None:
    editor.color("door", "#123456")
    assert editor.describe("door", directions=("north", "south"))
    assert editor.describe("door", classes=("car", "vehicles"))
    assert not editor.describe("door", directions=("north", "north"))
    editor.turn("door")
    door = editor.zones.named("door")
    assert (door.color, door.directions, door.classes) == ("#123456", ("north", "south"), ("car", "vehicles"))
    assert door.points == DOOR.points[::-1]
    for _ in range(4):
        editor.undo()
    assert editor.zones == BOTH
    assert not editor.can_undo


def test_deleting_takes_the_selection_with_it_and_undo_gives_it_back(editor) -> None:
    editor.selected = "square"
    editor.delete()
    assert names(editor) == ("door",)
    assert editor.selected is None
    editor.undo()
    assert editor.zones == BOTH


def test_undo_while_drawing_takes_back_the_last_corner(editor) -> None:
    editor.draw(ZONE)
    set_corners(editor, (0.5, 0.1), (0.9, 0.1))
    editor.undo()
    assert editor.draft == ((0.5, 0.1),)
    assert editor.zones == BOTH


def test_of_another_source_nothing_can_be_undone(editor) -> None:
    editor.delete("door")
    editor.draw(LINE)
    editor.load(Zones())
    assert not editor.can_undo
    assert editor.tool == ""


def test_corners_stay_in_the_picture_whatever_the_mouse_does(editor) -> None:
    editor.press((0.25, 0.5), LOOK)
    editor.drag((-math.inf, 7.0), LOOK)
    editor.release()
    assert editor.zones.named("door").points[0] == (0.0, 1.0)
