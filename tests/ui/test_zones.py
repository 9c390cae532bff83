"""Lines and zones in the window: drawn and moved by mouse, named, coloured, counted, saved."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor, QContextMenuEvent
from PyQt6.QtWidgets import QApplication, QColorDialog, QFileDialog

from rtdet.counting import Line, Zone, Zones, read_zones, write_zones
from rtdet.ui.ground_dialog import PerPixelDialog, PointsDialog
from rtdet.viewer.player import Phase
from rtdet.viewer.zone_shapes import Look

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, SHIFT, ALT = (
    Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier,
)  # fmt: skip
DOOR = Line("door", ((0.25, 0.5), (0.75, 0.5)), "#ff8800")
SQUARE = Zone("square", ((0.1, 0.1), (0.3, 0.1), (0.3, 0.4), (0.1, 0.4)), "#00ff88")
BOTH = Zones((DOOR,), (SQUARE,))


@pytest.fixture
def window(open_window, qtbot):
    """A window with the panel of lines and zones open, and none in it."""
    window = open_window()
    qtbot.waitUntil(lambda: not window.session.counting.keeping.is_loading)
    qtbot.keyClick(window.stage.view, Qt.Key.Key_G)
    QApplication.processEvents()
    return window


@pytest.fixture
def drawn(window):
    """The same with a line and a zone."""
    window.session.counting.editor.change(BOTH)
    QApplication.processEvents()
    return window


def editor_of(window):
    return window.session.counting.editor


def at(window, x: float, y: float) -> QPoint:
    """Where fractions of the picture are in the view."""
    left, top = Look.of(window.stage.view.viewport).place((x, y))
    return QPoint(round(left), round(top))


def drag(qtbot, window, *points: tuple[float, float], modifier=NONE) -> None:
    view = window.stage.view
    places = [at(window, *point) for point in points]
    qtbot.mouseMove(view, places[0])
    qtbot.mousePress(view, LEFT, modifier, places[0])
    for one, other in itertools.pairwise(places):
        for part in (0.5, 1.0):
            qtbot.mouseMove(view, one + (other - one) * part)
    qtbot.mouseRelease(view, LEFT, modifier, places[-1])


def click(qtbot, window, x: float, y: float, button=LEFT) -> None:
    qtbot.mouseMove(window.stage.view, at(window, x, y))
    qtbot.mouseClick(window.stage.view, button, NONE, at(window, x, y))


def near(points, expected, within: float = 0.01) -> bool:
    return len(points) == len(expected) and all(
        abs(x1 - x2) < within and abs(y1 - y2) < within
        for (x1, y1), (x2, y2) in zip(points, expected, strict=True)
    )


# The panel


def test_there_is_room_for_one_panel_at_the_side(qtbot, window) -> None:
    assert window.zoning.panel.isVisible()
    assert not window.panel.isVisible()
    qtbot.keyClick(window.stage.view, Qt.Key.Key_P)
    assert window.panel.isVisible()
    assert not window.zoning.panel.isVisible()


def test_full_screen_has_no_panel(qtbot, window) -> None:
    qtbot.keyClick(window.stage.view, Qt.Key.Key_F)
    assert not window.zoning.panel.isVisible()


def test_a_low_window_stays_low(window) -> None:
    window.state.lanes_open = True
    editor_of(window).change(BOTH)
    editor_of(window).selected = "door"
    window.resize(900, 520)
    QApplication.processEvents()
    assert window.height() == 520


def test_an_empty_panel_says_what_can_be_done(window) -> None:
    assert "Draw a line" in window.zoning.panel.note.text()
    assert not window.zoning.panel.save.isEnabled()


def test_every_part_of_the_panel_has_a_name_and_a_tip(drawn) -> None:
    editor_of(drawn).selected = "door"
    panel = drawn.zoning.panel
    parts = [
        *panel.draw.values(),
        panel.open,
        panel.save,
        panel.counts,
        panel.point,
        panel.list,
        drawn.zoning.scale,
    ]
    details = panel.details
    parts += [
        details.color,
        details.name,
        details.turn,
        details.delete,
        details.first,
        details.second,
        details.classes,
    ]
    assert all(part.accessibleName() and part.toolTip() for part in parts)


# Drawing


def test_d_and_a_stroke_draw_a_line(qtbot, window) -> None:
    qtbot.keyClick(window.stage.view, Qt.Key.Key_D)
    assert "Drag from one end" in window.zoning.panel.hint.text()
    drag(qtbot, window, (0.2, 0.3), (0.8, 0.7))
    line = editor_of(window).chosen
    assert near(line.points, ((0.2, 0.3), (0.8, 0.7)))
    assert window.zoning.panel.list.item(0).text() == "line 1"
    assert window.zoning.panel.hint.text() == ""


def test_clicks_and_a_double_click_draw_a_line_with_a_bend(qtbot, window) -> None:
    qtbot.mouseClick(window.zoning.panel.draw["line"], LEFT)
    click(qtbot, window, 0.2, 0.3)
    click(qtbot, window, 0.5, 0.3)
    click(qtbot, window, 0.7, 0.6)
    qtbot.mouseDClick(window.stage.view, LEFT, NONE, at(window, 0.7, 0.6))
    assert near(editor_of(window).chosen.points, ((0.2, 0.3), (0.5, 0.3), (0.7, 0.6)))
    assert not window.isFullScreen()


def test_shift_d_and_clicks_draw_a_zone_that_its_first_corner_closes(qtbot, window) -> None:
    qtbot.keyClick(window.stage.view, Qt.Key.Key_D, SHIFT)
    corners = ((0.2, 0.3), (0.6, 0.3), (0.5, 0.8))
    for corner in (*corners, corners[0]):
        click(qtbot, window, *corner)
    assert near(editor_of(window).chosen.points, corners)
    assert editor_of(window).selected == "zone 1"


def test_enter_ends_a_zone_and_backspace_takes_back_a_corner(qtbot, window) -> None:
    view = window.stage.view
    window.zoning.draw("zone")
    for corner in ((0.2, 0.3), (0.6, 0.3), (0.9, 0.9), (0.5, 0.8)):
        click(qtbot, window, *corner)
    qtbot.keyClick(view, Qt.Key.Key_Backspace)
    assert len(editor_of(window).draft) == 3
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert near(editor_of(window).chosen.points, ((0.2, 0.3), (0.6, 0.3), (0.9, 0.9)))
    assert window.player.speed == 1.0


def test_a_stroke_draws_a_rectangle_and_shift_keeps_a_line_level(qtbot, window) -> None:
    window.zoning.draw("zone")
    drag(qtbot, window, (0.2, 0.3), (0.4, 0.6))
    assert near(editor_of(window).chosen.points, ((0.2, 0.3), (0.4, 0.3), (0.4, 0.6), (0.2, 0.6)))
    window.zoning.draw("line")
    drag(qtbot, window, (0.5, 0.5), (0.9, 0.53), modifier=SHIFT)
    (_, left), (_, right) = editor_of(window).chosen.points
    assert left == right


def test_escape_ends_drawing_and_then_the_selection(qtbot, window) -> None:
    window.zoning.draw("line")
    click(qtbot, window, 0.2, 0.3)
    qtbot.keyClick(window.stage.view, Qt.Key.Key_Escape)
    assert editor_of(window).draft == ()
    qtbot.keyClick(window.stage.view, Qt.Key.Key_Escape)
    assert editor_of(window).tool == ""
    assert len(editor_of(window).zones) == 0


def test_what_cannot_be_is_said_in_the_panel(qtbot, window) -> None:
    window.zoning.draw("zone")
    for corner in ((0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)):
        click(qtbot, window, *corner)
    qtbot.keyClick(window.stage.view, Qt.Key.Key_Return)
    assert "crosses or touches itself" in window.zoning.panel.hint.text()


def test_without_a_picture_nothing_can_be_drawn(open_window, qtbot) -> None:
    window = open_window(None)
    window.actions_["draw_line"].trigger()
    assert "Open something first" in window.player.message.text
    assert editor_of(window).tool == ""


# Moving


def test_a_corner_and_a_whole_line_are_dragged(qtbot, drawn) -> None:
    drag(qtbot, drawn, (0.25, 0.5), (0.25, 0.8))
    assert near(editor_of(drawn).chosen.points, ((0.25, 0.8), (0.75, 0.5)))
    drag(qtbot, drawn, (0.4, 0.71), (0.4, 0.61))
    assert near(editor_of(drawn).chosen.points, ((0.25, 0.7), (0.75, 0.4)))
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert editor_of(drawn).zones == BOTH


def test_a_click_in_a_zone_selects_it_and_one_beside_it_nothing(qtbot, drawn) -> None:
    click(qtbot, drawn, 0.2, 0.25)
    assert editor_of(drawn).selected == "square"
    assert drawn.zoning.panel.list.currentItem().text() == "square"
    drag(qtbot, drawn, (0.2, 0.25), (0.3, 0.35))
    assert near(editor_of(drawn).chosen.points[:1], ((0.2, 0.2),))
    click(qtbot, drawn, 0.9, 0.9)
    assert editor_of(drawn).selected is None


def test_the_right_button_takes_out_a_corner(qtbot, drawn) -> None:
    editor_of(drawn).selected = "square"
    place = at(drawn, 0.3, 0.4)
    view = drawn.stage.view
    QApplication.sendEvent(
        view, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, view.mapToGlobal(place))
    )
    assert len(editor_of(drawn).chosen.points) == 3


def test_alt_and_arrows_move_by_pixels_of_the_picture_and_plain_arrows_step(qtbot, drawn) -> None:
    editor_of(drawn).selected = "door"
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Right, ALT)
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Down, ALT | SHIFT)
    assert editor_of(drawn).chosen.points[0] == pytest.approx((0.25 + 1 / 320, 0.5 + 10 / 180), abs=1e-5)
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Right)
    assert drawn.player.phase is Phase.PAUSED


def test_del_deletes_what_is_selected_in_the_picture_and_in_the_list(qtbot, drawn) -> None:
    editor_of(drawn).selected = "door"
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Delete)
    assert editor_of(drawn).zones.names == ("square",)
    drawn.zoning.panel.list.setCurrentRow(0)
    qtbot.keyClick(drawn.zoning.panel.list, Qt.Key.Key_Delete)
    assert editor_of(drawn).zones.names == ()


def test_with_the_panel_closed_the_mouse_leaves_lines_alone(qtbot, drawn) -> None:
    drawn.state.zones_open = False
    drag(qtbot, drawn, (0.25, 0.5), (0.25, 0.8))
    assert editor_of(drawn).zones == BOTH


def test_a_zoomed_picture_is_still_moved_where_nothing_is_held(qtbot, drawn) -> None:
    view = drawn.stage.view
    view.zoom(2.0)
    before = view.viewport.left
    middle = QPoint(view.width() // 2, view.height() - 60)
    qtbot.mousePress(view, LEFT, NONE, middle)
    for step in (20, 40):
        qtbot.mouseMove(view, middle + QPoint(step, 0))
    qtbot.mouseRelease(view, LEFT, NONE, middle + QPoint(40, 0))
    assert view.viewport.left > before


def test_undo_in_the_picture_never_reaches_tracks_that_nobody_sees(qtbot, drawn) -> None:
    undone = []
    drawn.actions_["undo"].triggered.connect(lambda: undone.append(True))
    drawn.actions_["undo"].setEnabled(True)
    keys = Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier
    for _ in range(3):
        qtbot.keyClick(drawn.stage.view, *keys)
    assert len(editor_of(drawn).zones) == 0
    assert undone == []
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | SHIFT)
    assert editor_of(drawn).zones == BOTH
    drawn.zoning.panel.list.setFocus()
    qtbot.keyClick(drawn.zoning.panel.list, *keys)
    assert len(editor_of(drawn).zones) == 0
    drawn.state.lanes_open = True
    qtbot.keyClick(drawn.stage.view, *keys)
    assert undone == [True]


# Names, colours, details


def test_a_line_is_named_in_the_list(qtbot, drawn) -> None:
    panel = drawn.zoning.panel
    panel.list.setCurrentRow(0)
    qtbot.mouseClick(panel.details.name, LEFT)
    field = panel.list.findChild(type(panel.details.first), "")
    assert field.accessibleName() == "Name"
    field.selectAll()
    qtbot.keyClicks(field, "front door")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: editor_of(drawn).zones.names == ("front door", "square"))
    panel.list.item(0).setText("square")
    assert panel.list.item(0).text() == "front door"
    assert "already" in panel.hint.text()


def test_a_colour_is_chosen_and_drawn_in_the_picture(qtbot, drawn) -> None:
    editor_of(drawn).selected = "door"
    qtbot.mouseClick(drawn.zoning.panel.details.color, LEFT)
    dialog = drawn.findChild(QColorDialog)
    dialog.setCurrentColor(QColor("#12abef"))
    dialog.accept()
    assert editor_of(drawn).zones.named("door").color == "#12abef"
    assert drawn.stage.view.draw_style.zones[0].color == (0x12, 0xAB, 0xEF)
    view = drawn.stage.view
    editor_of(drawn).selected = None

    def is_seen() -> bool:
        image, place = view.grab().toImage(), at(drawn, 0.35, 0.5)
        colors = [image.pixelColor(place + QPoint(0, dy)) for dy in range(-2, 3)]
        return any(abs(c.red() - 0x12) + abs(c.green() - 0xAB) + abs(c.blue() - 0xEF) < 40 for c in colors)

    qtbot.waitUntil(is_seen, timeout=5000)


def test_directions_classes_side_and_point_are_set_in_the_panel(qtbot, drawn) -> None:
    editor_of(drawn).selected = "door"
    details = drawn.zoning.panel.details
    details.first.setText("north")
    details.first.editingFinished.emit()
    details.classes.setText("car,  person")
    details.classes.editingFinished.emit()
    qtbot.mouseClick(details.turn, LEFT)
    door = editor_of(drawn).zones.named("door")
    assert (door.directions, door.classes, door.points) == (
        ("north", "out"),
        ("car", "person"),
        DOOR.points[::-1],
    )
    point = drawn.zoning.panel.point
    point.setCurrentIndex(point.findData("center"))
    point.activated.emit(point.currentIndex())
    assert editor_of(drawn).zones.point == "center"
    editor_of(drawn).selected = "square"
    assert not details.first.isVisible()


# Counts


def test_the_list_and_the_picture_show_what_is_counted(qtbot, window) -> None:
    editor_of(window).change(
        Zones((Line("across", ((0.5, 0.0), (0.5, 1.0))),), (Zone("all", ((0, 0), (1, 0), (1, 1), (0, 1))),))
    )
    counting = window.session.counting
    qtbot.waitUntil(lambda: counting.inside.get("all", 0) > 3, timeout=10000)
    qtbot.waitUntil(
        lambda: "all" in counting.tallies and counting.tallies["all"].appeared.total > 3, timeout=10000
    )
    role = Qt.ItemDataRole.AccessibleTextRole
    assert window.zoning.panel.list.item(1).data(role).startswith("all, zone: now ")
    words = {mark.words[0]: mark.words[1:] for mark in window.stage.view.draw_style.zones}
    assert words["across"][0].startswith("in ")
    assert words["all"][0].endswith(" inside")


def test_z_hides_them_once_the_panel_is_closed(qtbot, drawn) -> None:
    drawn.state.zones_open = False
    assert drawn.stage.view.draw_style.zones
    qtbot.keyClick(drawn.stage.view, Qt.Key.Key_Z)
    assert drawn.stage.view.draw_style.zones == ()


# Files and the scale


def test_they_are_saved_and_opened(qtbot, drawn, tmp_path: Path) -> None:
    qtbot.mouseClick(drawn.zoning.panel.save, LEFT)
    dialog = drawn.findChild(QFileDialog)
    dialog.filesSelected.emit([str(tmp_path / "zones.json")])
    dialog.close()
    qtbot.waitUntil((tmp_path / "zones.json").exists)
    assert read_zones(tmp_path / "zones.json") == BOTH
    write_zones(tmp_path / "other.json", Zones((Line("other", ((0, 0), (1, 1))),)))
    drawn.zoning._open([str(tmp_path / "other.json")])
    qtbot.waitUntil(lambda: editor_of(drawn).zones.names == ("other",))


def test_counts_are_saved_as_a_table(qtbot, drawn, tmp_path: Path) -> None:
    qtbot.mouseClick(drawn.zoning.panel.counts, LEFT)
    dialog = drawn.findChild(QFileDialog)
    dialog.filesSelected.emit([str(tmp_path / "counts.csv")])
    dialog.close()
    qtbot.waitUntil((tmp_path / "counts.csv").exists)
    header, *rows = (tmp_path / "counts.csv").read_text().splitlines()
    assert header.startswith("name,kind,what,class")
    assert any(row.startswith("door,line,in,all,all,") for row in rows)


def test_four_points_and_their_metres_give_a_scale(qtbot, window) -> None:
    window.zoning.draw("ground")
    for corner in ((0.1, 0.5), (0.9, 0.5), (0.9, 0.95), (0.1, 0.95)):
        click(qtbot, window, *corner)
    dialog = window.findChild(PointsDialog)
    assert not dialog.button.isEnabled()
    qtbot.keyClicks(dialog.width_m, "20")
    qtbot.keyClicks(dialog.depth_m, "10,5")
    assert [field.text() for field in dialog.metres[2]] == ["20", "10,5"]
    assert dialog.button.isEnabled()
    qtbot.mouseClick(dialog.button, LEFT)
    ground = editor_of(window).zones.ground
    assert ground["metres"] == [[0, 0], [20, 0], [20, 10.5], [0, 10.5]]
    assert near(ground["points"], ((0.1, 0.5), (0.9, 0.5), (0.9, 0.95), (0.1, 0.95)))
    assert editor_of(window).tool == ""
    assert window.zoning.scale.text() == "Scale: 4 points"


def test_points_on_a_line_are_refused_where_they_are_typed(qtbot, window) -> None:
    window.zoning.draw("ground")
    for corner in ((0.1, 0.5), (0.5, 0.5), (0.9, 0.5), (0.1, 0.95)):
        click(qtbot, window, *corner)
    dialog = window.findChild(PointsDialog)
    qtbot.keyClicks(dialog.width_m, "20")
    qtbot.keyClicks(dialog.depth_m, "10")
    assert "determine no plane" in dialog.hint.text()
    assert not dialog.button.isEnabled()
    dialog.reject()
    assert editor_of(window).tool == ""


def test_metres_per_pixel_are_a_scale_and_it_can_be_taken_away(qtbot, window) -> None:
    window.zoning._ask_per_pixel()
    dialog = window.findChild(PerPixelDialog)
    qtbot.keyClicks(dialog.field, "0.05")
    dialog.accept()
    assert editor_of(window).zones.ground == {"metres_per_pixel": 0.05}
    assert window.zoning.scale.text() == "Scale: 0.05 m a pixel"
    window.zoning._no_scale.trigger()
    assert editor_of(window).zones.ground is None
