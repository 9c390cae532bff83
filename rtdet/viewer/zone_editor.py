"""Lines and zones as they are drawn, moved, named and coloured in the window. Free of Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rtdet.counting import Line, Zone, Zones, zones_from_text, zones_to_text
from rtdet.errors import SourceError
from rtdet.viewer.watched import WatchedState
from rtdet.viewer.zone_shapes import (
    CORNER,
    REACH_PX,
    Grip,
    Look,
    Point,
    clean,
    grip_at,
    moved,
    shifted,
    snapped,
    straightened,
    without_corner,
    zone_at,
)

# What is drawn.
LINE, ZONE, GROUND = "line", "zone", "ground"
GROUND_CORNERS = 4
# Of new lines and zones, one after the other: apart from each other, and seen on light and on dark ground.
COLORS = ("#ffb000", "#00c2d1", "#ff5fa2", "#8ddb3c", "#a48bff", "#ff7a3d", "#4c9dff", "#e6d84a")
_MOST_UNDONE = 200


@dataclass(frozen=True)
class _Drag:
    grip: Grip
    start: Point
    shape: Line | Zone


@dataclass(eq=False)
class ZoneEditor(WatchedState):
    """Belongs to the GUI's thread; every field can be watched.

    zones:    what holds, in fractions of the picture.
    moving:   what is shown while something is dragged; None: `zones`.
    selected: the name of the line or zone that is selected.
    tool:     what is being drawn, one of LINE, ZONE and GROUND; "": nothing, and what is there can be moved.
    draft:    its corners so far.
    pointer:  where the next corner would be.
    fault:    what is wrong with what was drawn or changed, a line for the user, "" when nothing is.
    """

    zones: Zones = field(default_factory=Zones)
    moving: Zones | None = None
    selected: str | None = None
    tool: str = ""
    draft: tuple[Point, ...] = ()
    pointer: Point | None = None
    fault: str = ""
    _undone: list[Zones] = field(default_factory=list)
    _done: list[Zones] = field(default_factory=list)
    _drag: _Drag | None = None
    _last: str = ""

    @property
    def shown(self) -> Zones:
        return self.zones if self.moving is None else self.moving

    @property
    def chosen(self) -> Line | Zone | None:
        """The line or zone that is selected."""
        return None if self.selected is None else self.shown.named(self.selected)

    # Changes, each of which can be undone

    def load(self, zones: Zones) -> None:
        """Takes those of another source: nothing of before can be undone."""
        self._done, self._undone, self._last = [], [], ""
        self.stop()
        self.selected, self.moving, self.zones = None, None, zones

    def change(self, zones: Zones, *, what: str = "") -> bool:
        """Takes changed ones, if they are possible. Changes of the same `what` in a row are undone as one."""
        if zones == self.zones:
            return True
        try:
            zones = zones_from_text(zones_to_text(zones), "Not possible")
        except SourceError as error:
            self.fault = ""
            self.fault = str(error)
            return False
        if not what or what != self._last:
            self._done = [*self._done, self.zones][-_MOST_UNDONE:]
        self._undone, self._last, self.fault = [], what, ""
        self.zones = zones
        self._keep_selected()
        return True

    @property
    def can_undo(self) -> bool:
        return bool(self._done or self.draft)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def undo(self) -> None:
        """Takes back the last corner of what is being drawn, else the last change."""
        if self.draft:
            self.draft = self.draft[:-1]
        elif self._done:
            self._undone.append(self.zones)
            self._last, self.zones = "", self._done.pop()
            self._keep_selected()

    def redo(self) -> None:
        if self._undone:
            self._done.append(self.zones)
            self._last, self.zones = "", self._undone.pop()
            self._keep_selected()

    def _keep_selected(self) -> None:
        if self.selected is not None and self.zones.named(self.selected) is None:
            self.selected = None

    def _replace(self, name: str, shape: Line | Zone, what: str = "") -> bool:
        return self.change(self.zones.with_changed(name, shape), what=what)

    def rename(self, name: str, new: str) -> bool:
        """Gives a line or zone another name; `fault` says why that cannot be."""
        shape, new = self.zones.named(name), " ".join(new.split())
        if shape is None or new == name:
            return shape is not None
        if not new or self.zones.named(new) is not None:
            self.fault = ""
            self.fault = f"There is a “{new}” already." if new else "A name has at least one letter."
            return False
        was_selected = self.selected == name
        done = self._replace(name, shape.with_name(new))
        if done and was_selected:
            self.selected = new
        return done

    def color(self, name: str, color: str) -> None:
        shape = self.zones.named(name)
        if shape is not None:
            self._replace(name, shape.with_color(color))

    def describe(
        self, name: str, *, directions: tuple[str, str] | None = None, classes: Sequence[str] | None = None
    ) -> bool:
        """Sets the names of a line's directions, or which classes count (none: all)."""
        shape = self.zones.named(name)
        if shape is not None and classes is not None:
            shape = replace(shape, classes=tuple(classes))
        if isinstance(shape, Line) and directions is not None:
            shape = replace(shape, directions=directions)
        return shape is not None and self._replace(name, shape)

    def turn(self, name: str) -> None:
        """Makes a line count the other way round: in is out."""
        shape = self.zones.named(name)
        if isinstance(shape, Line):
            self._replace(name, shape.turned())

    def delete(self, name: str | None = None) -> None:
        name = name or self.selected
        if name is not None:
            self.change(self.zones.without(name))

    def remove_corner(self, at: Point, look: Look) -> bool:
        """Takes out the corner of the selected shape at a point. Returns whether one was there."""
        grip, shape = grip_at(self.zones, self.selected, at, look), self.chosen
        if grip is None or shape is None or grip.part != CORNER or grip.name != shape.name:
            return False
        fewer = without_corner(shape, grip.index)
        if fewer is not None:
            self._replace(shape.name, fewer)
        return True

    def nudge(self, dx: float, dy: float) -> None:
        """Moves what is selected by so many fractions of the picture."""
        shape = self.chosen
        if shape is not None:
            self._replace(shape.name, shifted(shape, dx, dy), what=f"nudge {shape.name}")

    # Drawing

    def draw(self, tool: str) -> None:
        """Begins to draw; the same tool again ends it."""
        tool = "" if tool == self.tool else tool
        self.draft, self.pointer, self._drag, self.moving = (), None, None, None
        if tool:
            self.selected = None
        self.fault, self.tool = "", tool

    def stop(self) -> None:
        self.draft, self.pointer, self._drag, self.moving, self.tool = (), None, None, None, ""

    def escape(self) -> bool:
        """Ends what is under way, one thing at a time. Returns whether there was something."""
        if self._drag is not None:
            self._drag, self.moving = None, None
        elif self.draft:
            self.draft, self.pointer = (), None
        elif self.tool:
            self.stop()
        elif self.selected is not None:
            self.selected = None
        else:
            return False
        return True

    def where(self, at: Point, look: Look, *, is_straight: bool = False) -> Point:
        """Where a corner goes that is set at a point: to what is near, or level with the corner before."""
        if is_straight and self.draft:
            return clean(straightened(at, self.draft[-1], look))
        first = self.draft[:1] if self.tool == ZONE and len(self.draft) > 2 else ()
        others = [corner for shape in self.zones for corner in shape.points]
        return clean(snapped(at, [*first, *others], look))

    def add_corner(self, corner: Point, look: Look) -> None:
        """Sets a corner; that on a zone's first one closes it, and a scale has four."""
        if self.tool == ZONE and len(self.draft) > 2 and look.distance(corner, self.draft[0]) <= REACH_PX:
            self.finish()
        elif not self.draft or look.distance(corner, self.draft[-1]) > 1:
            self.draft = (*self.draft, corner)

    def draw_from(self, start: Point, end: Point) -> bool:
        """Draws all of it by one stroke: a line from one end to the other, a zone from corner to corner."""
        self.draft = (
            (start, end) if self.tool == LINE else (start, (end[0], start[1]), end, (start[0], end[1]))
        )
        return self.finish()

    def finish(self) -> bool:
        """Makes a line or a zone of the corners; it is selected then. Too few corners are forgotten."""
        corners, tool = self.draft, self.tool
        if tool == GROUND:
            return len(corners) == GROUND_CORNERS
        if tool not in (LINE, ZONE) or len(corners) < (2 if tool == LINE else 3):
            self.draft = ()
            return False
        name = self._free_name(tool)
        color = COLORS[len(self.zones) % len(COLORS)]
        shape = Line(name, corners, color) if tool == LINE else Zone(name, corners, color)
        done = self.change(
            self.zones.with_line(shape) if isinstance(shape, Line) else self.zones.with_zone(shape)
        )
        self.draft = ()
        if done:
            self.stop()
            self.selected = name
        return done

    def _free_name(self, kind: str) -> str:
        number = 1
        while self.zones.named(f"{kind} {number}") is not None:
            number += 1
        return f"{kind} {number}"

    # Moving what is there

    def press(self, at: Point, look: Look) -> Grip | None:
        """Takes hold of what is at a point, and selects it. None: nothing is there."""
        grip = grip_at(self.zones, self.selected, at, look)
        shape = None if grip is None else self.zones.named(grip.name)
        if grip is not None and shape is not None:
            self.selected = grip.name
            self._drag = _Drag(grip, at, shape)
        return grip

    def drag(self, at: Point, look: Look, *, is_straight: bool = False) -> None:
        """Moves what is held."""
        drag = self._drag
        if drag is None:
            return
        if drag.grip.part == CORNER:
            others = [corner for one in self.zones if one.name != drag.shape.name for corner in one.points]
            neighbor = drag.shape.points[drag.grip.index - 1 if drag.grip.index else 1]
            at = straightened(at, neighbor, look) if is_straight else snapped(at, others, look)
        self.moving = self.zones.with_changed(drag.shape.name, moved(drag.shape, drag.grip, drag.start, at))

    def release(self) -> bool:
        """Lets go. What is not possible goes back to where it was. Returns whether something was held."""
        drag, zones = self._drag, self.moving
        self._drag = None
        if zones is not None:
            self.change(zones)
            self.moving = None
        return drag is not None

    @property
    def is_dragging(self) -> bool:
        return self._drag is not None

    def select_zone_at(self, at: Point) -> str | None:
        """Selects the zone around a point, or nothing."""
        self.selected = zone_at(self.zones, at)
        return self.selected
