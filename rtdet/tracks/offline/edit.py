"""An edit of a table as a value: what was done, to which tracks, and where these were.

Edit.of("merge", first=3, second=7); apply(table, edit) gives a new table. VERBS has all of them. IDs are a tracker's
numbering of one run: where the run is tracked again, they may be other objects'. So an edit remembers a place of each
track that it names, an `Anchor`, and `anchors.fitted` finds the tracks again by their places (`anchors.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from rtdet.errors import UnknownNameError, UsageError
from rtdet.tracks.offline.arguments import Kind, box, class_name, flag, frame, seconds, track_id
from rtdet.tracks.offline.boxes import correct, draw
from rtdet.tracks.offline.filling import fill
from rtdet.tracks.offline.linking import link
from rtdet.tracks.offline.smoothing import smooth
from rtdet.tracks.offline.verbs import (
    delete,
    merge,
    rename,
    renumber,
    set_class,
    split,
    swap,
)
from rtdet.tracks.table import FARTHEST, TrackTable


@dataclass(frozen=True)
class Verb:
    """Something that can be done to a table.

    run       takes the table and the arguments by their names; raises UsageError where it cannot be done.
    words     says it to a person, with the arguments in braces.
    required, optional    the kind of each argument.
    tracks    the arguments that are IDs of tracks that are there.
    cuts      the tracks go over into something else at the argument `frame`.
    """

    run: Callable[..., TrackTable]
    words: str
    required: Mapping[str, Kind]
    optional: Mapping[str, Kind]
    tracks: tuple[str, ...] = ()
    cuts: bool = False


_TWO = {"first": track_id, "second": track_id}
VERBS: Mapping[str, Verb] = {
    "merge": Verb(merge, "merge {first} and {second}", _TWO, {}, ("first", "second")),
    "split": Verb(
        split, "split {track_id} at frame {frame}", {"track_id": track_id, "frame": frame}, {"new": track_id},
        ("track_id",), cuts=True,
    ),
    "swap": Verb(
        swap, "swap {first} and {second} from frame {frame} on", {**_TWO, "frame": frame}, {},
        ("first", "second"), cuts=True,
    ),
    "delete": Verb(
        delete, "delete {track_id}", {"track_id": track_id}, {"start": frame, "end": frame}, ("track_id",)
    ),
    "rename": Verb(rename, "rename {old} to {new}", {"old": track_id, "new": track_id}, {}, ("old",)),
    "set_class": Verb(
        set_class, "make {track_id} a {name}", {"track_id": track_id, "name": class_name}, {}, ("track_id",)
    ),
    "draw": Verb(
        draw, "draw {track_id} in frame {frame}", {"track_id": track_id, "frame": frame, "box": box},
        {"class_name": class_name}, ("track_id",),
    ),
    "correct": Verb(
        correct, "correct {track_id} in frame {frame}", {"track_id": track_id, "frame": frame, "box": box},
        {"start": frame, "end": frame}, ("track_id",),
    ),
    "renumber": Verb(renumber, "renumber", {}, {}),
    "link": Verb(link, "link", {}, {"max_gap_s": seconds}),
    "fill": Verb(fill, "fill", {}, {"max_gap_s": seconds, "every_frame": flag}),
    "smooth": Verb(smooth, "smooth", {}, {}),
}  # fmt: skip


@dataclass(frozen=True)
class Anchor:
    """Where the track of an ID was, just before an edit that names it: a frame, and its box xyxy there."""

    track_id: int
    frame: int
    box: tuple[float, ...]

    @classmethod
    def checked(cls, its_id: Any, its_frame: Any, corners: Any) -> Anchor:
        """The anchor of what a file says. Raises UsageError."""
        of_box = tuple(corners) if isinstance(corners, (list, tuple)) else ()
        if len(of_box) != 4 or not all(
            type(side) in (int, float) and abs(side) <= FARTHEST for side in of_box
        ):
            raise UsageError(f"at: a place has four numbers of pixels, not {corners!r}")
        return cls(track_id("at", its_id), frame("at", its_frame), tuple(map(float, of_box)))


@dataclass(frozen=True)
class Edit:
    """What is done to a table: a verb of VERBS and its arguments by name; places of the tracks that it names, where
    they are known. Raises UnknownNameError for another verb and UsageError for arguments that it does not take."""

    verb: str
    arguments: Mapping[str, Any]
    anchors: tuple[Anchor, ...] = ()

    def __post_init__(self) -> None:
        if self.verb not in VERBS:
            raise UnknownNameError("edit", self.verb, VERBS)
        verb = VERBS[self.verb]
        missing = [name for name in verb.required if name not in self.arguments]
        if missing:
            raise UsageError(f"{self.verb} needs {' and '.join(missing)}")
        kinds = {**verb.required, **verb.optional}
        for name in self.arguments:
            if name not in kinds:
                raise UnknownNameError(f"argument of {self.verb}", name, kinds)
        checked = {name: kinds[name](f"{self.verb}: {name}", value) for name, value in self.arguments.items()}
        object.__setattr__(self, "arguments", MappingProxyType(checked))
        object.__setattr__(self, "anchors", tuple(self.anchors))

    @classmethod
    def of(cls, verb: str, **arguments: Any) -> Edit:
        """The edit with these arguments; those that are None are left out."""
        return cls(verb, {name: value for name, value in arguments.items() if value is not None})

    def __str__(self) -> str:
        """The edit for a person: "split 3 at frame 5"."""
        words = VERBS[self.verb].words.format(**self.arguments)
        if self.verb == "delete" and len(self.arguments) > 1:
            start, end = (self.arguments.get(side) for side in ("start", "end"))
            words += (f" from frame {start}" if start else "") + (f" to frame {end}" if end else "")
        return words

    def with_arguments(self, **arguments: Any) -> Edit:
        """The edit with some arguments changed."""
        return replace(self, arguments={**self.arguments, **arguments})


def apply(table: TrackTable, edit: Edit) -> TrackTable:
    """The table with the edit done, by its IDs; the old one is unchanged. Raises UsageError where it cannot be."""
    return VERBS[edit.verb].run(table, **edit.arguments)
