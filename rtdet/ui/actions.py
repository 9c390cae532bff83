"""Every command of the menus and keys, in one table; the menus and the help are made from it."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QAction, QKeySequence
from PyQt6.QtWidgets import QMainWindow, QMenu, QWidget

from rtdet.ui.icons import icon
from rtdet.viewer.watched import WatchedState
from rtdet.viewer.window import WindowState

T = TypeVar("T")


@dataclass(frozen=True)
class Command:
    """One command. `field` is the boolean field of the window's or the source's state that a checkable command
    switches."""

    name: str
    menu: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    field: str = ""
    line_above: bool = False

    @property
    def is_of_window(self) -> bool:
        """Whether there is one of it, and not one for each source."""
        return self.menu == "Help" or self.name in _OF_WINDOW or hasattr(WindowState, self.field or "-")

    @property
    def is_in_grid(self) -> bool:
        """Whether it makes sense while several sources are shown side by side."""
        return self.name in _IN_GRID or (self.is_of_window and self.name not in _ALONE)


# Those that need several sources.
OF_SEVERAL = ("close_source", "snapshot_all", "record_all", "play_all", "all_sources")
_OF_WINDOW = ("open_file", "open_address", "open_demo", "open_several", "quit", "full_screen", *OF_SEVERAL)
# What can be done to a source in the grid; the rest needs it alone.
_IN_GRID = (
    "snapshot", "snapshot_as", "record", "record_as", "play", "step", "step_back", "forward", "back", "start",
    "go_to", "next_source", "slower", "faster", "normal_speed", "loop",
)  # fmt: skip
_ALONE = ("panel", "lanes", "chart", "doubts", "zones")
COMMANDS = (
    Command("open_file", "File", "Open file…", ("Ctrl+O",), "folder"),
    Command("open_address", "File", "Open address…", ("Ctrl+L",), "link"),
    Command("open_demo", "File", "Open demo", ("Ctrl+D",)),
    Command("open_several", "File", "Open several…", ("Ctrl+Shift+O",), "grid", line_above=True),
    Command("close_source", "File", "Close source", ("Ctrl+W",)),
    Command("open_tracks", "File", "Open tracks…", ("Ctrl+T",), line_above=True),
    Command("export_tracks", "File", "Export tracks…", ("Ctrl+E",)),
    Command("save_run", "File", "Save run…", ("Ctrl+S",)),
    Command("snapshot", "File", "Save snapshot", ("S",), "snapshot", line_above=True),
    Command("snapshot_as", "File", "Save snapshot as…", ("Shift+S",)),
    Command("snapshot_all", "File", "Save snapshot of all sources", ("Ctrl+Shift+S",)),
    Command("record", "File", "Record", ("R",), "record"),
    Command("record_as", "File", "Record to…", ("Shift+R",)),
    Command("record_all", "File", "Record all sources", ("Ctrl+R",)),
    Command("quit", "File", "Quit", ("Ctrl+Q",), line_above=True),
    Command("play", "Playback", "Play", ("Space", "K"), "play"),
    Command("play_all", "Playback", "Pause all sources", ("Shift+Space",)),
    Command("step", "Playback", "Next frame", (".", "Right"), "step"),
    Command("step_back", "Playback", "Previous frame", (",", "Left")),
    Command("forward", "Playback", "Forward 5 seconds", ("Shift+Right",), line_above=True),
    Command("back", "Playback", "Back 5 seconds", ("Shift+Left",)),
    Command("start", "Playback", "To the beginning", ("Home",)),
    Command("go_to", "Playback", "Go to…", ("Ctrl+G",)),
    Command("next_source", "Playback", "Next file", ("PgDown",)),
    Command("slower", "Playback", "Slower", ("[",), line_above=True),
    Command("faster", "Playback", "Faster", ("]",)),
    Command("normal_speed", "Playback", "Normal speed", ("Backspace",)),
    Command("loop", "Playback", "Loop", ("L",), "loop", "loop", line_above=True),
    Command("fit", "View", "Fit to window", ("Ctrl+0",)),
    Command("actual_size", "View", "Actual size", ("Ctrl+1",)),
    Command("zoom_in", "View", "Zoom in", ("Ctrl++", "Ctrl+=", "+", "=")),
    Command("zoom_out", "View", "Zoom out", ("Ctrl+-", "-")),
    Command("full_screen", "View", "Full screen", ("F", "F11"), "fullscreen"),
    Command("all_sources", "View", "All sources", ("0",), "grid"),
    Command("panel", "View", "Side panel", ("P",), "panel", "panel_open", line_above=True),
    Command("boxes", "View", "Boxes", ("B",), "", "show_boxes"),
    Command("as_detected", "View", "Boxes as detected", ("Shift+B",), "", "as_detected"),
    Command("labels", "View", "Names, IDs and scores", ("N",), "", "show_labels"),
    Command("trails", "View", "Trails", ("T",), "", "show_trails"),
    Command("show_zones", "View", "Lines and zones", ("Z",), "", "show_zones"),
    Command("numbers", "View", "Numbers on the picture", ("I",), "", "show_numbers"),
    Command("lanes", "View", "Timeline", ("E",), "lanes", "lanes_open", line_above=True),
    Command("chart", "View", "Objects over time", ("O",), "chart", "chart_open"),
    Command("doubts", "View", "Worth a look", ("W",), "alert", "doubts_open"),
    Command("undo", "Tracks", "Undo", ("Ctrl+Z",)),
    Command("redo", "Tracks", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y")),
    Command("merge", "Tracks", "Merge", ("M",), line_above=True),
    Command("split", "Tracks", "Split here", ("X",)),
    Command("swap", "Tracks", "Swap from here on", ("Shift+X",)),
    Command("rename", "Tracks", "New ID…", ("F2",)),
    Command("set_class", "Tracks", "Class…", ("C",)),
    Command("draw", "Tracks", "Draw a missing box", ("A",)),
    Command("delete", "Tracks", "Delete", ("Del",)),
    Command("delete_after", "Tracks", "Delete from here on", ("Shift+Del",)),
    Command("find", "Tracks", "Find an ID", ("Ctrl+F",), line_above=True),
    Command("follow", "Tracks", "Follow", ("V",)),
    Command("next_doubt", "Tracks", "Next worth a look", ("J",), line_above=True),
    Command("last_doubt", "Tracks", "Previous worth a look", ("Shift+J",)),
    Command("tick_doubt", "Tracks", "Tick off, and next", ("Ctrl+J",)),
    Command("fit_time", "Tracks", "All of the time", ("Shift+F",), "fit", line_above=True),
    Command("in_view", "Tracks", "Only tracks of the time in view", (), "filter"),
    Command("zones", "Counts", "Panel of lines and zones", ("G",), "zones", "zones_open"),
    Command("draw_line", "Counts", "Draw a line", ("D",), "line", line_above=True),
    Command("draw_zone", "Counts", "Draw a zone", ("Shift+D",), "zone"),
    Command("delete_zone", "Counts", "Delete", (), "delete"),
    Command("open_zones", "Counts", "Open lines and zones…", line_above=True),
    Command("save_zones", "Counts", "Save lines and zones…"),
    Command("save_counts", "Counts", "Save counts…"),
    Command("shortcuts", "Help", "Keyboard shortcuts", ("F1", "?")),
    Command("this_computer", "Help", "This computer…"),
    Command("about", "Help", "About rtdet"),
)
OTHER_KEYS = (
    ("Wheel", "Zoom at the pointer, in the picture or in time"),
    ("Drag an edge", "Correct the selected box, while the picture stands"),
    ("Right button", "What can be done with a lane or a box; remove a corner of a line or zone"),
    ("Drag", "Move the zoomed picture"),
    ("Double-click", "Full screen; on a lane or, with the timeline open, a box: follow it"),
    ("Shift+drag", "Draw level, upright or at 45°"),
    ("Alt+arrows", "Move the line or zone; 10 pixels with Shift"),
    ("1 … 9", "Of several sources: see this one alone"),
    ("Arrows, Enter", "Of several sources: go to another one, see it alone"),
    ("Esc", "End drawing or following, leave full screen, dismiss a message, or back to all sources"),
)


class Actions:
    """Commands as QActions of `owner`: those of the window, or, with the window's as `beyond`, those of one source.

    by_name: these and those beyond. Checkable commands are bound to `state`.
    """

    def __init__(self, owner: QObject, state: WatchedState, beyond: Actions | None = None) -> None:
        self._own: dict[str, QAction] = {}
        self.by_name = ChainMap(self._own, *([] if beyond is None else [beyond._own]))
        for command in COMMANDS:
            if command.is_of_window is not (beyond is None):
                continue
            self._own[command.name] = action = QAction(command.text, owner)
            action.setObjectName(command.name)
            action.setShortcuts([QKeySequence(key) for key in command.keys])
            action.setToolTip(tip_of(command))
            if command.icon:
                action.setIcon(icon(command.icon))
            if command.field:
                _bind(action, state, command.field)

    def __getitem__(self, name: str) -> QAction:
        return self.by_name[name]

    def connect(self, **slots: Callable[[], object]) -> None:
        for name, slot in slots.items():
            self.by_name[name].triggered.connect(lambda _checked=False, slot=slot: slot())

    def work_in(self, widget: QWidget) -> None:
        """Has the keys work while `widget` is shown, also where the menu bar is hidden."""
        widget.addActions(list(self._own.values()))

    def work_in_grid(self, grid: QWidget, is_current: bool) -> None:
        """The keys of the source that has the focus in the grid, from now on or no longer."""
        for name, action in self._own.items():
            if name not in _IN_GRID:
                continue
            if is_current:
                grid.addAction(action)
            else:
                grid.removeAction(action)


class Menus:
    """The menus of a window, filled with the commands of the window and of one source."""

    def __init__(self, window: QMainWindow) -> None:
        bar = _made(window.menuBar())
        names = dict.fromkeys(command.menu for command in COMMANDS)
        self.by_name = {name: _made(bar.addMenu(f"&{name}")) for name in names}
        self.cameras = QMenu("Open camera", window)
        self.cameras.setIcon(icon("camera"))
        self.recent = QMenu("Open recent", window)

    def show(self, actions: Actions, *, is_grid: bool = False) -> None:
        """Fills them anew. Those of which nothing makes sense now are not shown."""
        for menu in self.by_name.values():
            menu.clear()
        for command in COMMANDS:
            menu = self.by_name[command.menu]
            if is_grid and not command.is_in_grid:
                continue
            if command.line_above:
                menu.addSeparator()
            menu.addAction(actions[command.name])
            if command.name == "open_file":
                menu.addMenu(self.cameras)
            if command.name == "open_demo":
                menu.addMenu(self.recent)
        for menu in self.by_name.values():
            _made(menu.menuAction()).setVisible(not menu.isEmpty())


def fill_menu(
    menu: QMenu, rows: Iterable[tuple[str, str]], chosen: Callable[[str], None], empty: str
) -> None:
    """Fills the menu anew with rows of (text, value); `empty` is the grey line that an empty menu shows."""
    menu.clear()
    for text, value in rows:
        action = _made(menu.addAction(text.replace("&", "&&")))
        action.setStatusTip(value)
        action.triggered.connect(lambda _checked=False, value=value: chosen(value))
    if menu.isEmpty():
        _made(menu.addAction(empty)).setEnabled(False)


def tip_of(command: Command) -> str:
    return f"{command.text} ({keys_of(command)})" if command.keys else command.text


def keys_of(command: Command) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return "  ".join(QKeySequence(key).toString(native) for key in command.keys)


def _bind(action: QAction, state: WatchedState, field: str) -> None:
    action.setCheckable(True)
    state.watch(field, action.setChecked, now=True)
    action.toggled.connect(lambda on: setattr(state, field, on))


def _made(made: T | None) -> T:
    assert made is not None  # PyQt's stubs call everything optional
    return made
