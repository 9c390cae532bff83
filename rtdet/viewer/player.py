"""The state of one source in the viewer: what is open, with which settings, and what went wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import ClassVar

from rtdet.class_groups import with_groups
from rtdet.config import RunConfig
from rtdet.types import InputSize, SourceInfo, Thresholds
from rtdet.video.draw.zone_marks import ZoneMark
from rtdet.viewer.watched import WatchedState


class Phase(Enum):
    """Whether nothing is open, or the picture plays, is paused or has ended."""

    EMPTY = "empty"
    LOADING = "loading"
    PLAYING = "playing"
    PAUSED = "paused"
    ENDED = "ended"


SPEEDS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0)


class Severity(Enum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Message:
    """One line for the user. With `retry`, the window offers to open the source again. recording: one that it says to
    be saved."""

    text: str
    severity: Severity = Severity.INFO
    retry: bool = False
    recording: Path | None = None


@dataclass(frozen=True)
class Rates:
    """The numbers on screen: current frames per second, the age of the picture and of the detection behind its boxes,
    objects and dropped frames; what each stage takes (LiveStats.stages_ms), and what was given up to keep results
    fresh, "" where nothing was."""

    capture_fps: float = 0.0
    inference_fps: float = 0.0
    display_fps: float = 0.0
    age_ms: float | None = None
    objects: int = 0
    dropped: int = 0
    boxes_age_ms: float | None = None
    stages_ms: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    gave_up: str = ""


@dataclass(eq=False)
class Speaking(WatchedState):
    """message: one line for the user, or None."""

    message: Message | None = None

    def say(
        self,
        text: str,
        severity: Severity = Severity.INFO,
        *,
        retry: bool = False,
        recording: Path | None = None,
    ) -> None:
        """Shows one line in the window. A notice does not replace an error that is on screen. recording: the one that
        it says to be saved."""
        now = self.message
        if now is not None and now.severity is Severity.ERROR and severity is Severity.INFO:
            return
        self.message = Message(" ".join(text.split()), severity, retry, recording)


@dataclass(eq=False)
class PlayerState(Speaking):
    """All that concerns one source; a window that shows several has one of these for each.

    source:      as the user named it ("" until something is opened).
    name:        what it is called in the window and in the names of new files; "": as its address says.
    loading:     what is being waited for, as a line for the user; "" when nothing is.
    trouble:     why nothing comes from the source, a line; "" where nothing is wrong with it.
    retry_in_s:  it is opened again by itself in so many seconds; None: it is not.
    is_enlarged: it is shown alone, with its panels, and not as one tile of several.
    selection:   names of the classes to keep; None keeps all of them, an empty set keeps nothing.
    expected:    the classes that the source is known to show; empty where nothing is known.
    seen:        the classes of which something was found in this source, in the order of their first time.
    queue:       what is played after the source.
    position_s:  time of the picture on screen, on the source's clock.
    frame_index: its number, from 0 (people and track files count from 1); None before the first one.
    file_name:   its name, where it is a file of its own.
    speed:       seconds of a file for one on the wall, one of SPEEDS.
    model, imgsz, tracker: those that are wanted; the session sees to it, and puts the old ones back if it cannot.
    input_size:  which `imgsz` the model can have; None where it does not tell.
    is_kept_run: the source is a kept run, which has what its model found; none can be chosen.
    camera_motion: the tracker is told how the camera itself moves.
    recording:   the file that is being written, or None.
    zones:       its lines and zones with their counts, as they are now.

    Model, tracker, thresholds and selection are the source's and not the window's: they are carried out by the
    pipeline, of which there is one for a source; a selection is of the classes that its model knows; and a door
    wants other ones than a street. The panel of a window with several shows those of the one that was chosen.
    """

    phase: Phase = Phase.EMPTY
    source: str = ""
    name: str = ""
    queue: tuple[str, ...] = ()
    source_info: SourceInfo | None = None
    is_kept_run: bool = False
    reconnecting: bool = False
    loading: str = ""
    trouble: str = ""
    retry_in_s: int | None = None
    is_enlarged: bool = True
    position_s: float = 0.0
    frame_index: int | None = None
    file_name: str = ""
    speed: float = 1.0
    model: str = "rtdet-n"
    imgsz: int | None = None
    input_size: InputSize | None = None
    tracker: str = "rtdet"
    camera_motion: bool = False
    confidence: float = 0.25
    iou: float = 0.5
    class_names: tuple[str, ...] = ()
    selection: frozenset[str] | None = None
    expected: frozenset[str] = frozenset()
    seen: tuple[str, ...] = ()
    recording: Path | None = None
    rates: Rates = Rates()
    loop: bool = False
    zones: tuple[ZoneMark, ...] = ()

    REMEMBERED: ClassVar[tuple[str, ...]] = (
        "model", "imgsz", "tracker", "camera_motion", "confidence", "iou", "loop",
    )  # fmt: skip

    # What follows from the fields.

    @property
    def is_open(self) -> bool:
        """Whether something is on screen that plays, or could."""
        return self.source_info is not None

    @property
    def can_seek(self) -> bool:
        info = self.source_info
        return info is not None and info.is_seekable and not info.is_live and bool(info.duration_s)

    @property
    def can_change_speed(self) -> bool:
        return self.source_info is not None and not self.source_info.is_live

    @property
    def duration_s(self) -> float | None:
        return self.source_info.duration_s if self.source_info else None

    @property
    def are_pictures(self) -> bool:
        """Whether single pictures are open, which somebody looks through one by one."""
        return self.source_info is not None and self.source_info.are_pictures

    @property
    def picture_number(self) -> int:
        """Of single pictures, which is on screen, from 1."""
        info = self.source_info
        return 1 + round(self.position_s * (info.fps or 1.0)) if info is not None else 0

    @property
    def last_s(self) -> float:
        """The latest time that one can go to: the end of a film, or where the last picture of several begins."""
        info = self.source_info
        if info is None or not info.duration_s:
            return 0.0
        return info.duration_s - (1 / info.fps if info.are_pictures and info.fps else 0.0)

    def keeps(self, class_name: str) -> bool:
        return self.selection is None or class_name in with_groups(self.selection, (class_name,))

    def thresholds(self, base: Thresholds) -> Thresholds:
        """`base` with what the user set here. Thresholds say "all classes" by naming none, so an empty
        selection is said by keeping no detections at all."""
        classes = frozenset() if self.selection is None else self.selection
        if self.class_names:
            classes = frozenset(with_groups(classes, self.class_names)) & frozenset(self.class_names)
        nothing = self.selection is not None and not classes
        limit = 0 if nothing else base.max_detections
        return replace(base, confidence=self.confidence, iou=self.iou, classes=classes, max_detections=limit)

    # What the user does to it.

    def learn_classes(self, names: Collection[str]) -> None:
        """Takes over a model's classes. A selection keeps what the new model knows too; a selection of
        which nothing is left becomes "all"."""
        names = tuple(names)
        if names == self.class_names:
            return
        untouched, chosen = self.selection == self._usual_selection(), self.selection
        self.class_names = names
        if untouched and self.expected:
            self.selection = self._usual_selection()
        elif chosen:
            self.selection = frozenset(with_groups(chosen, names)) & frozenset(names) or None

    def expect(self, names: Collection[str]) -> None:
        """A new source is open, which shows these classes; none: that is not known. Unless the user has made a
        selection, the others are not looked for."""
        untouched = self.selection is None or self.selection == self._usual_selection()
        self.seen, self.expected = (), frozenset(names)
        if untouched:
            self.selection = self._usual_selection()

    def _usual_selection(self) -> frozenset[str] | None:
        """That of a source with which the user has done nothing."""
        known = frozenset(self.class_names)
        usual = self.expected & known if known else self.expected
        return None if usual == known else usual or None

    def see(self, names: Collection[str]) -> None:
        """Notes the classes of what is on screen."""
        new = [name for name in dict.fromkeys(names) if name not in self.seen]
        if new:
            self.seen = (*self.seen, *new)

    def select(self, class_names: Collection[str], keep: bool) -> None:
        """Adds classes to the selection or takes them out; with every class in it, it is None again."""
        everything = frozenset(self.class_names)
        chosen = everything if self.selection is None else self.selection & everything
        chosen = chosen | frozenset(class_names) if keep else chosen - frozenset(class_names)
        self.selection = None if chosen == everything else chosen

    def change_speed(self, steps: int) -> None:
        """So many of SPEEDS faster or slower, as far as they go."""
        if self.can_change_speed:
            self.speed = SPEEDS[min(max(SPEEDS.index(self.speed) + steps, 0), len(SPEEDS) - 1)]

    # What a run is asked to do.

    def take_over(self, config: RunConfig) -> None:
        """Sets the fields from a run's configuration."""
        self.model, self.imgsz = config.model, config.imgsz
        self.tracker, self.camera_motion = config.tracker, config.camera_motion
        self.confidence, self.iou = config.conf, config.iou
        self.selection = frozenset(config.classes) or None

    def as_config(self, base: RunConfig, source: str, start: float = 0.0) -> RunConfig:
        """The configuration that opens `source` with the current settings."""
        known = frozenset(self.class_names)
        chosen = self.selection if self.selection and (not known or self.selection <= known) else ()
        if source != self.source and self.expected and self.selection == self._usual_selection():
            chosen = ()  # it was for what is open now
        return replace(
            base,
            source=source,
            start=max(start, 0.0),
            model=self.model,
            imgsz=self.imgsz,
            tracker=self.tracker,
            # Settings are for the model and the tracker that they came with, not for those chosen in the window.
            head=base.head if self.model == base.model else None,
            input=base.input if self.model == base.model else None,
            set=base.set if self.tracker == base.tracker else (),
            camera_motion=self.camera_motion,
            conf=self.confidence,
            iou=self.iou,
            classes=tuple(sorted(chosen)),
        )


_CONFIG_FIELDS = {
    "model": "model",
    "imgsz": "imgsz",
    "tracker": "tracker",
    "camera_motion": "camera_motion",
    "conf": "confidence",
    "iou": "iou",
}


def fields_given(config: RunConfig, given: Collection[str] | None = None) -> frozenset[str]:
    """The PlayerState fields that the user set on purpose, which what was remembered must not overrule:
    those of the RunConfig fields in `given`, or, where that is unknown, of those that are not the default."""
    default = RunConfig()
    return frozenset(
        field
        for name, field in _CONFIG_FIELDS.items()
        if (getattr(config, name) != getattr(default, name) if given is None else name in given)
    )
